// From accept to Stratum: PROXY headers, TLS, HTTP and garbage, over loopback against a ShardLoop;
// and single connections on a loop of the test's own.
#include "pool/net/connection.h"

#include "common/uv/clock.h"
#include "tests/loop/loop_test.h"
#include "tests/loop/pool/net/pool_fixture.h"
#include "tests/unit/common/net/tls_fixture.h"

#include <chrono>
#include <map>
#include <string>
#include <vector>

using namespace pool_test;
using loop_test::run_until;
using pool::Connection;
using pool::TlsMode;
using pool::TurnAway;

namespace {

constexpr const char* ping = "{\"id\":9,\"method\":\"mining.ping\",\"params\":[]}\n";
constexpr const char* subscribe = "{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[]}\n";

std::shared_ptr<const net::TlsContext> context_of(const tls_test::Certificate& certificate) {
  auto context =
      net::TlsContext::from_pem({certificate.chain, "cert.pem"}, {certificate.key, "key.pem"});
  REQUIRE(context);
  return *context;
}
const std::shared_ptr<const net::TlsContext>& usual_context() {
  static const auto context = context_of(tls_test::make_certificate("pool.test"));
  return context;
}

pool::ShardLoop::Endpoint port_with(TlsMode tls, const char* proxy_from = nullptr) {
  pool::ShardLoop::Endpoint where{"127.0.0.1", 0};
  where.tls = tls;
  if (proxy_from != nullptr) where.proxy_from = {*pool::AddressRange::parse(proxy_from)};
  return where;
}

// A miner behind TLS.
class TlsMiner {
 public:
  explicit TlsMiner(Client& socket, int version = TLS1_3_VERSION) : tls(version), socket_(socket) {}

  // False when the pool ends the connection before the handshake is complete.
  bool shake_hands(std::size_t piece = 1 << 20) {
    while (!tls.is_established()) {
      say_bytes(tls.take(), piece);
      if (tls.is_established()) break;
      const std::string more = socket_.bytes();
      if (more.empty()) return false;
      tls.hear(more);
    }
    say_bytes(tls.take(), piece);
    return true;
  }
  void say(std::string_view text, std::size_t piece = 1 << 20) {
    tls.write(text);
    say_bytes(tls.take(), piece);
  }
  std::string line() {
    while (tls.heard.find('\n') == std::string::npos) {
      const std::string more = socket_.bytes();
      if (more.empty()) return {};
      tls.hear(more);
    }
    const std::size_t end = tls.heard.find('\n');
    const std::string text = tls.heard.substr(0, end);
    tls.heard.erase(0, end + 1);
    return text;
  }

  tls_test::Client tls;

 private:
  void say_bytes(std::string_view bytes, std::size_t piece) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
      socket_.say(bytes.substr(0, piece));
    }
  }
  Client& socket_;
};

bool is_pong(const std::string& line) { return line.find("pong") != std::string::npos; }
bool is_subscribed(const std::string& line) {
  return line.find("mining.notify") != std::string::npos;
}

// Closed without a word.
bool is_turned_away(Client& client) { return client.everything().empty(); }

std::string v2_proxy(const char* hex_rest) {
  return std::string(
      base::as_text(*base::from_hex(std::string("0d0a0d0a000d0a515549540a") + hex_rest)));
}

}  // namespace

// ---------------------------------------------------------------- what it speaks

TEST_CASE("Stratum may begin with blanks, and in pieces") {
  Pool pool;
  for (const std::string before : {"", "\r\n", "\n\n \t\r\n"}) {
    CAPTURE(before);
    Client miner(pool.port());
    for (const char byte : before + ping) miner.say(std::string_view(&byte, 1));
    CHECK(is_pong(miner.line()));
  }
}

TEST_CASE("a web browser gets a short answer and is gone, in pieces and inside TLS too") {
  Pool pool(test_options(), port_with(TlsMode::automatic), usual_context());
  const std::string requests[] = {"GET / HTTP/1.1\r\nHost: pool\r\n\r\n",
                                  "POST /api HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
                                  "HEAD / HTTP/1.0\r\n\r\n", "OPTIONS * HTTP/1.1\r\n\r\n"};
  for (const std::string& request : requests) {
    CAPTURE(request);
    Client whole(pool.port());
    whole.say(request);
    const std::string answer = whole.everything();
    CHECK_EQ(answer.substr(0, answer.find("\r\n")), "HTTP/1.1 400 Bad Request");
    CHECK(answer.find("Connection: close\r\n") != std::string::npos);
    const std::size_t body = answer.find("\r\n\r\n") + 4;
    CHECK(answer.find("Content-Length: " + std::to_string(answer.size() - body)) !=
          std::string::npos);
    Client slow(pool.port());
    for (const char byte : request.substr(0, 8)) slow.say(std::string_view(&byte, 1));
    CHECK_EQ(slow.everything(), answer);
  }
  Client socket(pool.port());
  TlsMiner browser(socket);
  REQUIRE(browser.shake_hands());
  browser.say(requests[0]);
  CHECK_EQ(browser.line(), "HTTP/1.1 400 Bad Request\r");
}

TEST_CASE("other protocols are closed without a word") {
  Pool pool;
  const std::string rows[] = {"x",
                              "[]\n",
                              "\"text\"\n",
                              "hello\n",
                              std::string("\0", 1),
                              std::string("\x16\x03\x01\x00\x05", 5),  // no certificate here
                              "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + std::string(ping),
                              v2_proxy("2111000c"
                                       "c0000201"
                                       "c6336407"
                                       "dc04"
                                       "0d05") +
                                  ping,
                              "GEX / HTTP/1.1\r\n",
                              "SSH-2.0-OpenSSH_9.2\r\n"};
  for (const std::string& bytes : rows) {
    CAPTURE(bytes);
    Client stranger(pool.port());
    stranger.say(bytes);
    CHECK(is_turned_away(stranger));
  }
  Client miner(pool.port());
  miner.say(ping);
  CHECK(is_pong(miner.line()));
}

// ---------------------------------------------------------------- TLS

TEST_CASE("TLS and plain miners share a port") {
  Pool pool(test_options(), port_with(TlsMode::automatic), usual_context());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const std::size_t piece : {1, 7, 1 << 20}) {
      CAPTURE(version);
      CAPTURE(piece);
      Client socket(pool.port());
      TlsMiner miner(socket, version);
      REQUIRE(miner.shake_hands(piece));
      CHECK_EQ(miner.tls.peer_name(), "pool.test");
      miner.say(std::string(subscribe) + ping, piece);
      CHECK(is_subscribed(miner.line()));
      CHECK(is_pong(miner.line()));
    }
  }
  Client plain(pool.port());
  plain.say(ping);
  CHECK(is_pong(plain.line()));
}

TEST_CASE("a miner behind TLS mines: jobs are long lines, and order is kept") {
  Pool pool(test_options(), port_with(TlsMode::automatic), usual_context());
  Client socket(pool.port());
  TlsMiner miner(socket);
  REQUIRE(miner.shake_hands());
  miner.say(std::string(subscribe) + R"({"id":2,"method":"mining.authorize","params":[")" +
            address + "\",\"x\"]}\n" + ping);
  CHECK(is_subscribed(miner.line()));
  CHECK_EQ(miner.line(), R"({"id":2,"result":true,"error":null})");
  CHECK(miner.line().find("mining.set_difficulty") != std::string::npos);
  CHECK(miner.line().find("\"mining.notify\"") != std::string::npos);
  CHECK(is_pong(miner.line()));
  pool.job(6, 2, true);
  CHECK(miner.line().find("\"mining.notify\"") != std::string::npos);
  pool.stop();
  CHECK(miner.line().find("client.reconnect") != std::string::npos);
  CHECK_EQ(miner.line(), "");
  CHECK(miner.tls.peer_has_closed());  // an orderly end, not a cut
}

TEST_CASE("who tries TLS where there is none may come back in plain text, however often") {
  const std::string from = "PROXY TCP4 192.0.2.1 192.0.2.9 1000 3333\r\n";
  Pool pool(test_options(), port_with(TlsMode::automatic, "127.0.0.1"));  // without a certificate
  for (int i = 0; i < 30; ++i) {  // bfgminer does so each time it connects
    Client hello(pool.port());
    hello.say(from + std::string("\x16\x03\x01\x00\x05", 5));
    CHECK(is_turned_away(hello));
  }
  Client miner(pool.port());
  miner.say(from + ping);
  CHECK(is_pong(miner.line()));
  CHECK_EQ(pool.bans_, 0);
}

TEST_CASE("a port may insist on TLS, or have none") {
  Pool only(test_options(), port_with(TlsMode::only), usual_context());
  Client plain(only.port());
  plain.say(ping);
  CHECK_EQ(plain.everything().find("pong"), std::string::npos);
  Client socket(only.port());
  TlsMiner miner(socket);
  REQUIRE(miner.shake_hands());
  miner.say(ping);
  CHECK(is_pong(miner.line()));

  Pool off(test_options(), port_with(TlsMode::off), usual_context());
  Client refused(off.port());
  TlsMiner nobody(refused);
  CHECK_FALSE(nobody.shake_hands());
}

TEST_CASE("a new certificate is for new connections, and nobody is dropped for it") {
  Pool pool(test_options(), port_with(TlsMode::automatic), usual_context());
  Client first_socket(pool.port());
  TlsMiner first(first_socket);
  REQUIRE(first.shake_hands());
  first.say(ping);
  REQUIRE(is_pong(first.line()));
  pool.tell(pool::TlsReload{context_of(tls_test::make_certificate("new.test"))});
  // The message is on its way; connections come until one sees it.
  std::string name;
  for (int i = 0; i < 1000 && name != "new.test"; ++i) {
    Client socket(pool.port());
    TlsMiner next(socket);
    REQUIRE(next.shake_hands());
    name = next.tls.peer_name();
  }
  CHECK_EQ(name, "new.test");
  first.say(ping);
  CHECK(is_pong(first.line()));
}

TEST_CASE("a storm of handshakes is worked off, none dropped, while a miner is answered") {
  const auto rsa = context_of(tls_test::make_certificate("pool.test", tls_test::KeyKind::rsa2048));
  Pool pool(test_options(), port_with(TlsMode::automatic), rsa);
  Client plain(pool.port());
  plain.say(ping);
  REQUIRE(is_pong(plain.line()));
  constexpr int count = 150;
  std::vector<std::unique_ptr<Client>> sockets;
  std::vector<std::unique_ptr<TlsMiner>> miners;
  for (int i = 0; i < count; ++i) {
    sockets.push_back(std::make_unique<Client>(pool.port()));
    miners.push_back(std::make_unique<TlsMiner>(*sockets.back()));
  }
  std::vector<std::string> hellos;
  for (auto& miner : miners) hellos.push_back(miner->tls.take());
  for (int i = 0; i < count; ++i)
    sockets[static_cast<std::size_t>(i)]->say(hellos[static_cast<std::size_t>(i)]);
  const auto before = std::chrono::steady_clock::now();
  plain.say(ping);
  CHECK(is_pong(plain.line()));
  const std::chrono::duration<double, std::milli> waited =
      std::chrono::steady_clock::now() - before;
  MESSAGE("a ping behind ", count, " TLS handshakes (RSA): ", waited.count(), " ms");
  CHECK_LT(waited.count(), 2000);
  for (auto& miner : miners) {
    REQUIRE(miner->shake_hands());
    miner->say(ping);
    CHECK(is_pong(miner->line()));
  }
}

// ---------------------------------------------------------------- PROXY

TEST_CASE("a trusted proxy must say whom it speaks for, in either version, before TLS too") {
  Pool pool(test_options(), port_with(TlsMode::automatic, "127.0.0.0/8"), usual_context());
  const std::string headers[] = {
      "PROXY TCP4 192.0.2.1 192.0.2.9 56324 3333\r\n",
      "PROXY TCP6 2001:db8::1 2001:db8::2 56324 3333\r\n",
      "PROXY UNKNOWN\r\n",
      v2_proxy("2111000c"
               "c0000201"
               "c6336407"
               "dc04"
               "0d05"),
      v2_proxy("20000000"),
  };
  for (const std::string& header : headers) {
    CAPTURE(header);
    Client whole(pool.port());
    whole.say(header + ping);
    CHECK(is_pong(whole.line()));
    Client slow(pool.port());
    for (const char byte : header + ping) slow.say(std::string_view(&byte, 1));
    CHECK(is_pong(slow.line()));
    Client socket(pool.port());
    socket.say(header);
    TlsMiner encrypted(socket);
    REQUIRE(encrypted.shake_hands());
    encrypted.say(ping);
    CHECK(is_pong(encrypted.line()));
  }
  for (const std::string& bytes :
       {std::string(ping), std::string("PROXY TCP9 x\r\n") + ping,
        std::string("GET / HTTP/1.1\r\n\r\n"), std::string("\r\n{}\n")}) {
    CAPTURE(bytes);
    Client without(pool.port());
    without.say(bytes);
    CHECK(is_turned_away(without));
  }
}

TEST_CASE("limits and bans are the proxied address's, never the proxy's") {
  auto options = test_options();
  options.address_limits.connections_per_address = 2;
  Pool pool(options, port_with(TlsMode::off, "127.0.0.1"));
  const auto from = [](int last) {
    return "PROXY TCP4 192.0.2." + std::to_string(last) + " 192.0.2.99 1000 3333\r\n";
  };
  Client first(pool.port());
  first.say(from(1) + ping);
  REQUIRE(is_pong(first.line()));
  Client second(pool.port());
  second.say(from(1) + ping);
  REQUIRE(is_pong(second.line()));
  Client third(pool.port());
  third.say(from(1) + ping);
  CHECK(is_turned_away(third));
  Client neighbour(pool.port());
  neighbour.say(from(2) + ping);
  CHECK(is_pong(neighbour.line()));

  for (int i = 0; i < 11; ++i) {  // weighs a ban
    Client garbage(pool.port());
    garbage.say(from(3) + "\x01\x02\x03");
    CHECK(is_turned_away(garbage));
  }
  Client banned(pool.port());
  banned.say(from(3) + ping);
  CHECK(is_turned_away(banned));
  CHECK_EQ(pool.bans_, 1);
  // The proxy itself speaks on: its health checks, and others' connections through it.
  for (int i = 0; i < 30; ++i) {
    Client check(pool.port());
    check.say(v2_proxy("20000000") + "\x01");
    CHECK(is_turned_away(check));
  }
  Client good(pool.port());
  good.say(from(4) + ping);
  CHECK(is_pong(good.line()));
  CHECK_EQ(pool.bans_, 1);
}

// ---------------------------------------------------------------- addresses

TEST_CASE("one port serves IPv6 and IPv4") {
  pool::ShardLoop::Endpoint where{"::", 0};
  if (!pool::ShardLoop::probe(where).empty()) return;  // a machine without IPv6
  Pool pool(test_options(), where);
  for (const bool v6 : {true, false}) {
    CAPTURE(v6);
    Client miner(pool.port(), v6);
    miner.say(ping);
    CHECK(is_pong(miner.line()));
  }
}

// ---------------------------------------------------------------- a connection by itself

namespace {

// Connections on the test's own loop, and what they told.
struct Bench {
  explicit Bench(TlsMode tls = TlsMode::automatic, const char* proxy_from = nullptr) {
    port.tls = tls;
    if (proxy_from != nullptr) port.proxy_from = {*pool::AddressRange::parse(proxy_from)};
    environment.tls = usual_context();
    environment.handshakes = pool::HandshakeBudget(1h);  // so that none waits by chance
    environment.on_peer = [this](pool::ConnectionId, const pool::Peer& who) {
      peers.push_back(who);
      return true;
    };
    environment.on_stratum = [this](pool::ConnectionId id, base::ByteSpan bytes) {
      heard[id] += base::as_text(bytes);
    };
    environment.on_turn_away = [this](pool::ConnectionId, TurnAway why, std::string_view) {
      turned_away.push_back(why);
    };
    environment.on_handshake_waits = [this](pool::ConnectionId id) { waiting.push_back(id); };
    environment.on_outbox = [](pool::ConnectionId) {};
    environment.on_closed = [this](pool::ConnectionId id) { closed.push_back(id); };
    auto made = uv::TcpListener::listen(
        loop, {.host = "127.0.0.1"}, {}, [this](std::unique_ptr<uv::TcpStream> stream) {
          const pool::ConnectionId id{connections.size() + 1};
          connections.push_back(
              std::make_unique<Connection>(id, environment, port, std::move(stream)));
          connections.back()->start(now);
        });
    REQUIRE(made);
    listener = std::move(*made);
  }
  Connection& accept(std::unique_ptr<Client>& client) {
    const std::size_t before = connections.size();
    client = std::make_unique<Client>(listener->bound_port());
    REQUIRE(run_until(loop, [&] { return connections.size() > before; }));
    return *connections.back();
  }
  // TLS with a blocking client, turn by turn.
  void shake_hands(TlsMiner& miner, Client& socket) {
    socket.say(miner.tls.take());
    while (!miner.tls.is_established()) {
      miner.tls.hear(await_bytes(socket));
      socket.say(miner.tls.take());
    }
  }
  // What the connection sends to this blocking client, with the loop running meanwhile.
  std::string await_bytes(Client& socket) {
    REQUIRE(run_until(loop, [&] { return socket.is_readable(); }));
    return socket.bytes();
  }

  uv::Loop loop;
  pool::StratumPort port;
  pool::ConnectionEnvironment environment;
  base::MonoTime now = base::MonoTime{} + 1h;
  std::vector<pool::Peer> peers;
  std::map<pool::ConnectionId, std::string> heard;
  std::vector<TurnAway> turned_away;
  std::vector<pool::ConnectionId> waiting;
  std::vector<pool::ConnectionId> closed;
  std::vector<std::unique_ptr<Connection>> connections;
  std::unique_ptr<uv::TcpListener> listener;
};

}  // namespace

TEST_CASE("a proxy that does not get to the end of its header has ten seconds") {
  Bench bench(TlsMode::automatic, "127.0.0.1");
  std::unique_ptr<Client> client;
  Connection& connection = bench.accept(client);
  client->say("PROXY TCP4 192.");
  connection.on_tick(bench.now + 9'999ms);
  CHECK(bench.turned_away.empty());
  connection.on_tick(bench.now + 10s);
  REQUIRE_EQ(bench.turned_away.size(), 1);
  CHECK(bench.turned_away[0] == TurnAway::too_slow);
  CHECK(bench.peers.empty());
}

TEST_CASE("a TLS handshake has ten seconds, silence before it the session's time") {
  Bench bench;
  std::unique_ptr<Client> client;
  Connection& connection = bench.accept(client);
  connection.on_tick(uv::read_clock().mono + 1h);
  CHECK(bench.turned_away.empty());
  client->say("\x16\x03");
  REQUIRE(run_until(bench.loop, [&] { return connection.is_encrypted(); }));
  connection.on_tick(uv::read_clock().mono + 9s);
  CHECK(bench.turned_away.empty());
  connection.on_tick(uv::read_clock().mono + 11s);
  REQUIRE_EQ(bench.turned_away.size(), 1);
  CHECK(bench.turned_away[0] == TurnAway::too_slow);
}

TEST_CASE("the proxied address is the peer; of LOCAL it is the proxy, without limits") {
  Bench bench(TlsMode::off, "127.0.0.1");
  struct Row {
    std::string header;
    const char* address;
    bool limited;
  };
  const Row rows[] = {
      {"PROXY TCP4 192.0.2.1 192.0.2.9 56324 3333\r\n", "192.0.2.1", true},
      {"PROXY TCP6 2001:db8::1 ::1 1 3333\r\n", "2001:db8::1", true},
      {"PROXY TCP4 127.0.0.1 127.0.0.1 56324 3333\r\n", "127.0.0.1", false},
      {v2_proxy("20000000"), "127.0.0.1", false},
      {"PROXY UNKNOWN\r\n", "127.0.0.1", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.header);
    std::unique_ptr<Client> client;
    bench.accept(client);
    bench.peers.clear();
    client->say(row.header);
    REQUIRE(run_until(bench.loop, [&] { return !bench.peers.empty(); }));
    CHECK_EQ(bench.peers[0].address, row.address);
    CHECK_EQ(bench.peers[0].limited, row.limited);
    CHECK(bench.peers[0].prefix == *pool::AddressPrefix::parse(row.address));
  }
}

TEST_CASE("a handshake waits while the turn has no time, unread and unharmed") {
  Bench bench;
  std::unique_ptr<Client> client;
  Connection& connection = bench.accept(client);
  TlsMiner miner(*client);
  bench.environment.handshakes.spend(1h);
  client->say(miner.tls.take());
  REQUIRE(run_until(bench.loop, [&] { return !bench.waiting.empty(); }));
  connection.on_tick(uv::read_clock().mono + 1h);  // waiting is not its fault
  CHECK(bench.turned_away.empty());
  CHECK_FALSE(connection.continue_handshake());
  bench.environment.handshakes.new_turn();
  CHECK(connection.continue_handshake());
  miner.tls.hear(bench.await_bytes(*client));
  CHECK(miner.tls.is_established());
  bench.environment.handshakes.new_turn();
  miner.say(ping);
  REQUIRE(run_until(bench.loop, [&] { return bench.heard[pool::ConnectionId{1}] == ping; }));
}

TEST_CASE("a paused connection is not read from, nor is any while the shard says so") {
  Bench bench;
  std::unique_ptr<Client> client;
  Connection& connection = bench.accept(client);
  std::string& heard = bench.heard[pool::ConnectionId{1}];
  client->say("{1");
  REQUIRE(run_until(bench.loop, [&] { return heard == "{1"; }));
  connection.set_paused(true);
  client->say("2");
  loop_test::run_turns(bench.loop, 10);
  CHECK_EQ(heard, "{1");
  bench.environment.reading = false;
  connection.set_paused(false);
  loop_test::run_turns(bench.loop, 10);
  CHECK_EQ(heard, "{1");
  bench.environment.reading = true;
  connection.update_reading();
  REQUIRE(run_until(bench.loop, [&] { return heard == "{12"; }));
}

TEST_CASE("a connection moves to another loop, encrypted or not, with what it has not sent") {
  for (const bool encrypted : {false, true}) {
    CAPTURE(encrypted);
    Bench from;
    std::unique_ptr<Client> client;
    Connection& connection = from.accept(client);
    TlsMiner miner(*client);
    if (encrypted) from.shake_hands(miner, *client);
    const auto say = [&](std::string_view text) {
      encrypted ? miner.say(text) : void(client->say(text));
    };
    const auto line = [&] { return encrypted ? miner.line() : client->line(); };
    CHECK_FALSE(connection.can_move());
    say("{before");
    REQUIRE(run_until(from.loop, [&] { return from.heard[pool::ConnectionId{1}] == "{before"; }));
    REQUIRE(connection.can_move());
    connection.send("short, still in the outbox\n");
    auto moved = connection.detach();
    REQUIRE(moved);
    CHECK_FALSE(connection.can_move());
    say("between");
    std::string heard_there;
    std::thread elsewhere([&, held = std::move(*moved)]() mutable {
      Bench to;
      auto stream = uv::TcpStream::adopt(to.loop, std::move(held.tcp), {});
      if (!stream) return;
      const pool::ConnectionId id{77};
      Connection adopted(id, to.environment, to.port, std::move(*stream), std::move(held.tls));
      adopted.start(to.now);
      adopted.send("from there\n");
      adopted.flush();
      CHECK(run_until(to.loop, [&] { return to.heard[id].find("bye") != std::string::npos; }));
      heard_there = to.heard[id];
      adopted.finish();
      loop_test::run_turns(to.loop, 5);
    });
    CHECK_EQ(line(), "short, still in the outbox");
    CHECK_EQ(line(), "from there");
    say("bye");
    elsewhere.join();
    CHECK_EQ(heard_there, "betweenbye");
    CHECK_EQ(line(), "");
    CHECK(from.closed.empty());
  }
}

TEST_CASE("a connection that can't be met is closed") {
  Bench bench;
  bench.environment.on_peer = [](pool::ConnectionId, const pool::Peer&) { return false; };
  std::unique_ptr<Client> client;
  bench.accept(client);
  REQUIRE(run_until(bench.loop, [&] { return bench.closed.size() == 1; }));
  REQUIRE_EQ(bench.turned_away.size(), 1);
  CHECK(bench.turned_away[0] == TurnAway::refused);
  CHECK(is_turned_away(*client));
}

TEST_CASE("a client that does not like the certificate is told apart from an attacker") {
  Bench bench;
  std::unique_ptr<Client> client;
  bench.accept(client);
  TlsMiner miner(*client);
  miner.tls.trust_nobody();
  client->say(miner.tls.take());
  miner.tls.hear(bench.await_bytes(*client));
  client->say(miner.tls.take());
  REQUIRE(run_until(bench.loop, [&] { return !bench.turned_away.empty(); }));
  CHECK(bench.turned_away[0] == TurnAway::tls_refused);
  std::unique_ptr<Client> garbage;
  bench.accept(garbage);
  garbage->say("\x16garbage that is no record at all");
  REQUIRE(run_until(bench.loop, [&] { return bench.turned_away.size() == 2; }));
  CHECK(bench.turned_away[1] == TurnAway::tls_failed);
}
