// HttpStream over real sockets: the web listener with TLS, as OpenSSL's own client meets it.
#include "pool/http/http_stream.h"

#include "tests/loop/pool/http/client.h"
#include "tests/loop/pool/http/running.h"
#include "tests/unit/common/net/tls_fixture.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace pool;
using namespace std::chrono_literals;
using namespace std::string_view_literals;

namespace {

std::shared_ptr<const net::TlsContext> context_for(const char* name) {
  const auto made = tls_test::make_certificate(name);
  const auto context = net::TlsContext::from_pem({made.chain, "chain"}, {made.key, "key"});
  REQUIRE(context);
  return *context;
}

HttpLoop::Options with_tls(bool only = false) {
  HttpLoop::Options options;
  options.tls = context_for("web.test");
  options.tls_only = only;
  options.strict_transport = 600s;
  return options;
}

class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port) : socket_(port) { shake_hands(); }

  bool is_established() const { return tls_.is_established(); }
  std::string server() const { return tls_.peer_name(); }
  tls_test::Client& tls() { return tls_; }
  Client& socket() { return socket_; }

  void write(std::string_view text) {
    tls_.write(text);
    CHECK(socket_.send(tls_.take()));
  }
  // What has been heard when `done` says that it is enough, or the other side has ended.
  template <class Done>
  std::string read_until(const Done& done) {
    while (!done(tls_.heard) && !tls_.peer_has_closed() && tls_.error.empty() && listen()) {
    }
    return std::exchange(tls_.heard, {});
  }
  std::string get(const std::string& target) {
    write("GET " + target + " HTTP/1.1\r\nHost: web.test:8443\r\nConnection: close\r\n\r\n");
    return read_until([](const std::string&) { return false; });
  }
  // False: the socket has ended.
  bool listen() {
    const std::string got =
        socket_.read_until([](const std::string& text) { return !text.empty(); });
    tls_.hear(got);
    return !got.empty();
  }

 private:
  void shake_hands() {
    while (!tls_.is_established() && tls_.error.empty()) {
      if (!socket_.send(tls_.take()) || !listen()) return;
    }
    CHECK(socket_.send(tls_.take()));
  }

  Client socket_;
  tls_test::Client tls_;
};

bool has_header(const std::string& answer, const std::string& header) {
  const std::size_t end = answer.find("\r\n\r\n");
  return answer.substr(0, end).find("\r\n" + header) != std::string::npos;
}

}  // namespace

TEST_CASE("with a certificate, the first byte tells TLS from plain HTTP") {
  Running running(with_tls());
  TlsClient encrypted(running.port());
  REQUIRE(encrypted.is_established());
  CHECK_EQ(encrypted.server(), "web.test");
  const std::string page = encrypted.get("/");
  CHECK(starts_with(page, "HTTP/1.1 200 OK\r\n"));
  CHECK_EQ(page.substr(page.size() - 8), "</html>\n");
  CHECK(encrypted.tls().peer_has_closed());  // an orderly end: nothing was cut off
  const std::string plain = running.get("/");
  CHECK(starts_with(plain, "HTTP/1.1 200 OK\r\n"));
  // Whoever serves plain HTTP as well promises nothing.
  CHECK_FALSE(has_header(page, "strict-transport-security"));
  CHECK(running.wait_for("/metrics", "phasepool_http_tls_handshakes_total{result=\"done\"} 1\n"));
}

TEST_CASE("without a certificate TLS is no HTTP") {
  Running running;
  tls_test::Client tls;
  Client socket(running.port());
  REQUIRE(socket.send(tls.take()));
  CHECK(starts_with(socket.read_to_end(), "HTTP/1.1 400 "));
}

TEST_CASE("a listener for TLS alone sends plain requests there, and promises TLS over TLS") {
  Running running(with_tls(true));
  const std::string page = TlsClient(running.port()).get("/healthz");
  CHECK(starts_with(page, "HTTP/1.1 200 OK\r\n"));
  CHECK(has_header(page, "strict-transport-security: max-age=600\r\n"));

  Client plain(running.port());
  REQUIRE(plain.send("GET /blocks?page=2 HTTP/1.1\r\nHost: pool.example:8443\r\n\r\n"));
  const std::string moved = plain.read_to_end();
  CHECK(starts_with(moved, "HTTP/1.1 308 "));
  CHECK(has_header(moved, "location: https://pool.example:8443/blocks?page=2\r\n"));
  CHECK_FALSE(has_header(moved, "strict-transport-security"));  // RFC 6797, 7.2
  Client nameless(running.port());
  REQUIRE(nameless.send("GET / HTTP/1.0\r\n\r\n"));
  CHECK(starts_with(nameless.read_to_end(), "HTTP/1.1 400 "));
  const std::string metrics = TlsClient(running.port()).get("/metrics");
  CHECK_NE(metrics.find("phasepool_http_refusals_total{reason=\"not_tls\"} 2\n"), metrics.npos);
}

TEST_CASE("a new certificate is for new handshakes; who is there stays") {
  Running running(with_tls());
  TlsClient early(running.port());
  running.post(TlsReload{context_for("renewed.test")});
  const auto until = std::chrono::steady_clock::now() + 20s;
  std::string server;
  while (server != "renewed.test" && std::chrono::steady_clock::now() < until) {
    server = TlsClient(running.port()).server();
  }
  CHECK_EQ(server, "renewed.test");
  CHECK(starts_with(early.get("/healthz"), "HTTP/1.1 200 "));
}

TEST_CASE("events, pipelined requests and large answers pass through TLS whole") {
  Running running(with_tls());
  TlsClient watcher(running.port());
  watcher.write("GET /api/v1/stream HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto has_pool = [](const std::string& text) {
    return text.find("event: pool\n") != text.npos;
  };
  CHECK(starts_with(watcher.read_until(has_pool), "HTTP/1.1 200 "));
  NodeStatus node;
  node.connected = true;
  node.height = 78;
  running.post(node);
  const std::string tip = watcher.read_until(
      [](const std::string& text) { return text.find("{\"height\":78,") != text.npos; });
  CHECK_NE(tip.find("event: tip\ndata: {\"height\":78,"), std::string::npos);

  TlsClient eager(running.port());
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += "GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
  eager.write(requests + "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string all = eager.read_until([](const std::string&) { return false; });
  CHECK_EQ(count(all, "HTTP/1.1 200 OK\r\n"), 20);
  CHECK_EQ(count(all, "HTTP/1.1 404 "), 1);
  CHECK(eager.tls().peer_has_closed());
}

TEST_CASE("what begins like TLS and is none ends, and hurts nobody") {
  Running running(with_tls());
  const std::string hello = tls_test::Client().take();
  std::vector<std::string> starts{"\x16", "\x16\x03\x01\xff\xff", "\x16" + std::string(60'000, 'x'),
                                  hello.substr(0, hello.size() / 2),
                                  hello + std::string(40'000, '\x16')};
  for (const std::string& bytes : starts) {
    Client client(running.port());
    (void)client.send(bytes);
  }  // and gone
  Client garbage(running.port());
  REQUIRE(garbage.send("\x16\x03\x01\x00\x05hello, web"sv));
  garbage.read_to_end();
  CHECK(garbage.ended());
  TlsClient broken(running.port());
  REQUIRE(broken.is_established());
  // A good request and nonsense behind it in one piece.
  broken.tls().write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(broken.socket().send(broken.tls().take() + std::string("\x17\x03\x03\x00\x20"sv) +
                               std::string(32, 'x')));
  broken.socket().read_to_end();
  CHECK(broken.socket().ended());
  CHECK(starts_with(TlsClient(running.port()).get("/healthz"), "HTTP/1.1 200 "));
}

// The last words of the handshake, a good request and nonsense, all in one piece.
TEST_CASE("a connection that fails in the piece that establishes it ends, and hurts nobody") {
  Running running(with_tls());
  Client socket(running.port());
  tls_test::Client tls;
  REQUIRE(socket.send(tls.take()));
  std::string last_words;
  while (!tls.is_established()) {
    tls.hear(socket.read_until([](const std::string& text) { return !text.empty(); }));
    last_words += tls.take();
  }
  tls.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(socket.send(last_words + tls.take() + std::string("\x17\x03\x03\x00\x20"sv) +
                      std::string(32, 'x')));
  socket.read_to_end();
  CHECK(socket.ended());
  CHECK(starts_with(TlsClient(running.port()).get("/healthz"), "HTTP/1.1 200 "));
}

TEST_CASE("a handshake that stands still is closed at the deadline of a request") {
  HttpLoop::Options options = with_tls();
  options.request_deadline = 100ms;
  options.idle_deadline = 60s;
  Running running(options);
  Client slow(running.port());
  REQUIRE(slow.send(tls_test::Client().take().substr(0, 50)));
  slow.read_to_end();
  CHECK(slow.ended());
  CHECK(
      running.wait_for("/metrics", "phasepool_http_connections_closed_total{reason=\"slow\"} 1\n"));
}
