// One connection to a pool over each way there is, and what it says when a way is barred.
#include "miner/pool_transport.h"

#include "miner/pool_trust.h"
#include "tests/loop/miner/relays.h"
#include "tests/loop/miner/waiting.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

namespace miner {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A peer that repeats what it hears, and a transport to it.
struct Rig {
  uv::Loop loop;
  fake::Listener echo{loop,
                      [](uv::TcpStream& stream, base::ByteSpan bytes) { stream.write(bytes); }};
  PoolSettings pool;
  std::unique_ptr<PoolTransport> transport;
  bool open = false;
  std::string heard;
  std::optional<std::string> end;

  Rig() {
    pool.host = "localhost";
    pool.port = echo.port();
  }
  void connect(milliseconds deadline = seconds(30)) {
    const auto trust = trust_of(pool);
    REQUIRE_MESSAGE(trust, (trust ? "" : trust.error()));
    transport = std::make_unique<PoolTransport>(
        loop, pool, pool.port, *trust, deadline,
        PoolTransport::Callbacks{[this] { open = true; },
                                 [this](base::ByteSpan bytes) { heard += base::as_text(bytes); },
                                 [this](std::string_view why) {
                                   CHECK_FALSE(end);
                                   end = why;
                                 }});
  }
  void open_and_echo() {
    connect();
    REQUIRE(wait_until(loop, [&] { return open || end; }));
    REQUIRE_MESSAGE(open, end.value_or(""));
    CHECK(transport->is_open());
    transport->send("hello\n");
    transport->send("again\n");
    REQUIRE(wait_until(loop, [&] { return heard == "hello\nagain\n"; }));
    transport->close();
    transport->send("too late\n");
    REQUIRE(wait_until(loop, [&] { return end.has_value(); }));
    CHECK_EQ(*end, "disconnected");
    CHECK_EQ(heard, "hello\nagain\n");
  }
  std::string failure(milliseconds deadline = seconds(30)) {
    connect(deadline);
    REQUIRE(wait_until(loop, [&] { return open || end; }));
    CHECK_FALSE(open);
    return end.value_or("(it is open)");
  }
  std::string name() const { return "localhost:" + std::to_string(pool.port); }
};

std::uint16_t unused_port(uv::Loop& loop) { return fake::Listener(loop, {}).port(); }

TEST_CASE("plain: bytes pass, and the end is told once") {
  Rig rig;
  rig.open_and_echo();
}

TEST_CASE("plain: the pool ends it, or is not there") {
  Rig rig;
  rig.connect();
  REQUIRE(wait_until(rig.loop, [&] { return rig.open && !rig.echo.streams.empty(); }));
  rig.echo.streams.clear();
  REQUIRE(wait_until(rig.loop, [&] { return rig.end.has_value(); }));
  CHECK_EQ(*rig.end, "the connection to " + rig.name() + " ended (closed_by_peer)");

  Rig other;
  other.pool.port = unused_port(other.loop);
  CHECK_EQ(other.failure(),
           "cannot connect to " + other.name() + ": connection refused (ECONNREFUSED)");
}

TEST_CASE("closed before it is open: the end comes, and nothing before it") {
  Rig rig;
  rig.connect();
  rig.transport->close();
  REQUIRE(wait_until(rig.loop, [&] { return rig.end.has_value(); }));
  CHECK_EQ(*rig.end, "disconnected");
  CHECK_FALSE(rig.open);
}

TEST_CASE("TLS with a certificate that is trusted by file") {
  Rig rig;
  const auto certificate = tls_test::make_certificate("localhost");
  fake::TlsFront front(rig.loop, certificate, rig.pool.port);
  const fake::TextFile authorities(certificate.chain);
  rig.pool.tls = true;
  rig.pool.port = front.port();
  rig.pool.ca_file = authorities.path;
  rig.open_and_echo();
}

TEST_CASE("TLS with a certificate that is refused") {
  const auto certificate = tls_test::make_certificate("pool.test");
  const fake::TextFile authorities(certificate.chain);
  struct Row {
    std::string ca_file;
    const char* why;
  };
  const Row rows[] = {{"", "self-signed certificate"}, {authorities.path, "hostname mismatch"}};
  for (const Row& row : rows) {
    Rig rig;
    fake::TlsFront front(rig.loop, certificate, rig.pool.port);
    rig.pool.tls = true;
    rig.pool.port = front.port();
    rig.pool.ca_file = row.ca_file;
    CHECK_EQ(rig.failure(),
             "TLS with " + rig.name() + " failed: its certificate is refused: " + row.why);
    CHECK(rig.echo.heard.empty());
  }
  Rig unchecked;
  fake::TlsFront front(unchecked.loop, certificate, unchecked.pool.port);
  unchecked.pool.tls = true;
  unchecked.pool.port = front.port();
  unchecked.pool.insecure = true;
  unchecked.open_and_echo();
}

TEST_CASE("TLS where there is none: a peer that speaks plainly, closes, or says nothing") {
  for (const int kind : {0, 1, 2}) {
    CAPTURE(kind);
    Rig rig;
    fake::Listener peer(rig.loop, [&](uv::TcpStream& stream, base::ByteSpan) {
      if (kind == 0) stream.write(std::string_view("HTTP/1.1 400 Bad Request\r\n\r\n"));
      if (kind == 1) stream.close();
    });
    rig.pool.tls = rig.pool.insecure = true;
    rig.pool.port = peer.port();
    const std::string why = rig.failure(kind == 2 ? milliseconds(100) : seconds(30));
    const std::string expected[] = {
        "TLS with " + rig.name() + " failed: wrong version number (a port without TLS?)",
        "the connection to " + rig.name() + " ended (closed_by_peer)",
        "no answer from " + rig.name() + " (TLS) within 1 s"};
    CHECK_EQ(why, expected[kind]);
  }
}

TEST_CASE("a proxy looks the name up, with and without a login, with TLS behind it or not") {
  const auto certificate = tls_test::make_certificate("pool.test");
  const fake::TextFile authorities(certificate.chain);
  for (const bool login : {false, true}) {
    for (const bool tls : {false, true}) {
      Rig rig;
      fake::TlsFront front(rig.loop, certificate, rig.pool.port);
      fake::SocksProxy proxy(rig.loop, login ? "miner:s3cret" : "");
      rig.pool.host = "pool.test";  // known to the proxy alone
      rig.pool.proxy = ProxySettings{};
      rig.pool.proxy->host = "127.0.0.1";
      rig.pool.proxy->port = proxy.port();
      if (login) {
        rig.pool.proxy->username = "miner";
        rig.pool.proxy->password = "s3cret";
      }
      rig.pool.tls = tls;
      rig.pool.ca_file = authorities.path;
      if (tls) rig.pool.port = front.port();
      rig.open_and_echo();
      CHECK_EQ(proxy.asked_for, "pool.test");
    }
  }
}

TEST_CASE("a proxy that refuses, is none, closes, says nothing, or is not there") {
  struct Row {
    std::string answer;  // to whatever it hears; empty: none
    bool closes;
    const char* why;
  };
  const Row rows[] = {
      {std::string("\x05\xff"), false, "cannot reach {} by {}: the proxy wants a login"},
      {"HTTP/1.1 400\r\n", false,
       "cannot reach {} by {}: the proxy does not speak SOCKS5: it began with byte 0x48"},
      {"", true, "cannot reach {} by {}: it ended the connection (closed_by_peer)"},
      {"", false, "no answer from {1} within 1 s"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    Rig rig;
    fake::Listener proxy(rig.loop, [&](uv::TcpStream& stream, base::ByteSpan) {
      if (!row.answer.empty()) stream.write(row.answer);
      if (row.closes) stream.close();
    });
    rig.pool.proxy = ProxySettings{};
    rig.pool.proxy->host = "127.0.0.1";
    rig.pool.proxy->port = proxy.port();
    const bool waits = row.answer.empty() && !row.closes;
    const std::string why = rig.failure(waits ? milliseconds(100) : seconds(30));
    const std::string by = "proxy 127.0.0.1:" + std::to_string(proxy.port());
    std::string expected = row.why;
    for (const auto& [mark, text] : {std::pair{std::string("{}"), rig.name()},
                                     {std::string("{}"), by},
                                     {std::string("{1}"), by}}) {
      const auto at = expected.find(mark);
      if (at != std::string::npos) expected.replace(at, mark.size(), text);
    }
    CHECK_EQ(why, expected);
  }
  Rig rig;
  rig.pool.proxy = ProxySettings{};
  rig.pool.proxy->host = "127.0.0.1";
  rig.pool.proxy->port = unused_port(rig.loop);
  CHECK_EQ(rig.failure(),
           "cannot connect to proxy 127.0.0.1:" + std::to_string(rig.pool.proxy->port) +
               ": connection refused (ECONNREFUSED)");
}

TEST_CASE("hosts as they are shown") {
  CHECK_EQ(host_and_port("pool.example", 3333), "pool.example:3333");
  CHECK_EQ(host_and_port("2001:db8::1", 1), "[2001:db8::1]:1");
  CHECK_EQ(host_and_port("a\x1b[2Jb", 1), "a?[2Jb:1");
}

}  // namespace
}  // namespace miner
