#include "pool/http/pages.h"

#include "pool/core/limits.h"
#include "pool/http/responses.h"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace pool;

namespace {

// A table with the pages in it, and an API that answers at once or when the test says so.
struct Served {
  Served() {
    add_pages(router, [this](std::chrono::milliseconds after, std::function<void()> task) {
      CHECK_EQ(after, limits::http_page_deadline);
      late.push_back(std::move(task));
    });
    for (const char* path : {"/api/v1/pool", "/api/v1/payouts/preview"}) {
      router.get(path, [](const RoutedRequest&) {
        return fresh_response(200, json_type, R"({"state":"mining","network":"regtest"})");
      });
    }
    for (const char* path : {"/api/v1/blocks", "/api/v1/blocks/{hash}", "/api/v1/payouts",
                             "/api/v1/miners/{address}", "/api/v1/shares", "/api/v1/events"}) {
      router.get_later(path, [this](const RoutedRequest& request, const Responder& responder) {
        waiting.emplace(std::string(request.path), responder);
        asked.push_back(request.http.target);
      });
    }
  }

  void get(const std::string& target) {
    net::HttpRequest request;
    request.method = "GET";
    request.target = target;
    router.answer(request,
                  Responder(request, [this](Answer&& answer) { given = answer.response; }));
  }
  void answer(const std::string& path, int status, const std::string& body) {
    const auto found = waiting.find(path);
    REQUIRE(found != waiting.end());
    const Responder responder = found->second;
    waiting.erase(found);
    responder.answer(fresh_response(status, json_type, body));
  }

  std::optional<net::HttpResponse> given;  // first: it outlives what still owes an answer
  Router router;
  std::map<std::string, Responder> waiting;
  std::vector<std::string> asked;
  std::vector<std::function<void()>> late;  // what is done at the deadline
};

}  // namespace

TEST_CASE("a page waits for the answers it needs, and only for those") {
  Served served;
  served.get("/");
  CHECK_FALSE(served.given);
  served.answer("/api/v1/blocks", 200, R"({"blocks":[]})");
  CHECK_FALSE(served.given);
  served.answer("/api/v1/payouts", 200, R"({"runs":[]})");
  REQUIRE(served.given);
  CHECK_EQ(served.given->status, 200);
  CHECK_EQ(net::header_value(served.given->headers, "content-type"), html_type);
  CHECK_NE(served.given->body.find("None yet."), std::string::npos);
}

TEST_CASE("a page does not wait for an answer past its deadline, and says what is missing") {
  Served served;
  served.get("/");
  served.answer("/api/v1/payouts", 200, R"({"runs":[]})");
  REQUIRE_EQ(served.late.size(), 1);
  CHECK_FALSE(served.given);
  served.late[0]();
  REQUIRE(served.given);
  CHECK_EQ(served.given->status, 200);
  CHECK_NE(served.given->body.find("not read in time"), std::string::npos);
  CHECK_NE(served.given->body.find("data-late"), std::string::npos);
  const std::string sent = served.given->body;
  served.answer("/api/v1/blocks", 200, R"({"blocks":[]})");  // too late, and no second page
  CHECK_EQ(served.given->body, sent);
}

TEST_CASE("a miner that is not read in time is not one that is unknown") {
  Served served;
  served.get("/miner/bcrt1qx");
  served.late.at(0)();
  REQUIRE(served.given);
  CHECK_EQ(served.given->status, 200);
  CHECK_NE(served.given->body.find("not read in time"), std::string::npos);
  CHECK_EQ(served.given->body.find("No such miner"), std::string::npos);
  CHECK_NE(served.given->body.find("id=\"workers\" aria-labelledby=\"h-workers\" >"),
           std::string::npos);  // not hidden: it is filled in later
}

TEST_CASE("what the database has given up is fetched again as well, what is away is not") {
  for (const char* code : {"database_busy", "database_away"}) {
    CAPTURE(code);
    Served served;
    served.get("/status");
    served.answer("/api/v1/events", 503,
                  std::string(R"({"error":{"code":")") + code + R"(","message":"x","hint":""}})");
    REQUIRE(served.given);
    const bool is_late = served.given->body.find("data-late") != std::string::npos;
    CHECK_EQ(is_late, code == std::string("database_busy"));
  }
}

TEST_CASE("a page that came in time has no deadline to meet") {
  Served served;
  served.get("/connect");
  REQUIRE(served.given);
  CHECK(served.late.empty());
  CHECK_EQ(served.given->body.find("data-late"), std::string::npos);
  served.get("/");
  served.answer("/api/v1/payouts", 200, R"({"runs":[]})");
  served.answer("/api/v1/blocks", 200, R"({"blocks":[]})");
  CHECK_EQ(served.given->body.find("data-late"), std::string::npos);
  served.late.at(0)();  // the page has gone
}

TEST_CASE("an answer that never comes is one that did not come") {
  Served served;
  served.get("/");
  served.waiting.clear();  // forgotten: each counts as 503
  REQUIRE(served.given);
  CHECK_EQ(served.given->status, 200);
  CHECK_NE(served.given->body.find("can\u2019t be read now"), std::string::npos);
}

TEST_CASE("an answer that is no JSON leaves its part out") {
  Served served;
  served.get("/status");
  served.answer("/api/v1/events", 200, "<html>");
  REQUIRE(served.given);
  CHECK_EQ(served.given->status, 200);
}

TEST_CASE("an unknown block is 404, with a page that says so") {
  Served served;
  served.get("/blocks?block=" + std::string(64, '0'));
  served.answer("/api/v1/blocks/" + std::string(64, '0'), 404,
                R"({"error":{"code":"not_found","message":"x","hint":""}})");
  REQUIRE(served.given);
  CHECK_EQ(served.given->status, 404);
  CHECK_NE(served.given->body.find("no block with that hash"), std::string::npos);
}

TEST_CASE("an address is asked for as it was given, without a worker's name and spaces") {
  for (const char* target : {"/miner/bcrt1qx", "/miner?address=bcrt1qx",
                             "/miner?address=+bcrt1qx.rig1+", "/miner/bcrt1qx.rig1"}) {
    CAPTURE(target);
    Served served;
    served.get(target);
    REQUIRE_EQ(served.asked.size(), 2);
    CHECK_EQ(served.asked[0], "/api/v1/miners/bcrt1qx");
    CHECK_EQ(served.asked[1], "/api/v1/shares?limit=30&address=bcrt1qx");
  }
}
