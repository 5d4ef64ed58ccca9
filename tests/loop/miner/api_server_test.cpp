// The API's server over loopback: one request and one answer a connection, and whoever misbehaves
// is closed.
#include "miner/api_server.h"

#include "common/uv/clock.h"
#include "tests/loop/miner/waiting.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace miner {
namespace {

struct ApiClient {
  ApiClient(uv::Loop& loop, std::uint16_t port, std::string to_send)
      : request(std::move(to_send)),
        connector(loop, "127.0.0.1", port, std::chrono::seconds(30), uv::TcpOptions{},
                  [this](auto result) { start(std::move(result)); }) {}

  void start(base::Result<std::unique_ptr<uv::TcpStream>, uv::UvError> result) {
    REQUIRE(result.has_value());
    stream = std::move(*result);
    stream->set_callbacks({[this](base::ByteSpan bytes) { answer += base::as_text(bytes); },
                           [this](uv::CloseCause) { closed = true; },
                           {}});
    stream->start_reading();
    stream->write(request);
  }

  std::string request;
  std::string answer;
  bool closed = false;
  std::unique_ptr<uv::TcpStream> stream;
  uv::TcpConnector connector;
};

struct Serving {
  Serving() {
    auto listening = ApiServer::listen(loop, {"127.0.0.1", 0}, [] {
      ApiFacts facts;
      facts.status.counters.accepted = 12;
      return facts;
    });
    REQUIRE(listening.has_value());
    server = std::move(*listening);
  }
  std::string ask(const std::string& request) {
    ApiClient client(loop, server->port(), request);
    CHECK(wait_until(loop, [&] { return client.closed; }));
    return client.answer;
  }

  uv::Loop loop;
  std::unique_ptr<ApiServer> server;
};

TEST_CASE("a request is answered, a NUL ends it, and the connection is closed") {
  Serving serving;
  for (const char* request : {"summary", "summary\n", R"({"command":"summary"})"}) {
    CAPTURE(request);
    const std::string answer = serving.ask(request);
    CHECK_NE(answer.find("Code"), std::string::npos);
    CHECK_NE(answer.find("12"), std::string::npos);
    CHECK_EQ(answer.find('\0'), answer.size() - 1);
  }
  CHECK(wait_until(serving.loop, [&] { return serving.server->clients() == 0; }));
}

TEST_CASE("a request that never ends, or is too long, is answered with an error and closed") {
  Serving serving;
  CHECK_NE(serving.ask("summ").find("Code=14"), std::string::npos);
  CHECK_NE(serving.ask("{\"command\":").find("\"Code\":23"), std::string::npos);
  CHECK_NE(serving.ask(std::string(100'000, 'x')).find("Code=14"), std::string::npos);
}

TEST_CASE("only so many clients at a time, and none stays") {
  Serving serving;
  std::vector<std::unique_ptr<ApiClient>> clients;
  for (std::size_t i = 0; i < 3 * api_clients_max; ++i) {
    clients.push_back(std::make_unique<ApiClient>(serving.loop, serving.server->port(), ""));
  }
  std::size_t most = 0;
  CHECK(wait_until(serving.loop, [&] {
    most = std::max(most, serving.server->clients());
    return std::all_of(clients.begin(), clients.end(), [](const auto& one) { return one->closed; });
  }));
  CHECK_LE(most, api_clients_max);
  CHECK(wait_until(serving.loop, [&] { return serving.server->clients() == 0; }));
  CHECK_NE(serving.ask("summary").find("Code=11"), std::string::npos);
}

TEST_CASE("a port that is taken is told") {
  Serving serving;
  const auto second = ApiServer::listen(serving.loop, {"127.0.0.1", serving.server->port()},
                                        [] { return ApiFacts{}; });
  REQUIRE_FALSE(second.has_value());
  CHECK_NE(second.error().find("cannot listen on 127.0.0.1:"), std::string::npos);
}

}  // namespace
}  // namespace miner
