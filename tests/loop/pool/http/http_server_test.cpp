// HttpServer over real sockets: who is let in, and who must go.
#include "pool/http/http_server.h"

#include "tests/loop/pool/http/client.h"
#include "tests/loop/pool/http/running.h"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace pool;
using namespace std::chrono_literals;

TEST_CASE("when all connections are taken, an idle one makes room") {
  HttpLoop::Options options;
  options.connections_max = 3;
  Running running(options);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(std::make_unique<Client>(running.port()));
    REQUIRE(clients.back()->send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(starts_with(clients.back()->read_response(), "HTTP/1.1 200 "));
  }
  // The first three have been closed, idle longest; the last three still work.
  for (int i = 0; i < 3; ++i) {
    clients[static_cast<std::size_t>(i)]->read_to_end();
    CHECK(clients[static_cast<std::size_t>(i)]->ended());
  }
  for (int i = 3; i < 6; ++i) {
    Client& client = *clients[static_cast<std::size_t>(i)];
    REQUIRE(client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(starts_with(client.read_response(), "HTTP/1.1 200 "));
  }
}

TEST_CASE("when all connections are busy, a new one is told so") {
  HttpLoop::Options options;
  options.connections_max = 2;
  Running running(options);
  Client a(running.port());
  Client b(running.port());
  for (Client* client : {&a, &b}) {
    REQUIRE(client->send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(starts_with(client->read_response(), "HTTP/1.1 200 "));
    REQUIRE(client->send("GET /slow"));
  }
  // The half requests may still be on their way: until they have come, an idle one makes room.
  std::this_thread::sleep_for(50ms);
  Client c(running.port());
  const std::string refused = c.read_to_end();
  CHECK(starts_with(refused, "HTTP/1.1 503 "));
  CHECK(c.ended());
}

TEST_CASE("idle and slow clients are closed at their deadlines") {
  HttpLoop::Options options;
  options.idle_deadline = 1500ms;
  options.request_deadline = 200ms;
  Running running(options);
  Client idle(running.port());
  Client slow(running.port());
  REQUIRE(slow.send("GET / HT"));
  const auto started = std::chrono::steady_clock::now();
  slow.read_to_end();
  CHECK(slow.ended());
  const auto slow_took = std::chrono::steady_clock::now() - started;
  idle.read_to_end();
  CHECK(idle.ended());
  const auto idle_took = std::chrono::steady_clock::now() - started;
  CHECK_LT(slow_took, 3s);
  CHECK_GE(idle_took, 1400ms);
  CHECK_LT(idle_took, 4500ms);
}

TEST_CASE("a byte now and then does not keep a request alive") {
  HttpLoop::Options options;
  options.request_deadline = 1500ms;
  Running running(options);
  Client drip(running.port());
  const auto started = std::chrono::steady_clock::now();
  const std::string request = "GET /healthz HTTP/1.1\r\nX-Long: " + std::string(1'000, 'x');
  for (std::size_t i = 0; i < request.size(); ++i) {
    if (!drip.send(request.substr(i, 1))) break;
    if (std::chrono::steady_clock::now() - started > 10s) break;
    std::this_thread::sleep_for(50ms);
  }
  CHECK_LT(std::chrono::steady_clock::now() - started, 6s);
}

TEST_CASE("an address that is taken gives one line with the option to change") {
  Running running;
  HttpLoop::Options options;
  options.listen = "127.0.0.1:" + std::to_string(running.port());
  const auto second = HttpLoop::open(options, {});
  REQUIRE_FALSE(second);
  CHECK_NE(second.error().find("http.listen"), std::string::npos);
  CHECK_NE(second.error().find(options.listen), std::string::npos);
  CHECK_NE(second.error().find("EADDRINUSE"), std::string::npos);
  CHECK_EQ(second.error().find('\n'), std::string::npos);
  options.listen = "nonsense";
  const auto third = HttpLoop::open(options, {});
  REQUIRE_FALSE(third);
  CHECK_NE(third.error().find("http.listen: nonsense is not host:port"), std::string::npos);
}

TEST_CASE("an address that a proxy names is answered 429 when it asks too often, others are not") {
  Running running;
  Client proxy(running.port());
  const auto request = [](const std::string& who) {
    return "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: " + who + "\r\n\r\n";
  };
  bool refused = false;
  const auto until = std::chrono::steady_clock::now() + 60s;
  while (!refused && std::chrono::steady_clock::now() < until) {
    std::string many;
    for (int i = 0; i < 200; ++i) many += request("192.0.2.1");
    REQUIRE(proxy.send(many + request("192.0.2.2") + "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"));
    const std::string got = proxy.read_until(
        [](const std::string& text) { return text.find("HTTP/1.1 404 ") != text.npos; });
    refused = got.find("HTTP/1.1 429 ") != std::string::npos;
    if (refused) CHECK_NE(got.find("retry-after: 1"), std::string::npos);
    const std::size_t last = got.rfind("HTTP/1.1 200 OK");
    const std::size_t last_refused = got.rfind("HTTP/1.1 429 ");
    CHECK((last_refused == std::string::npos || last > last_refused));  // the other one's
  }
  CHECK(refused);
}
