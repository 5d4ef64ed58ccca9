#include "common/net/tls.h"

#include "tests/unit/common/net/tls_fixture.h"

#include <chrono>
#include <ctime>
#include <thread>
#include <vector>

using net::Tls;
using net::TlsContext;
using tls_test::Certificate;
using tls_test::Client;
using tls_test::KeyKind;
using tls_test::make_certificate;

namespace {

auto load(const Certificate& certificate) {
  return TlsContext::from_pem({certificate.chain, "cert.pem"}, {certificate.key, "key.pem"});
}

std::shared_ptr<const TlsContext> context_of(const Certificate& certificate) {
  auto context = load(certificate);
  REQUIRE(context);
  return *context;
}

const std::shared_ptr<const TlsContext>& usual_context() {
  static const auto context = context_of(make_certificate("pool.test"));
  return context;
}

// A server's connection and its client, with bytes carried in pieces.
struct Talk {
  Client& client;
  std::unique_ptr<Tls> server;
  std::size_t piece;
  std::string heard;  // by the server
  std::string server_error;
  bool by_peer = false;

  explicit Talk(Client& with, std::size_t piece_bytes = 1 << 20,
                const std::shared_ptr<const TlsContext>& context = usual_context())
      : client(with), server(Tls::accept(context)), piece(piece_bytes) {
    REQUIRE(server);
  }
  void deliver_to_server(std::string_view bytes) {
    while (!bytes.empty() && server_error.empty()) {
      const std::string_view part = bytes.substr(0, piece);
      bytes.remove_prefix(part.size());
      std::string back;
      const auto done = server->receive(base::as_bytes(part), heard, back);
      if (!done) {
        server_error = done.error().why;
        by_peer = done.error().by_peer;
      }
      deliver_to_client(back);
    }
  }
  void deliver_to_client(std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
      client.hear(bytes.substr(0, piece));
    }
  }
  void run() {
    for (int rounds = 0; rounds < 10; ++rounds) {
      const std::string bytes = client.take();
      if (bytes.empty()) return;
      deliver_to_server(bytes);
    }
  }
  void say(std::string_view text) {
    std::string out;
    REQUIRE(server->send(base::as_bytes(text), out));
    deliver_to_client(out);
  }
};

constexpr std::string_view question = "{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[]}\n";
constexpr std::string_view answer = "{\"id\":1,\"result\":true,\"error\":null}\n";

}  // namespace

TEST_CASE("a handshake and a talk, whatever the pieces, both versions and both kinds of key") {
  for (const KeyKind kind : {KeyKind::p256, KeyKind::rsa2048}) {
    const auto context = context_of(make_certificate("pool.test", kind));
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      for (const std::size_t piece : {1, 2, 5, 10, 100, 1 << 20}) {
        CAPTURE(version);
        CAPTURE(piece);
        Client client(version);
        Talk talk(client, piece, context);
        CHECK_FALSE(talk.server->is_established());
        talk.run();
        REQUIRE(client.is_established());
        REQUIRE(talk.server->is_established());
        CHECK_EQ(client.version(), version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
        CHECK_EQ(client.peer_name(), "pool.test");
        client.write(question);
        talk.run();
        CHECK_EQ(talk.heard, question);
        talk.say(answer);
        CHECK_EQ(client.heard, answer);
      }
    }
  }
}

TEST_CASE("lines that come in the same segment as the end of the handshake are not lost") {
  Client client;
  Talk talk(client);
  talk.deliver_to_server(client.take());  // ClientHello; the answer is back at once
  REQUIRE(client.is_established());
  client.write(question);
  client.write(question);
  talk.deliver_to_server(client.take());
  CHECK_EQ(talk.heard, std::string(question) + std::string(question));
}

TEST_CASE("large amounts go both ways") {
  Client client;
  Talk talk(client, 1000);
  talk.run();
  const std::string much(300'000, 'x');
  client.write(much);
  talk.run();
  CHECK(talk.heard == much);
  talk.say(much);
  CHECK(client.heard == much);
}

TEST_CASE("both sides end in good order, and what comes after is ignored") {
  Client client;
  Talk talk(client);
  talk.run();
  client.write(question);
  client.close();
  const std::string last = client.take();
  talk.deliver_to_server(last);
  CHECK_EQ(talk.heard, question);
  CHECK(talk.server->peer_has_closed());
  CHECK_EQ(talk.server_error, "");
  talk.deliver_to_server("anything");
  CHECK_EQ(talk.server_error, "");
  talk.say(answer);
  std::string out;
  talk.server->close_notify(out);
  CHECK_FALSE(out.empty());
  talk.deliver_to_client(out);
  CHECK_EQ(client.heard, answer);
  CHECK(client.peer_has_closed());
}

TEST_CASE("a close before the handshake is complete says nothing") {
  const auto server = Tls::accept(usual_context());
  std::string out;
  server->close_notify(out);
  CHECK(out.empty());
}

TEST_CASE("garbage is an error, and an alert for the peer where TLS has one") {
  const std::string rows[] = {"GET / HTTP/1.1\r\n\r\n",
                              "{\"id\":1}\n",
                              std::string("\x16\x03\x01\xff\xff", 5) + std::string(200, 'x'),
                              std::string("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10),
                              std::string(100, '\0'),
                              std::string("\x16\x03\x03\x00\x00", 5)};
  for (const std::string& bytes : rows) {
    for (const std::size_t piece : {1, 5, 1000}) {
      CAPTURE(bytes);
      const auto server = Tls::accept(usual_context());
      std::string plain;
      std::string out;
      std::string error;
      for (std::size_t at = 0; at < bytes.size() && error.empty(); at += piece) {
        const auto done = server->receive(base::as_bytes(bytes.substr(at, piece)), plain, out);
        if (!done) error = done.error().why;
      }
      CHECK_FALSE(server->is_established());
      CHECK(plain.empty());
      if (error.empty()) continue;  // an empty record: more may come
      CHECK_FALSE(server->receive(base::as_bytes("x"), plain, out));  // for good
    }
  }
  // A record damaged on its way.
  Client client;
  Talk talk(client);
  talk.run();
  client.write(question);
  std::string damaged = client.take();
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  talk.deliver_to_server(damaged);
  CHECK_EQ(talk.server_error, "decryption failed or bad record mac");
  CHECK_EQ(talk.heard, "");
  CHECK_FALSE(client.error.empty());  // the alert arrived
}

TEST_CASE("a client that does not trust the certificate says so, and is no attacker") {
  Client client;
  client.trust_nobody();
  Talk talk(client);
  talk.run();
  CHECK_FALSE(talk.server->is_established());
  CHECK(talk.server_error.find("alert") != std::string::npos);
  CHECK(talk.by_peer);
  Client other(TLS1_2_VERSION, "AES128-SHA");
  Talk weak(other);
  weak.run();
  CHECK_FALSE(weak.server_error.empty());
  CHECK_FALSE(weak.by_peer);
}

TEST_CASE("a handshake without end is cut off") {
  // Empty records are allowed by nobody but cost nothing to send; fragments of one endless message
  // are the other way.
  const auto server = Tls::accept(usual_context());
  std::string plain;
  std::string out;
  bool refused = false;
  std::size_t taken = 0;
  std::string hello("\x16\x03\x01\x20\x00\x01\x00\xff\xff", 9);
  hello.resize(5 + 0x2000, 'x');
  while (!refused && taken < 1'000'000) {
    refused = !server->receive(base::as_bytes(hello), plain, out);
    taken += hello.size();
    hello.resize(5);
    hello.resize(5 + 0x2000, 'y');
  }
  CHECK(refused);
  CHECK_LE(taken, net::tls_handshake_bytes_max + hello.size());
}

TEST_CASE("keys may change now and then, but not without end") {
  Client client;
  Talk talk(client);
  talk.run();
  for (std::uint32_t i = 0; i < net::tls_key_updates_max; ++i) {
    client.update_keys();
    client.write(question);
    talk.run();
  }
  CHECK_EQ(talk.server_error, "");
  CHECK_EQ(talk.heard.size(), net::tls_key_updates_max * question.size());
  talk.say(answer);
  CHECK_EQ(client.heard, answer);

  // All in one piece: what lies behind the one too many is not even read.
  std::string flood;
  for (int i = 0; i < 1000; ++i) {
    client.update_keys();
    client.write(question);
    flood += client.take();
  }
  talk.heard.clear();
  talk.deliver_to_server(flood);
  CHECK_EQ(talk.server_error, "too many key updates");
  CHECK_LE(talk.heard.size(), question.size());
}

TEST_CASE("old versions, weak ciphers and renegotiation are refused") {
  {
    Client old(TLS1_1_VERSION);
    Talk talk(old);
    talk.run();
    CHECK_FALSE(talk.server->is_established());
    CHECK_EQ(talk.server_error, "unsupported protocol");
    CHECK_EQ(old.error, "tlsv1 alert protocol version");
  }
  for (const char* ciphers : {"AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256"}) {
    CAPTURE(ciphers);
    Client weak(TLS1_2_VERSION, ciphers);
    Talk talk(weak);
    talk.run();
    CHECK_FALSE(talk.server->is_established());
    CHECK_EQ(talk.server_error, "no shared cipher");
  }
  Client client(TLS1_2_VERSION);
  Talk talk(client);
  talk.run();
  REQUIRE(talk.server->is_established());
  client.renegotiate();
  talk.run();
  CHECK_EQ(client.error, "no renegotiation");
}

TEST_CASE("a client that comes back skips the public-key work") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    Client client(version);
    {
      Talk first(client);
      first.run();
      first.say(answer);  // TLS 1.3 sends its ticket after the handshake
      CHECK_FALSE(client.was_resumed());
    }
    client.reconnect();
    Talk second(client);
    second.run();
    CHECK(second.server->is_established());
    CHECK(client.was_resumed());
    // Under a new certificate's context it is greeted as a stranger.
    const auto renewed = context_of(make_certificate("new.test"));
    client.reconnect();
    Talk third(client, 1 << 20, renewed);
    third.run();
    CHECK(third.server->is_established());
    CHECK_FALSE(client.was_resumed());
    CHECK_EQ(client.peer_name(), "new.test");
  }
}

TEST_CASE("a connection moves to another thread, and outlives the hold on its context") {
  auto context = context_of(make_certificate("pool.test"));
  Client client;
  Talk talk(client, 1 << 20, context);
  context.reset();
  talk.run();
  std::thread elsewhere([&] {
    client.write(question);
    talk.run();
    talk.say(answer);
  });
  elsewhere.join();
  CHECK_EQ(talk.heard, question);
  CHECK_EQ(client.heard, answer);
}

TEST_CASE("an error of one connection does not show up in another") {
  Client client;
  Talk good(client);
  good.run();
  const auto bad = Tls::accept(usual_context());
  std::string plain;
  std::string out;
  CHECK_FALSE(bad->receive(base::as_bytes("GET / HTTP/1.1\r\n\r\n"), plain, out));
  CHECK_EQ(ERR_peek_error(), 0);
  client.write(question);
  good.run();
  CHECK_EQ(good.heard, question);
  CHECK_EQ(good.server_error, "");
}

// ---------------------------------------------------------------- certificates

TEST_CASE("a context says whose certificate it holds, and until when") {
  const auto context = context_of(make_certificate("pool.test"));
  CHECK_EQ(context->subject(), "CN=pool.test");
  const std::int64_t in_a_day = std::time(nullptr) + 86'400;
  CHECK_GT(context->expires_unix_seconds(), in_a_day - 60);
  CHECK_LE(context->expires_unix_seconds(), in_a_day);
}

TEST_CASE("a chain is taken and sent whole") {
  Certificate leaf = make_certificate("pool.test");
  leaf.chain += make_certificate("intermediate.test").chain;
  const auto context = context_of(leaf);
  Client client;
  Talk talk(client, 1 << 20, context);
  talk.run();
  CHECK_EQ(client.peer_name(), "pool.test");
}

TEST_CASE("what is wrong with a certificate or key is said, with the file") {
  const Certificate good = make_certificate("pool.test");
  const Certificate other = make_certificate("other.test");
  const Certificate rsa = make_certificate("rsa.test", KeyKind::rsa2048);
  const Certificate locked = make_certificate("locked.test", KeyKind::p256, "secret");
  std::string damaged = good.chain;
  damaged[damaged.find('\n') + 1] = 'A';  // no longer a SEQUENCE
  std::string many = good.chain;
  for (int i = 0; i < 12; ++i) many += other.chain;
  struct Row {
    const char* why;
    Certificate pair;
    const char* expected;
  };
  const Row rows[] = {
      {"another key",
       {good.chain, other.key},
       "key.pem: is not the key of the certificate in cert.pem"},
      {"another kind of key",
       {good.chain, rsa.key},
       "key.pem: is not the key of the certificate in cert.pem"},
      {"empty certificate", {"", good.key}, "cert.pem: holds no certificate in PEM form"},
      {"empty key", {good.chain, ""}, "key.pem: holds no private key in PEM form"},
      {"swapped", {good.key, good.chain}, "cert.pem: holds no certificate in PEM form"},
      {"not PEM", {"hello", good.key}, "cert.pem: holds no certificate in PEM form"},
      {"cut", {good.chain.substr(0, 200), good.key}, "cert.pem: bad certificate: "},
      {"damaged", {damaged, good.key}, "cert.pem: bad certificate: "},
      {"damaged chain",
       {good.chain + good.chain.substr(0, 200), good.key},
       "cert.pem: bad certificate in the chain: "},
      {"endless chain", {many, good.key}, "cert.pem: more certificates than a chain has"},
      {"passphrase", {locked.chain, locked.key}, "key.pem: the private key has a passphrase"},
      {"cut key", {good.chain, good.key.substr(0, 60)}, "key.pem: bad private key: "},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto context = load(row.pair);
    REQUIRE_FALSE(context);
    CHECK_EQ(context.error().substr(0, std::string_view(row.expected).size()), row.expected);
    CHECK_EQ(ERR_peek_error(), 0);
  }
}
