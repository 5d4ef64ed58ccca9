#include "pool/http/admin_site.h"

#include "pool/core/limits.h"
#include "tests/unit/pool/http/fixture.h"

#include <doctest/doctest.h>

#include <optional>
#include <utility>
#include <vector>

using namespace pool;

namespace {

constexpr const char* token = "0123456789abcdef0123456789abcdef";

// The operator's site with two shards that a test plays.
struct Office {
  PoolSnapshot snapshot = busy_snapshot();
  std::vector<OperatorOrder> orders;
  std::vector<ReloadOrder> reloads;
  std::vector<std::string> logged;
  PostedToShards posted{2, 2};
  bool main_listens = true;
  AdminSite site{sources()};

  AdminSite::Sources sources() {
    AdminSite::Sources out;
    out.token = token;
    out.port = 8081;
    out.network = bitcoin::Network::regtest;
    out.snapshot = [this]() -> const PoolSnapshot& { return snapshot; };
    out.order = [this](const OperatorOrder& order) {
      orders.push_back(order);
      return posted;
    };
    out.reload = [this](ReloadOrder order) {
      reloads.push_back(order);
      return main_listens;
    };
    out.log = [this](std::string_view order, std::string_view detail) {
      logged.push_back(std::string(order) + " " + std::string(detail));
    };
    return out;
  }

  struct Asked {
    std::optional<net::HttpResponse> got;
  };
  std::shared_ptr<Asked> ask(const std::string& path, const std::string& body = "",
                             const std::string& method = "POST",
                             net::HttpHeaders headers = good_headers()) {
    net::HttpRequest request;
    request.method = method;
    request.target = path;
    request.headers = std::move(headers);
    request.body = body;
    auto asked = std::make_shared<Asked>();
    site.answer(request,
                Responder(request, [asked](Answer&& answer) { asked->got = answer.response; }));
    return asked;
  }
  static net::HttpHeaders good_headers() {
    return {{"host", "127.0.0.1:8081"}, {"authorization", std::string("Bearer ") + token}};
  }
  int status(const std::string& path, const std::string& body = "") {
    const auto asked = ask(path, body);
    return asked->got ? asked->got->status : 0;
  }
};

}  // namespace

TEST_CASE("orders are taken from a loopback name, with the token, by POST, and not from pages") {
  struct Row {
    const char* why;
    net::HttpHeaders headers;
    int status;
  };
  const std::string good = std::string("Bearer ") + token;
  const Row rows[] = {
      {"by address", {{"host", "127.0.0.1:8081"}, {"authorization", good}}, 200},
      {"by name", {{"host", "localhost:8081"}, {"authorization", good}}, 200},
      {"by IPv6", {{"host", "[::1]:8081"}, {"authorization", good}}, 200},
      {"without port", {{"host", "localhost"}, {"authorization", good}}, 200},
      {"no host", {{"authorization", good}}, 403},
      {"two hosts", {{"host", "localhost"}, {"host", "x.example"}, {"authorization", good}}, 403},
      {"another name", {{"host", "rebound.example:8081"}, {"authorization", good}}, 403},
      {"another port", {{"host", "127.0.0.1:8080"}, {"authorization", good}}, 403},
      {"a name that begins so", {{"host", "localhost.example"}, {"authorization", good}}, 403},
      {"a page",
       {{"host", "localhost"}, {"origin", "http://localhost"}, {"authorization", good}},
       403},
      {"no token", {{"host", "localhost"}}, 401},
      {"another token",
       {{"host", "localhost"}, {"authorization", "Bearer x" + good.substr(8)}},
       401},
      {"the token's beginning",
       {{"host", "localhost"}, {"authorization", good.substr(0, 20)}},
       401},
      {"the token twice", {{"host", "localhost"}, {"authorization", good + token}}, 401},
      {"another scheme",
       {{"host", "localhost"}, {"authorization", std::string("Basic ") + token}},
       401},
      {"an empty token", {{"host", "localhost"}, {"authorization", "Bearer "}}, 401},
  };
  Office office;
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto asked = office.ask("/admin/v1/status", "", "POST", row.headers);
    REQUIRE(asked->got);
    CHECK_EQ(asked->got->status, row.status);
    CHECK_EQ(asked->got->body.find(token), std::string::npos);
  }
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE"}) {
    CAPTURE(method);
    CHECK_EQ(office.ask("/admin/v1/drain", "", method)->got->status, 405);
  }
  CHECK_EQ(office.status("/admin/v1/nothing"), 404);
  CHECK_EQ(office.status("/api/v1/pool"), 404);
  CHECK(office.orders.empty());
}

TEST_CASE("an order goes to all shards and is answered when all have carried it out") {
  Office office;
  const auto asked = office.ask("/admin/v1/ban", "{\"address\":\"192.0.2.1\",\"seconds\":60}");
  REQUIRE_EQ(office.orders.size(), 1);
  CHECK(std::holds_alternative<OperatorOrder::BanAddress>(office.orders[0].what));
  CHECK_EQ(office.logged,
           std::vector<std::string>{"ban {\"address\":\"192.0.2.1\",\"seconds\":60}"});
  CHECK_FALSE(asked->got);
  office.site.on(OrderDone{office.orders[0].number, "", 2, ""});
  CHECK_FALSE(asked->got);
  office.site.on(OrderDone{office.orders[0].number + 1, "", 100, ""});  // nobody's
  office.site.on(OrderDone{office.orders[0].number, "", 1, ""});
  REQUIRE(asked->got);
  CHECK_EQ(asked->got->status, 200);
  CHECK_EQ(asked->got->body, "{\"done\":true,\"connections\":3,\"note\":null}\n");
  office.site.on(OrderDone{office.orders[0].number, "", 1, ""});  // too late for anybody
}

TEST_CASE("each order becomes what it says") {
  Office office;
  (void)office.ask("/admin/v1/drain");
  (void)office.ask("/admin/v1/resume", "{}");
  (void)office.ask("/admin/v1/unban", "{\"address\":\"192.0.2.1\"}");
  (void)office.ask("/admin/v1/message", "{\"text\":\"hello\"}");
  REQUIRE_EQ(office.orders.size(), 4);
  CHECK(std::get<OperatorOrder::Drain>(office.orders[0].what).reconnect);
  CHECK(std::holds_alternative<OperatorOrder::Resume>(office.orders[1].what));
  CHECK(std::holds_alternative<OperatorOrder::Unban>(office.orders[2].what));
  CHECK_EQ(std::get<OperatorOrder::Tell>(office.orders[3].what).text, "hello");
  CHECK_EQ(office.orders[0].number + 3, office.orders[3].number);
}

TEST_CASE("an order that is not understood reaches nobody, and says why") {
  Office office;
  for (const char* path : {"ban", "unban", "message", "drain", "resume", "reload", "status"}) {
    CAPTURE(path);
    const auto asked = office.ask(std::string("/admin/v1/") + path, "{\"nonsense\":1}");
    REQUIRE(asked->got);
    CHECK_EQ(asked->got->status, 400);
    CHECK_NE(asked->got->body.find("\"code\":\"bad_order\""), std::string::npos);
  }
  CHECK(office.orders.empty());
  CHECK(office.reloads.empty());
  CHECK(office.logged.empty());
}

TEST_CASE("a reload is main's, and its word is passed on") {
  Office office;
  const auto good = office.ask("/admin/v1/reload");
  REQUIRE_EQ(office.reloads.size(), 1);
  CHECK_FALSE(good->got);
  office.site.on(OrderDone{office.reloads[0].number, "", 0, "certificate and instance"});
  CHECK_EQ(good->got->body,
           "{\"done\":true,\"connections\":0,\"note\":\"certificate and instance\"}\n");
  const auto bad = office.ask("/admin/v1/reload");
  office.site.on(
      OrderDone{office.reloads[1].number, "pool.json:3: payout_address is missing", 0, ""});
  CHECK_EQ(bad->got->status, 409);
  CHECK_NE(bad->got->body.find("payout_address is missing"), std::string::npos);
  office.main_listens = false;
  CHECK_EQ(office.status("/admin/v1/reload"), 503);
}

TEST_CASE("shards that are too busy are told of, and too many orders are not taken") {
  Office office;
  office.posted = {1, 2};
  const auto half = office.ask("/admin/v1/drain");
  office.site.on(OrderDone{office.orders[0].number, "", 1, ""});
  CHECK_EQ(half->got->status, 409);
  CHECK_NE(half->got->body.find("1 of 2 shards were too busy"), std::string::npos);
  office.posted = {0, 2};
  CHECK_EQ(office.status("/admin/v1/drain"), 503);
  office.posted = {2, 2};
  std::vector<std::shared_ptr<Office::Asked>> waiting;
  for (std::size_t i = 0; i < limits::admin_orders_waiting_max; ++i) {
    waiting.push_back(office.ask("/admin/v1/drain"));
    CHECK_FALSE(waiting.back()->got);
  }
  CHECK_EQ(office.status("/admin/v1/drain"), 503);
  CHECK_EQ(office.status("/admin/v1/reload"), 503);
  CHECK_EQ(office.status("/admin/v1/status"), 200);
}

TEST_CASE("an order whose client has its answer from elsewhere makes room") {
  Office office;
  net::HttpRequest request;
  request.method = "POST";
  request.target = "/admin/v1/drain";
  request.headers = Office::good_headers();
  std::vector<Claimant> claimants;
  for (std::size_t i = 0; i < limits::admin_orders_waiting_max; ++i) {
    const Responder responder(request, [](Answer&&) {});
    claimants.emplace_back(responder);
    office.site.answer(request, responder);
  }
  CHECK_EQ(office.status("/admin/v1/drain"), 503);
  claimants[3].revoke();  // the connection has closed
  office.site.tick();
  CHECK_EQ(office.status("/admin/v1/drain"), 0);
}
