#include "pool/http/site.h"

#include "pool/http/api.h"
#include "pool/http/api_coherence.h"
#include "pool/http/assets.h"
#include "pool/http/ckpool.h"
#include "pool/http/content_coding.h"
#include "pool/http/metrics.h"
#include "pool/http/pages.h"
#include "pool/http/parameters.h"
#include "pool/http/responses.h"

#include <utility>

namespace pool {

extern const std::string_view web_openapi_json;  // web/openapi.json, embedded at build time

namespace {

constexpr std::string_view kept_for_ever = "public, max-age=31536000, immutable";

std::string_view body_of(const WebAsset& asset, ContentCoding coding) {
  if (coding == ContentCoding::brotli) return asset.brotli;
  return coding == ContentCoding::gzip ? asset.gzip : asset.raw;
}

// Each packed form has an etag of its own (RFC 9110, 8.8.3.3).
net::HttpResponse asset_response(const WebAsset& asset, const net::HttpHeaders& request_headers) {
  const ContentCoding coding = choose_coding(net::header_value(request_headers, "accept-encoding"));
  std::string etag(asset.etag);
  if (coding != ContentCoding::identity)
    etag.insert(etag.size() - 1, "-").insert(etag.size() - 1, name_of(coding));
  const bool known = is_known_to_client(request_headers, etag);
  net::HttpResponse out = response(known ? 304 : 200, asset.type,
                                   known ? std::string{} : std::string(body_of(asset, coding)),
                                   asset.is_immutable ? kept_for_ever : "no-cache");
  out.headers.emplace_back("etag", etag);
  out.headers.emplace_back("vary", "accept-encoding");
  if (coding != ContentCoding::identity && !known) {
    out.headers.emplace_back("content-encoding", name_of(coding));
  }
  return out;
}

// What an endpoint writes of a snapshot, kept for those who ask while it is the newest.
class Written {
 public:
  explicit Written(std::string (*json)(const PoolSnapshot&)) : json_(json) {}

  net::HttpResponse answer(const net::HttpHeaders& request_headers, const PoolSnapshot& snapshot) {
    if (snapshot.number == 0 || snapshot.number != number_) {
      number_ = snapshot.number;
      body_ = json_(snapshot) + "\n";
      etag_ = etag_of(body_);
    }
    return tagged_response(request_headers, json_type, body_, "no-cache", etag_);
  }

 private:
  std::string (*json_)(const PoolSnapshot&);
  std::uint64_t number_ = 0;
  std::string body_;
  std::string etag_;
};

}  // namespace

Site::Site(SiteSources sources) : sources_(std::move(sources)) {
  router_.set_hint("the API is described in /api/v1/openapi.json");
  add_assets();
  add_probes();
  add_pages(router_, sources_.later);
  add_api();
}

void Site::add_assets() {
  for (const WebAsset& asset : web_assets()) {
    router_.get(asset.path, [&asset](const RoutedRequest& request) {
      return asset_response(asset, request.http.headers);
    });
  }
}

void Site::add_probes() {
  router_.get("/healthz",
              [](const RoutedRequest&) { return fresh_response(200, text_type, "ok\n"); });
  router_.get("/readyz", [this](const RoutedRequest&) { return ready(); });
  // A scrape is no viewer, for whom the database would be read more often.
  router_.get("/metrics", [this](const RoutedRequest&) {
    return fresh_response(200, metrics_type,
                          metrics_page(sources_.snapshot(Audience::probe), sources_.process()));
  });
}

void Site::add_api() {
  const auto add = [this](std::string_view path, std::string (*json)(const PoolSnapshot&)) {
    router_.get(path, [this, written = Written(json)](const RoutedRequest& request) mutable {
      return written.answer(request.http.headers, sources_.snapshot(Audience::viewer));
    });
  };
  add("/api/v1/pool", pool_json);
  add("/api/v1/coherence", coherence_json);
  add("/api/v1/nodes", nodes_json);
  router_.get("/api/v1/rejects", [this](const RoutedRequest& request) { return rejects(request); });
  router_.get("/api/v1/shares", [this](const RoutedRequest& request) { return shares(request); });
  router_.get("/api/v1/openapi.json", [](const RoutedRequest& request) {
    return tagged_response(request.http.headers, json_type, std::string(web_openapi_json),
                           "no-cache");
  });
  router_.get("/pool/pool.status", [this](const RoutedRequest&) {
    return fresh_response(200, text_type, ckpool_status(sources_.snapshot(Audience::viewer)));
  });
  if (sources_.add_more) sources_.add_more(router_);
  router_.get_later("/api/v1/stream", [](const RoutedRequest&, const Responder& responder) {
    responder.answer_with_events(fresh_response(200, "text/event-stream", {}));
  });
}

net::HttpResponse Site::rejects(const RoutedRequest& request) const {
  const auto user = request.query("user");
  if (!user || user->empty()) {
    return error_response(400, "no_user", "whose refused shares?",
                          "ask for /api/v1/rejects?user=ADDRESS or ?user=ADDRESS.WORKER");
  }
  Parameters parameters(request);
  const std::size_t limit = std::stoul(parameters.integer(
      "limit", static_cast<std::int64_t>(RejectLog::found_max), 1, RejectLog::found_max));
  if (parameters.error()) return *parameters.error();
  return fresh_response(200, json_type,
                        rejects_json("user", *user, sources_.rejects(*user, limit)) + "\n");
}

net::HttpResponse Site::shares(const RoutedRequest& request) const {
  Parameters parameters(request);
  const std::string address =
      parameters.address("address", sources_.snapshot(Audience::viewer).facts.network);
  const std::size_t limit = std::stoul(parameters.integer("limit", 50, 1, 200));
  if (parameters.error()) return *parameters.error();
  const std::vector<RejectedSubmit> rejects = sources_.rejects(address, limit);
  return fresh_response(200, json_type, rejects_json("address", address, rejects) + "\n");
}

net::HttpResponse Site::ready() const {
  const std::vector<std::string> missing = unreadiness(sources_.snapshot(Audience::probe));
  if (missing.empty()) return fresh_response(200, text_type, "ready\n");
  std::string body;
  for (const std::string& line : missing) body += line + "\n";
  return fresh_response(503, text_type, body);
}

net::HttpResponse Site::answer_error(net::HttpError cause) {
  net::HttpResponse out;
  switch (cause) {
    case net::HttpError::malformed:
      out = error_response(400, "bad_request", "this is not an HTTP request",
                           "speak HTTP/1.1 here; miners connect to the Stratum port");
      break;
    case net::HttpError::headers_too_large:
      out = error_response(431, "headers_too_large", "the request's headers are too large",
                           "keep target and headers together within 16 KiB");
      break;
    case net::HttpError::body_too_large:
      out = error_response(413, "body_too_large", "the request's body is too large",
                           "nothing here takes more than 16 KiB");
      break;
  }
  out.keep_alive = false;
  return out;
}

net::HttpResponse Site::answer_busy() {
  net::HttpResponse out = error_response(503, "too_many_connections",
                                         "too many connections are open", "try again in a moment");
  out.headers.emplace_back("retry-after", "5");
  out.keep_alive = false;
  return out;
}

net::HttpResponse Site::answer_too_fast() {
  net::HttpResponse out =
      error_response(429, "too_many_requests", "this address asks more often than it may",
                     "ask for less, or watch /api/v1/stream");
  out.headers.emplace_back("retry-after", "1");
  return out;
}

net::HttpResponse Site::answer_late() {
  net::HttpResponse out = error_response(503, "answer_late", "the answer did not come in time",
                                         "mining goes on; try again in a moment");
  out.headers.emplace_back("retry-after", "5");
  return out;
}

}  // namespace pool
