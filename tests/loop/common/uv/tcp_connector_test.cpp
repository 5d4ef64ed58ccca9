#include "common/uv/tcp.h"
#include "tests/loop/loop_test.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using loop_test::run_until;

namespace {

using Outcome = std::optional<base::Result<std::unique_ptr<uv::TcpStream>, uv::UvError>>;

std::unique_ptr<uv::TcpConnector> connect_to(uv::Loop& loop, const std::string& host,
                                             std::uint16_t port, std::chrono::milliseconds deadline,
                                             Outcome& outcome) {
  auto made = std::make_unique<uv::TcpConnector>(
      loop, host, port, deadline, uv::TcpOptions{},
      [&outcome](auto result) { outcome.emplace(std::move(result)); });
  CHECK_FALSE(outcome);  // never from inside the constructor
  return made;
}

std::uint16_t port_nobody_listens_on(uv::Loop& loop) {
  const auto listener = uv::TcpListener::listen(loop, {.host = "127.0.0.1"}, {}, [](auto) {});
  REQUIRE(listener);
  return (*listener)->bound_port();
}

// A port that swallows connection requests: its backlog is full and nobody accepts.
class Unresponsive {
 public:
  Unresponsive() : listening_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address_);
    REQUIRE_EQ(bind(listening_, reinterpret_cast<const sockaddr*>(&address_), length), 0);
    REQUIRE_EQ(getsockname(listening_, reinterpret_cast<sockaddr*>(&address_), &length), 0);
    REQUIRE_EQ(listen(listening_, 0), 0);
    for (int i = 0; i < 4; ++i) {
      const int filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      fillers_.push_back(filler);
      // Done or in progress; the backlog is full after the first or second.
      static_cast<void>(connect(filler, reinterpret_cast<const sockaddr*>(&address_), length));
    }
  }
  ~Unresponsive() {
    for (const int filler : fillers_) close(filler);
    close(listening_);
  }
  Unresponsive(const Unresponsive&) = delete;
  Unresponsive& operator=(const Unresponsive&) = delete;
  std::uint16_t port() const { return ntohs(address_.sin_port); }

 private:
  int listening_;
  sockaddr_in address_{};
  std::vector<int> fillers_;
};

}  // namespace

TEST_CASE("a refused connection says so") {
  uv::Loop loop;
  Outcome outcome;
  const auto connector = connect_to(loop, "127.0.0.1", port_nobody_listens_on(loop), 10s, outcome);
  REQUIRE(run_until(loop, [&] { return outcome.has_value(); }));
  REQUIRE_FALSE(*outcome);
  CHECK_EQ(outcome->error().code, UV_ECONNREFUSED);
}

TEST_CASE("a peer that does not answer costs the deadline, no more") {
  uv::Loop loop;
  const Unresponsive peer;
  Outcome outcome;
  const auto connector = connect_to(loop, "127.0.0.1", peer.port(), 50ms, outcome);
  REQUIRE(run_until(loop, [&] { return outcome.has_value(); }));
  REQUIRE_FALSE(*outcome);
  CHECK_EQ(outcome->error().code, UV_ETIMEDOUT);
}

TEST_CASE("a name with several addresses: each is tried in turn") {
  uv::Loop loop;
  std::unique_ptr<uv::TcpStream> accepted;
  const auto listener =
      uv::TcpListener::listen(loop, {.host = "127.0.0.1"}, {},
                              [&](std::unique_ptr<uv::TcpStream> s) { accepted = std::move(s); });
  REQUIRE(listener);
  Outcome outcome;
  // Where localhost is also ::1, and nobody listens there, that one fails first.
  const auto connector = connect_to(loop, "localhost", (*listener)->bound_port(), 10s, outcome);
  REQUIRE(run_until(loop, [&] { return outcome.has_value(); }));
  REQUIRE(*outcome);
  CHECK_EQ((**outcome)->peer_address(), "127.0.0.1");

  Outcome refused;
  const auto second = connect_to(loop, "localhost", port_nobody_listens_on(loop), 10s, refused);
  REQUIRE(run_until(loop, [&] { return refused.has_value(); }));
  REQUIRE_FALSE(*refused);
  CHECK_EQ(refused->error().code, UV_ECONNREFUSED);
}

TEST_CASE("hosts that are no host are errors, from the loop") {
  for (const std::string& host : {std::string("no such host"), std::string(5000, 'x')}) {
    uv::Loop loop;
    Outcome outcome;
    const auto connector = connect_to(loop, host, 1, 15s, outcome);
    REQUIRE(run_until(loop, [&] { return outcome.has_value(); }));
    CHECK_FALSE(*outcome);
  }
}

TEST_CASE("destroying a connector cancels it, in any state") {
  uv::Loop loop;
  const Unresponsive peer;
  Outcome outcome;
  connect_to(loop, "127.0.0.1", peer.port(), 10s, outcome).reset();  // while it resolves
  auto connecting = connect_to(loop, "127.0.0.1", peer.port(), 10s, outcome);
  CHECK_FALSE(run_until(
      loop, [&] { return outcome.has_value(); }, 30ms));
  connecting.reset();
  loop.run();  // returns: nothing is left on the loop
  CHECK_FALSE(outcome);
}

TEST_CASE("a connector may be destroyed by its own callback, on success and on failure") {
  for (const bool answers : {true, false}) {
    CAPTURE(answers);
    uv::Loop loop;
    std::unique_ptr<uv::TcpStream> accepted;
    const auto listener =
        uv::TcpListener::listen(loop, {.host = "127.0.0.1"}, {},
                                [&](std::unique_ptr<uv::TcpStream> s) { accepted = std::move(s); });
    REQUIRE(listener);
    const Unresponsive silent;
    std::unique_ptr<uv::TcpConnector> connector;
    bool done = false;
    connector = std::make_unique<uv::TcpConnector>(
        loop, "127.0.0.1", answers ? (*listener)->bound_port() : silent.port(),
        answers ? 10s : 30ms, uv::TcpOptions{}, [&](auto result) {
          connector.reset();
          CHECK_EQ(result.has_value(), answers);
          done = true;
        });
    CHECK(run_until(loop, [&] { return done; }));
  }
}
