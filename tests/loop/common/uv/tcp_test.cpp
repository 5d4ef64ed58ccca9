#include "common/uv/tcp.h"
#include "tests/loop/loop_test.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using loop_test::run_until;
using uv::CloseCause;

namespace {

// One end of a connection and what happened to it.
struct End {
  explicit End(std::unique_ptr<uv::TcpStream> of) : stream(std::move(of)) {
    stream->set_callbacks(
        {.on_bytes = [this](base::ByteSpan bytes) { received += base::as_text(bytes); },
         .on_close =
             [this](CloseCause why) {
               cause = why;
               ++closes;
             },
         .on_drain = [this] { ++drains; }});
  }

  std::unique_ptr<uv::TcpStream> stream;
  std::string received;
  std::optional<CloseCause> cause;
  int closes = 0;
  int drains = 0;
};

// A connected pair: `server` was accepted by a listener, `client` made by a connector.
struct Pair {
  explicit Pair(uv::Loop& loop, const uv::TcpOptions& server_options = {}) {
    auto listening = uv::TcpListener::listen(
        loop, {.host = "127.0.0.1"}, server_options,
        [this](std::unique_ptr<uv::TcpStream> s) { server = std::make_unique<End>(std::move(s)); });
    REQUIRE(listening);
    uv::TcpConnector connector(loop, "127.0.0.1", (*listening)->bound_port(), 10s, {},
                               [this](auto result) {
                                 REQUIRE(result);
                                 client = std::make_unique<End>(std::move(*result));
                               });
    REQUIRE(run_until(loop, [this] { return server && client; }));
    server->stream->start_reading();
    client->stream->start_reading();
  }

  std::unique_ptr<End> server;
  std::unique_ptr<End> client;
};

std::string pattern(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('a' + i % 23);
  return text;
}

}  // namespace

TEST_CASE("bytes arrive complete and in order at every fragment size") {
  const std::string text = pattern(20'000);
  for (const std::size_t fragment : {1, 2, 5, 10, 100, 20'000}) {
    CAPTURE(fragment);
    uv::Loop loop;
    Pair pair(loop);
    // The server echoes.
    uv::TcpStream& echo = *pair.server->stream;
    echo.set_callbacks({.on_bytes = [&echo](base::ByteSpan bytes) { echo.write(bytes); },
                        .on_close = {},
                        .on_drain = {}});
    for (std::size_t at = 0; at < text.size(); at += fragment) {
      pair.client->stream->write(std::string_view(text).substr(at, fragment));
    }
    REQUIRE(run_until(loop, [&] { return pair.client->received.size() >= text.size(); }));
    CHECK_EQ(pair.client->received, text);
  }
}

TEST_CASE("what the kernel does not take is queued, goes out in order, and drains") {
  const std::string text = pattern(8'000'000);  // above what loopback sockets buffer
  uv::Loop loop;
  Pair pair(loop, {.write_queue_bytes_max = 16'000'000});
  pair.server->stream->write(text);
  CHECK_GT(pair.server->stream->queued_bytes(), 0);
  pair.server->stream->write("the end");
  REQUIRE(run_until(loop, [&] { return pair.client->received.size() >= text.size() + 7; }));
  CHECK(pair.client->received == text + "the end");
  REQUIRE(run_until(loop, [&] { return pair.server->drains > 0; }));
  CHECK_EQ(pair.server->stream->queued_bytes(), 0);
  CHECK_EQ(pair.server->drains, 1);
}

TEST_CASE("a reader that does not read is closed at the bound of the write queue") {
  constexpr std::size_t bound = 100'000;
  uv::Loop loop;
  Pair pair(loop, {.write_queue_bytes_max = bound});
  pair.client->stream->stop_reading();
  const std::string line = pattern(10'000);
  std::size_t most_queued = 0;
  for (int i = 0; i < 10'000 && pair.server->stream->is_open(); ++i) {
    pair.server->stream->write(line);
    most_queued = std::max(most_queued, pair.server->stream->queued_bytes());
  }
  CHECK_FALSE(pair.server->stream->is_open());
  CHECK_FALSE(pair.server->cause);  // never from inside write()
  CHECK_LE(most_queued, bound);
  CHECK_GT(most_queued, bound - line.size());
  REQUIRE(run_until(loop, [&] { return pair.server->cause.has_value(); }));
  CHECK_EQ(*pair.server->cause, CloseCause::write_queue_full);
  CHECK_EQ(pair.server->drains, 0);
}

TEST_CASE("a paused reader gets nothing, and everything when it resumes") {
  uv::Loop loop;
  Pair pair(loop);
  pair.server->stream->stop_reading();
  pair.client->stream->write("hello");
  loop_test::run_turns(loop, 20);
  CHECK_EQ(pair.server->received, "");
  pair.server->stream->start_reading();
  pair.server->stream->start_reading();  // twice is once
  CHECK(run_until(loop, [&] { return pair.server->received == "hello"; }));
}

TEST_CASE("close: both ends learn it, exactly once, from a later turn") {
  uv::Loop loop;
  Pair pair(loop);
  pair.client->stream->close();
  pair.client->stream->close();
  CHECK_FALSE(pair.client->stream->is_open());
  CHECK_EQ(pair.client->closes, 0);
  REQUIRE(run_until(loop, [&] { return pair.client->cause && pair.server->cause; }));
  CHECK_EQ(*pair.client->cause, CloseCause::closed_by_us);
  CHECK_EQ(*pair.server->cause, CloseCause::closed_by_peer);
  pair.client->stream->write("ignored");
  pair.client->stream->close();
  pair.client->stream->start_reading();
  loop_test::run_turns(loop, 5);
  CHECK_EQ(pair.client->closes, 1);
  CHECK_EQ(pair.server->closes, 1);
}

TEST_CASE("closing, or even destroying, a stream from inside its own callback") {
  uv::Loop loop;
  for (const bool destroy : {false, true}) {
    CAPTURE(destroy);
    Pair pair(loop);
    std::unique_ptr<uv::TcpStream>& stream = pair.server->stream;
    int calls = 0;
    int closes = 0;
    stream->set_callbacks({.on_bytes =
                               [&, held = pattern(100)](base::ByteSpan) {
                                 ++calls;
                                 destroy ? stream.reset() : stream->close();
                                 CHECK_EQ(held.size(), 100);
                               },
                           .on_close = [&](CloseCause) { ++closes; },
                           .on_drain = {}});
    pair.client->stream->write("x");
    REQUIRE(run_until(loop, [&] { return pair.client->cause.has_value(); }));
    CHECK_EQ(calls, 1);
    CHECK_EQ(closes, destroy ? 0 : 1);
  }
}

TEST_CASE("destroying a stream inside on_close, and with writes under way") {
  uv::Loop loop;
  Pair pair(loop, {.write_queue_bytes_max = 16'000'000});
  std::unique_ptr<uv::TcpStream>& client = pair.client->stream;
  bool closed = false;
  client->set_callbacks({.on_bytes = {},
                         .on_close =
                             [&](CloseCause) {
                               client.reset();
                               closed = true;
                             },
                         .on_drain = {}});
  pair.server->stream->write(pattern(8'000'000));
  CHECK_GT(pair.server->stream->queued_bytes(), 0);
  pair.server.reset();
  CHECK(run_until(loop, [&] { return closed; }));
}

TEST_CASE("close_after_flush sends what is queued, then the end, and waits for the peer's") {
  const std::string text = pattern(8'000'000);
  uv::Loop loop;
  Pair pair(loop, {.write_queue_bytes_max = 16'000'000});
  pair.server->stream->write(text);
  pair.server->stream->close_after_flush(15s);
  pair.server->stream->write("too late");
  pair.client->stream->write("not delivered any more");
  REQUIRE(run_until(loop, [&] { return pair.client->cause && pair.server->cause; }));
  CHECK(pair.client->received == text);
  CHECK_EQ(*pair.client->cause, CloseCause::closed_by_peer);
  CHECK_EQ(*pair.server->cause, CloseCause::closed_by_us);
  CHECK_EQ(pair.server->received, "");
}

TEST_CASE("close_after_flush gives up on a peer that neither reads nor closes") {
  uv::Loop loop;
  Pair pair(loop, {.write_queue_bytes_max = 16'000'000});
  pair.client->stream->stop_reading();
  pair.server->stream->write(pattern(8'000'000));
  pair.server->stream->close_after_flush(20ms);
  REQUIRE(run_until(loop, [&] { return pair.server->cause.has_value(); }));
  CHECK_EQ(*pair.server->cause, CloseCause::closed_by_us);
  CHECK_FALSE(pair.client->cause);
}

TEST_CASE("a reset is an io_error") {
  uv::Loop loop;
  Pair pair(loop);
  pair.client->stream->stop_reading();
  pair.server->stream->write("unread");
  loop_test::run_turns(loop, 3);
  pair.client.reset();  // closes with unread bytes: the kernel resets
  pair.server->stream->write("x");
  REQUIRE(run_until(loop, [&] { return pair.server->cause.has_value(); }));
  CHECK_EQ(*pair.server->cause, CloseCause::io_error);
}

TEST_CASE("two hundred connections, opened and closed") {
  constexpr std::size_t count = 200;
  uv::Loop loop;
  std::vector<std::unique_ptr<End>> servers;
  std::vector<std::unique_ptr<End>> clients;
  std::vector<std::unique_ptr<uv::TcpConnector>> connectors;
  auto listening = uv::TcpListener::listen(
      loop, {.host = "127.0.0.1"}, {}, [&](std::unique_ptr<uv::TcpStream> stream) {
        servers.push_back(std::make_unique<End>(std::move(stream)));
        servers.back()->stream->start_reading();
        servers.back()->stream->write("welcome");
      });
  REQUIRE(listening);
  for (std::size_t i = 0; i < count; ++i) {
    connectors.push_back(std::make_unique<uv::TcpConnector>(
        loop, "127.0.0.1", (*listening)->bound_port(), 15s, uv::TcpOptions{}, [&](auto result) {
          REQUIRE(result);
          clients.push_back(std::make_unique<End>(std::move(*result)));
          clients.back()->stream->start_reading();
        }));
  }
  const auto all = [&](auto& ends, auto condition) {
    return ends.size() == count && std::all_of(ends.begin(), ends.end(), condition);
  };
  REQUIRE(run_until(
      loop, [&] { return all(clients, [](auto& end) { return end->received == "welcome"; }); }));
  for (auto& client : clients) client->stream->close();
  CHECK(run_until(loop, [&] { return all(servers, [](auto& end) { return end->closes == 1; }); }));
}

TEST_CASE("the peer's address is known, also after the end") {
  uv::Loop loop;
  Pair pair(loop);
  CHECK_EQ(pair.server->stream->peer_address(), "127.0.0.1");
  CHECK_GT(pair.server->stream->peer_port(), 0);
  pair.client.reset();
  REQUIRE(run_until(loop, [&] { return pair.server->cause.has_value(); }));
  CHECK_EQ(pair.server->stream->peer_address(), "127.0.0.1");
}

TEST_CASE("close_after_flush: what the peer sent and we never read makes no reset") {
  uv::Loop loop;
  std::unique_ptr<End> server;
  const auto listening = uv::TcpListener::listen(
      loop, {.host = "127.0.0.1"}, {},
      [&](std::unique_ptr<uv::TcpStream> s) { server = std::make_unique<End>(std::move(s)); });
  REQUIRE(listening);
  // A plain blocking socket: libuv would report a reset behind data as an ordinary end.
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons((*listening)->bound_port());
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE_EQ(connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
  REQUIRE(run_until(loop, [&] { return server != nullptr; }));
  REQUIRE_EQ(write(client, "unread", 6), 6);

  server->stream->write("goodbye");
  server->stream->close_after_flush(15s);
  loop_test::run_turns(loop, 5);
  char buffer[16] = {};
  CHECK_EQ(recv(client, buffer, sizeof(buffer), MSG_DONTWAIT), 7);
  CHECK_EQ(std::string(buffer), "goodbye");
  CHECK_EQ(recv(client, buffer, sizeof(buffer), MSG_DONTWAIT), 0);  // the end, and no error
  CHECK_FALSE(server->cause);                                       // it waits for our end
  close(client);
  REQUIRE(run_until(loop, [&] { return server->cause.has_value(); }));
  CHECK_EQ(*server->cause, CloseCause::closed_by_us);
}

// ---------------------------------------------------------------- from one loop to another

TEST_CASE("a connection moves to another thread's loop with what is queued, and nothing is lost") {
  const std::string before = pattern(12'000'000);  // more than loopback sockets buffer
  const std::string after = pattern(500'000);
  uv::Loop loop;
  Pair pair(loop, {.write_queue_bytes_max = 16'000'000});
  pair.client->stream->write("hello");
  REQUIRE(run_until(loop, [&] { return pair.server->received == "hello"; }));
  pair.server->stream->write(before);
  pair.server->stream->write("middle");  // gathers behind the write that is with libuv
  REQUIRE_GT(pair.server->stream->queued_bytes(), 0);
  loop_test::run_turns(loop, 3);         // libuv sends some more of it
  pair.client->stream->write("unread");  // stays in the kernel
  auto detached = pair.server->stream->detach();
  REQUIRE(detached);
  CHECK_FALSE(pair.server->stream->is_open());
  CHECK_GT(detached->unsent.size(), 6);

  std::string heard_there;
  std::thread elsewhere([&, moved = std::move(*detached)]() mutable {
    uv::Loop other;
    auto adopted =
        uv::TcpStream::adopt(other, std::move(moved), {.write_queue_bytes_max = 16'000'000});
    REQUIRE(adopted);
    End end(std::move(*adopted));
    CHECK_EQ(end.stream->peer_address(), "127.0.0.1");
    end.stream->start_reading();
    end.stream->write(after);
    CHECK(run_until(other, [&] { return end.cause.has_value(); }));
    heard_there = end.received;
  });
  const std::size_t all = before.size() + 6 + after.size();
  REQUIRE(run_until(loop, [&] { return pair.client->received.size() >= all; }));
  CHECK(pair.client->received == before + "middle" + after);
  CHECK_FALSE(pair.client->cause);
  pair.client->stream->write("bye");
  pair.client->stream->close_after_flush(5s);
  REQUIRE(run_until(loop, [&] { return pair.client->cause.has_value(); }));
  elsewhere.join();
  CHECK_EQ(heard_there, "unreadbye");
  CHECK_EQ(pair.server->closes, 0);  // no callback after detach()
}

TEST_CASE("a connection can be detached from inside its own callback") {
  uv::Loop loop;
  Pair pair(loop);
  std::optional<uv::DetachedTcp> detached;
  uv::TcpStream& stream = *pair.server->stream;
  const auto witness = std::make_shared<int>(7);
  int calls = 0;
  stream.set_callbacks({.on_bytes =
                            [&, witness](base::ByteSpan) {
                              ++calls;
                              detached = std::move(*stream.detach());
                              CHECK_EQ(*witness, 7);  // the function is still there
                            },
                        .on_close = [&](CloseCause) { ++calls; },
                        .on_drain = {}});
  pair.client->stream->write("x");
  REQUIRE(run_until(loop, [&] { return detached.has_value(); }));
  pair.client->stream->write("y");
  loop_test::run_turns(loop, 5);
  CHECK_EQ(calls, 1);
  auto again = uv::TcpStream::adopt(loop, std::move(*detached), {});
  REQUIRE(again);
  End end(std::move(*again));
  end.stream->start_reading();
  REQUIRE(run_until(loop, [&] { return end.received == "y"; }));
}

TEST_CASE("a detached connection that nobody adopts is closed") {
  uv::Loop loop;
  Pair pair(loop);
  {
    const auto detached = pair.server->stream->detach();
    REQUIRE(detached);
    loop_test::run_turns(loop, 5);
    CHECK_FALSE(pair.client->cause);
  }
  REQUIRE(run_until(loop, [&] { return pair.client->cause.has_value(); }));
  CHECK_EQ(*pair.client->cause, CloseCause::closed_by_peer);
}

TEST_CASE("a connection notices a peer that is gone, and sends lines without delay") {
  uv::Loop loop;
  Pair pair(loop);
  const auto detached = pair.server->stream->detach();
  REQUIRE(detached);
  struct Row {
    const char* why;
    int level;
    int name;
    int expected;
  };
  const Row rows[] = {
      {"small lines go at once", IPPROTO_TCP, TCP_NODELAY, 1},
      {"keepalive", SOL_SOCKET, SO_KEEPALIVE, 1},
      {"idle seconds before it", IPPROTO_TCP, TCP_KEEPIDLE, 45},
      {"seconds between probes", IPPROTO_TCP, TCP_KEEPINTVL, 15},
      {"probes", IPPROTO_TCP, TCP_KEEPCNT, 3},
      {"milliseconds for unacknowledged bytes", IPPROTO_TCP, TCP_USER_TIMEOUT, 90'000}};
  for (const Row& row : rows) {
    CAPTURE(row.why);
    int value = -1;
    socklen_t size = sizeof value;
    REQUIRE_EQ(getsockopt(detached->socket.fd(), row.level, row.name, &value, &size), 0);
    CHECK_EQ(value, row.expected);
  }
}
