#include "common/uv/tcp.h"
#include "tests/loop/loop_test.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using loop_test::run_until;

namespace {

using Streams = std::vector<std::unique_ptr<uv::TcpStream>>;

auto listen_into(uv::Loop& loop, const uv::ListenOptions& where, Streams& accepted) {
  return uv::TcpListener::listen(loop, where, {}, [&accepted](std::unique_ptr<uv::TcpStream> made) {
    accepted.push_back(std::move(made));
  });
}

// A plain blocking socket, connected to the listener's backlog: nobody has to accept for that.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
  }
  RawClient(RawClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() {
    if (fd_ >= 0) close(fd_);
  }

 private:
  int fd_;
};

// No new descriptor can be made while this lives.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    REQUIRE_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    const int lowest_free = dup(0);
    REQUIRE_GE(lowest_free, 0);
    close(lowest_free);
    rlimit now = before_;
    now.rlim_cur = static_cast<rlim_t>(lowest_free);
    REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &now), 0);
  }
  ~NoMoreDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("a port in use, a foreign address and a name are errors that say so") {
  uv::Loop loop;
  Streams accepted;
  const auto first = listen_into(loop, {.host = "127.0.0.1"}, accepted);
  REQUIRE(first);
  const std::uint16_t port = (*first)->bound_port();
  CHECK_GT(port, 0);

  const auto taken = listen_into(loop, {.host = "127.0.0.1", .port = port}, accepted);
  REQUIRE_FALSE(taken);
  CHECK_EQ(taken.error().code, UV_EADDRINUSE);
  CHECK_EQ(uv::describe(taken.error()), "address already in use (EADDRINUSE)");

  const auto foreign = listen_into(loop, {.host = "192.0.2.1"}, accepted);  // RFC 5737: no host's
  REQUIRE_FALSE(foreign);
  CHECK_EQ(foreign.error().code, UV_EADDRNOTAVAIL);

  const auto name = listen_into(loop, {.host = "pool.example"}, accepted);
  REQUIRE_FALSE(name);
  CHECK_EQ(name.error().code, UV_EAI_NONAME);
}

TEST_CASE("reuse_port lets several listeners share a port, and each connection reaches one") {
  constexpr std::size_t count = 64;
  uv::Loop loop;
  Streams first_accepted;
  Streams second_accepted;
  const auto first = listen_into(loop, {.host = "127.0.0.1", .reuse_port = true}, first_accepted);
  REQUIRE(first);
  const std::uint16_t port = (*first)->bound_port();
  const auto second =
      listen_into(loop, {.host = "127.0.0.1", .port = port, .reuse_port = true}, second_accepted);
  REQUIRE(second);
  std::vector<RawClient> clients;
  clients.reserve(count);
  for (std::size_t i = 0; i < count; ++i) clients.emplace_back(port);
  CHECK(run_until(loop, [&] { return first_accepted.size() + second_accepted.size() == count; }));
  CHECK_GT(first_accepted.size(), 0);  // the kernel spreads them by hash: 1 in 2^64 to fail
  CHECK_GT(second_accepted.size(), 0);
}

TEST_CASE("a port can be bound again at once after its listener and connections are gone") {
  uv::Loop loop;
  std::uint16_t port = 0;
  {
    Streams accepted;
    const auto listener = listen_into(loop, {.host = "127.0.0.1"}, accepted);
    REQUIRE(listener);
    port = (*listener)->bound_port();
    const RawClient client(port);
    REQUIRE(run_until(loop, [&] { return accepted.size() == 1; }));
    accepted.clear();  // our end closes first, and so it is ours that waits in TIME_WAIT
    loop_test::run_turns(loop, 2);
  }
  Streams accepted;
  CHECK(listen_into(loop, {.host = "127.0.0.1", .port = port}, accepted));
}

TEST_CASE("localhost and every-address hosts take an IPv4 peer, and name it so") {
  for (const std::string host : {"localhost", "0.0.0.0", "", "::"}) {
    CAPTURE(host);
    uv::Loop loop;
    Streams accepted;
    const auto listener = listen_into(loop, {.host = host}, accepted);
    if (!listener && host == "::") {
      CHECK_EQ(listener.error().code, UV_EAFNOSUPPORT);
      MESSAGE("no IPv6 on this machine");
      continue;
    }
    REQUIRE(listener);
    const RawClient client((*listener)->bound_port());
    REQUIRE(run_until(loop, [&] { return accepted.size() == 1; }));
    CHECK_EQ(accepted[0]->peer_address(), "127.0.0.1");
  }
}

TEST_CASE("out of descriptors, accepting pauses without spinning; the waiting are served later") {
  uv::Loop loop;
  Streams accepted;
  const auto listener = listen_into(loop, {.host = "127.0.0.1"}, accepted);
  REQUIRE(listener);
  loop_test::run_turns(loop, 1);
  std::vector<RawClient> clients;
  clients.reserve(5);
  for (int i = 0; i < 5; ++i) clients.emplace_back((*listener)->bound_port());
  {
    const NoMoreDescriptors shortage;
    REQUIRE(run_until(loop, [&] { return (*listener)->accept_pauses() > 0; }));
    int turns = 0;
    uv::TurnEnd count_turns(loop, [&] { ++turns; });
    CHECK_FALSE(run_until(
        loop, [&] { return !accepted.empty(); }, 150ms));
    CHECK_LT(turns, 20);  // a listener that polls on would turn thousands of times
  }
  CHECK(run_until(loop, [&] { return accepted.size() == clients.size(); }));
}

TEST_CASE("a destroyed listener accepts no more") {
  uv::Loop loop;
  Streams accepted;
  auto listener = listen_into(loop, {.host = "127.0.0.1"}, accepted);
  REQUIRE(listener);
  const RawClient client((*listener)->bound_port());
  listener->reset();
  loop.run();  // returns: nothing is left on the loop
  CHECK(accepted.empty());
}

TEST_CASE("an idle connection costs at most 2 KiB of heap") {
  constexpr std::size_t count = 300;
  uv::Loop loop;
  Streams accepted;
  accepted.reserve(count);
  const auto listener = listen_into(loop, {.host = "127.0.0.1"}, accepted);
  REQUIRE(listener);
  std::vector<RawClient> clients;
  clients.reserve(count);
  for (std::size_t i = 0; i < count; ++i) clients.emplace_back((*listener)->bound_port());
  const std::size_t before = mallinfo2().uordblks;
  REQUIRE(run_until(loop, [&] { return accepted.size() == count; }));
  for (auto& stream : accepted) {
    stream->set_callbacks({.on_bytes = [&accepted, &loop, &clients](base::ByteSpan) {},
                           .on_close = [&accepted, &loop, &clients](uv::CloseCause) {},
                           .on_drain = [&accepted, &loop, &clients] {}});
    stream->start_reading();
  }
  loop_test::run_turns(loop, 3);
  const std::size_t after = mallinfo2().uordblks;
  // Sanitizers have an allocator of their own, which mallinfo2() does not see.
  if (after == before) return;
  CHECK_LT((after - before) / count, 2048);
  MESSAGE("heap per idle connection: " << (after - before) / count << " bytes");
}
