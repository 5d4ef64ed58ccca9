#include "pool/http/site.h"
#include "pool/http/assets.h"
#include "pool/http/responses.h"

#include "tests/unit/pool/http/fixture.h"

#include <doctest/doctest.h>

using namespace pool;

namespace {

struct Served {
  PoolSnapshot snapshot = busy_snapshot();
  int asked = 0;
  Site site{{[this](Audience) -> const PoolSnapshot& {
               ++asked;
               return snapshot;
             },
             [this](std::string_view user, std::size_t most) {
               asked_for = user;
               asked_most = most;
               return refused;
             }}};
  std::string asked_for;
  std::size_t asked_most = 0;
  std::vector<pool::RejectedSubmit> refused;

  net::HttpResponse get(const std::string& target, const std::string& method = "GET",
                        net::HttpHeaders headers = {}) {
    net::HttpRequest request;
    request.method = method;
    request.target = target;
    request.headers = std::move(headers);
    return answer(request);
  }
  net::HttpResponse answer(const net::HttpRequest& request) {
    std::optional<net::HttpResponse> given;
    site.answer(request,
                Responder(request, [&](Answer&& answer) { given = std::move(answer.response); }));
    REQUIRE(given);
    return *given;
  }
};

std::string asset_path(std::string_view name) {
  for (const WebAsset& asset : web_assets()) {
    if (asset.name == name) return std::string(asset.path);
  }
  FAIL("no such asset");
  return {};
}

std::string header(const net::HttpResponse& response, std::string_view name) {
  return std::string(net::header_value(response.headers, name));
}

}  // namespace

TEST_CASE("every path gives what it promises") {
  struct Row {
    const char* target;
    int status;
    const char* type;
    const char* holds;
  };
  const std::string style = asset_path("style.css");
  const std::string app = asset_path("app.js");
  const std::string theme = asset_path("theme.js");
  const Row rows[] = {
      {"/", 200, "text/html; charset=utf-8", "<!DOCTYPE html>"},
      {"/?from=bookmark", 200, "text/html; charset=utf-8", "<!DOCTYPE html>"},
      {"/#blocks", 200, "text/html; charset=utf-8", "<!DOCTYPE html>"},
      {"http://pool.example/healthz", 200, "text/plain; charset=utf-8", "ok\n"},
      {"http://pool.example", 200, "text/html; charset=utf-8", "<!DOCTYPE html>"},
      {"/blocks", 200, "text/html; charset=utf-8", "<!DOCTYPE html>"},
      {"/coherence", 200, "text/html; charset=utf-8", "<!DOCTYPE html>"},
      {style.c_str(), 200, "text/css; charset=utf-8", "--accent"},
      {app.c_str(), 200, "text/javascript; charset=utf-8", "/api/v1/pool"},
      {theme.c_str(), 200, "text/javascript; charset=utf-8", "theme"},
      {"/icon.svg", 200, "image/svg+xml", "<svg"},
      {"/healthz", 200, "text/plain; charset=utf-8", "ok\n"},
      {"/readyz", 200, "text/plain; charset=utf-8", "ready\n"},
      {"/api/v1/pool", 200, "application/json; charset=utf-8", "\"height\":1234"},
      {"/api/v1/coherence", 200, "application/json; charset=utf-8", "{\"enabled\":false}"},
      {"/api/v1/", 404, "application/json; charset=utf-8", "\"code\":\"not_found\""},
      {"/style.css/", 404, "application/json; charset=utf-8", "\"code\":\"not_found\""},
      {"/../etc/passwd", 404, "application/json; charset=utf-8", "\"code\":\"not_found\""},
      {"/%2e%2e/", 404, "application/json; charset=utf-8", "\"code\":\"not_found\""},
      {"*", 400, "application/json; charset=utf-8", "\"code\":\"bad_target\""},
      {"", 400, "application/json; charset=utf-8", "\"code\":\"bad_target\""},
      {"healthz", 400, "application/json; charset=utf-8", "\"code\":\"bad_target\""},
  };
  Served served;
  for (const Row& row : rows) {
    CAPTURE(row.target);
    const net::HttpResponse got = served.get(row.target);
    CHECK_EQ(got.status, row.status);
    CHECK_EQ(header(got, "content-type"), row.type);
    CHECK_NE(got.body.find(row.holds), std::string::npos);
    CHECK_EQ(header(got, "x-content-type-options"), "nosniff");
    CHECK_EQ(header(got, "content-security-policy").rfind("default-src 'none'; ", 0), 0);
    CHECK_EQ(header(got, "content-security-policy").find("unsafe"), std::string::npos);
    CHECK_FALSE(header(got, "cache-control").empty());
    CHECK_FALSE(net::status_text(got.status).empty());

    const net::HttpResponse head = served.get(row.target, "HEAD");
    CHECK_EQ(head.status, row.status);
    CHECK(head.body.empty());
    CHECK_EQ(header(head, "content-length"), std::to_string(got.body.size()));
    CHECK_EQ(header(head, "content-type"), row.type);
  }
}

TEST_CASE("other methods are refused with the ones that are allowed") {
  Served served;
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get", ""}) {
    CAPTURE(method);
    const net::HttpResponse got = served.get("/api/v1/pool", method);
    CHECK_EQ(got.status, 405);
    CHECK_EQ(header(got, "allow"), "GET, HEAD");
  }
  CHECK_EQ(served.get("/nothing", "POST").status, 404);
}

TEST_CASE("an asset that the browser has is not sent again") {
  Served served;
  const std::string etag = header(served.get(asset_path("style.css")), "etag");
  CHECK_EQ(etag.size(), 14);
  CHECK_NE(etag, header(served.get(asset_path("app.js")), "etag"));
  for (const std::string& seen : {etag, "\"other\", " + etag, "W/" + etag, std::string("*")}) {
    CAPTURE(seen);
    const net::HttpResponse got =
        served.get(asset_path("style.css"), "GET", {{"if-none-match", seen}});
    CHECK_EQ(got.status, 304);
    CHECK(got.body.empty());
    CHECK_EQ(header(got, "etag"), etag);
  }
  CHECK_EQ(served.get(asset_path("style.css"), "GET", {{"if-none-match", "\"other\""}}).status,
           200);
  CHECK_EQ(served.asked, 0);
}

TEST_CASE("an asset comes packed to who takes that, each form with its own etag") {
  Served served;
  for (const WebAsset& asset : web_assets()) {
    CAPTURE(asset.name);
    const auto get = [&](const char* coding, const std::string& seen) {
      return served.get(std::string(asset.path), "GET",
                        {{"accept-encoding", coding}, {"if-none-match", seen}});
    };
    const net::HttpResponse plain = get("", "");
    const net::HttpResponse gzip = get("gzip", "");
    const net::HttpResponse brotli = get("gzip, br", "");
    CHECK_EQ(plain.body, asset.raw);
    CHECK_EQ(gzip.body, asset.gzip);
    CHECK_EQ(brotli.body, asset.brotli);
    CHECK_EQ(header(plain, "content-encoding"), "");
    CHECK_EQ(header(gzip, "content-encoding"), "gzip");
    CHECK_EQ(header(brotli, "content-encoding"), "br");
    for (const net::HttpResponse* got : {&plain, &gzip, &brotli}) {
      CHECK_EQ(header(*got, "vary"), "accept-encoding");
    }
    CHECK_NE(header(plain, "etag"), header(gzip, "etag"));
    CHECK_NE(header(gzip, "etag"), header(brotli, "etag"));
    CHECK_EQ(get("gzip, br", header(brotli, "etag")).status, 304);
    CHECK_EQ(get("gzip, br", header(gzip, "etag")).status, 200);
    CHECK_EQ(get("", header(brotli, "etag")).status, 200);
  }
}

TEST_CASE("readiness says what is missing, health does not care") {
  Served served;
  served.snapshot.node->connected = false;
  served.snapshot.node->error = "http://127.0.0.1:18443: connection refused";
  served.snapshot.journal->writable = false;
  CHECK_EQ(served.get("/healthz").status, 200);
  net::HttpResponse got = served.get("/readyz");
  CHECK_EQ(got.status, 503);
  CHECK_EQ(got.body, "node: http://127.0.0.1:18443: connection refused\njournal: not writable\n");
  served.snapshot.node.reset();
  served.snapshot.journal.reset();
  got = served.get("/readyz");
  CHECK_EQ(got.status, 503);
  CHECK_EQ(got.body, "node: not asked yet\njournal: not open yet\n");
  // The database may be away: the pool serves and journals.
  served.snapshot = busy_snapshot();
  served.snapshot.stored->connected = false;
  CHECK_EQ(served.get("/readyz").status, 200);
}

TEST_CASE("what is not a request gets its status and the end of the connection") {
  CHECK_EQ(Site::answer_error(net::HttpError::malformed).status, 400);
  CHECK_EQ(Site::answer_error(net::HttpError::headers_too_large).status, 431);
  CHECK_EQ(Site::answer_error(net::HttpError::body_too_large).status, 413);
  CHECK_FALSE(Site::answer_error(net::HttpError::malformed).keep_alive);
  CHECK_EQ(Site::answer_busy().status, 503);
}

TEST_CASE("a worker's refused shares are served in full") {
  Served served;
  pool::RejectedSubmit reject;
  reject.time_us = 1'700'000'000'000'000;
  reject.worker = "addr.rig";
  reject.user_agent = "cgminer/4.11.1";
  reject.reason = stratum::RejectReason::low_difficulty;
  reject.job_id = "0000000000010000";
  reject.extranonce1 = "00030000";
  reject.extranonce2 = "0000000000000001";
  reject.ntime = 0x65000000;
  reject.nonce = 7;
  reject.version_mask = 0x1fffe000;
  reject.height = 100;
  reject.hash = bitcoin::BlockHash{};
  reject.share_difficulty = 0.5;
  reject.difficulty = 1;
  served.refused = {reject};
  net::HttpRequest request;
  request.method = "GET";
  request.target = "/api/v1/rejects?x=1&user=addr%2Erig";
  const net::HttpResponse answer = served.answer(request);
  CHECK_EQ(answer.status, 200);
  CHECK_EQ(served.asked_for, "addr.rig");
  CHECK_EQ(served.asked_most, 200);
  CHECK_EQ(
      answer.body,
      "{\"user\":\"addr.rig\",\"rejects\":[{\"time\":\"2023-11-14T22:13:20Z\",\"time_us\":"
      "1700000000000000,\"worker\":"
      "\"addr.rig\",\"user_agent\":\"cgminer/4.11.1\",\"code\":23,\"reason\":\"low_difficulty\","
      "\"message\":\"Low difficulty share\",\"detail\":null,\"job_id\":\"0000000000010000\","
      "\"extranonce1\":\"00030000\",\"extranonce2\":\"0000000000000001\",\"ntime\":\"65000000\","
      "\"ntime_offset_seconds\":-5501184,"
      "\"nonce\":\"00000007\",\"version_bits\":null,\"version_mask\":\"1fffe000\",\"hash\":"
      "\"0000000000000000000000000000000000000000000000000000000000000000\",\"height\":100,"
      "\"job_age_ms\":null,\"stale_ms\":null,\"share_difficulty\":0.5,\"difficulty\":1.0}]}\n");
  for (const char* target :
       {"/api/v1/rejects", "/api/v1/rejects?user=", "/api/v1/rejects?users=a"}) {
    CAPTURE(target);
    request.target = target;
    CHECK_EQ(served.answer(request).status, 400);
  }
}

TEST_CASE("a snapshot is written once for all who ask while it is the newest") {
  Served served;
  for (const char* target : {"/api/v1/pool", "/api/v1/nodes", "/api/v1/coherence"}) {
    CAPTURE(target);
    served.snapshot = busy_snapshot();
    served.snapshot.coherence_status = CoherenceStatus{};
    served.snapshot.number = 1;
    const net::HttpResponse first = served.get(target);
    served.snapshot.time_us += 1'000'000;
    served.snapshot.node->height += 1;
    served.snapshot.coherence.clients += 1;
    served.snapshot.node->nodes.emplace_back();
    const net::HttpResponse again = served.get(target);
    CHECK_EQ(again.body, first.body);
    CHECK_EQ(header(again, "etag"), header(first, "etag"));
    served.snapshot.number = 2;
    const net::HttpResponse newer = served.get(target);
    CHECK_NE(newer.body, first.body);
    CHECK_EQ(header(newer, "etag"), etag_of(newer.body));
    CHECK_EQ(served.get(target, "GET", {{"if-none-match", header(newer, "etag")}}).status, 304);
    // One that nobody numbers is written anew for everybody.
    served.snapshot = busy_snapshot();
    served.snapshot.coherence_status = CoherenceStatus{};
    CHECK_EQ(served.get(target).body, first.body);
    served.snapshot.node->height += 1;
    served.snapshot.coherence.clients += 1;
    served.snapshot.node->nodes.emplace_back();
    CHECK_NE(served.get(target).body, first.body);
  }
}
