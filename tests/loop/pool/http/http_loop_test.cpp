// HttpLoop over real sockets: what it answers, and that no client can hold it up or fill it.
#include "pool/http/http_loop.h"

#include "pool/http/assets.h"
#include "tests/loop/pool/http/client.h"
#include "tests/loop/pool/http/running.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

using namespace pool;
using namespace std::chrono_literals;

namespace {

NodeStatus node_at(std::uint32_t height) {
  NodeStatus node;
  node.connected = true;
  node.height = height;
  node.version = "/Satoshi:27.0.0/";
  return node;
}

}  // namespace

TEST_CASE("every path answers over a socket") {
  Running running;
  std::vector<std::string> paths{"/", "/blocks", "/coherence", "/healthz", "/api/v1/pool"};
  for (const WebAsset& asset : web_assets()) paths.emplace_back(asset.path);
  for (const std::string& path : paths) {
    CAPTURE(path);
    const std::string got = running.get(path);
    CHECK(starts_with(got, "HTTP/1.1 200 OK\r\n"));
    CHECK_NE(got.find("\r\n\r\n"), std::string::npos);
    const std::string head = running.get(path, "HEAD");
    CHECK(starts_with(head, "HTTP/1.1 200 OK\r\n"));
    CHECK_EQ(head.substr(head.size() - 4), "\r\n\r\n");  // no body
  }
  CHECK(starts_with(running.get("/readyz"), "HTTP/1.1 503 "));
  CHECK(starts_with(running.get("/api/v1/blocks"), "HTTP/1.1 503 "));
  CHECK(starts_with(running.get("/nothing"), "HTTP/1.1 404 "));
  CHECK(starts_with(running.get("/", "POST"), "HTTP/1.1 405 "));
}

TEST_CASE("reports of the other threads show in the answers") {
  Running running;
  ShardStats shard;
  shard.shares_accepted = 1'234;
  shard.workers = 1;
  running.post(shard);
  running.post(node_at(77));
  running.post(JournalStatus{});
  CHECK(running.wait_for("/api/v1/pool", "\"accepted\":1234"));
  CHECK(running.wait_for("/api/v1/pool", "\"state\":\"mining\""));
  CHECK(running.wait_for("/api/v1/pool", "\"height\":77"));
  CHECK(running.wait_for("/", "data-v=\"height\" data-as=\"count\">77</a>"));
  CHECK(starts_with(running.get("/readyz"), "HTTP/1.1 200 "));
}

TEST_CASE("who watches hears of a tip when it comes") {
  Running running;
  running.post(node_at(77));
  CHECK(running.wait_for("/api/v1/pool", "\"height\":77"));
  Client watcher(running.port());
  REQUIRE(watcher.send("GET /api/v1/stream HTTP/1.1\r\nHost: x\r\n\r\n"));
  const std::string first = watcher.read_until(
      [](const std::string& text) { return text.find("event: pool\n") != text.npos; });
  CHECK(starts_with(first, "HTTP/1.1 200 OK\r\n"));
  CHECK_NE(first.find("event: tip\ndata: {\"height\":77,"), std::string::npos);
  running.post(node_at(78));
  const std::string tip = watcher.read_until(
      [](const std::string& text) { return text.find("{\"height\":78,") != text.npos; });
  CHECK_NE(tip.find("event: tip\ndata: {\"height\":78,"), std::string::npos);
  CHECK(starts_with(running.get("/api/v1/stream", "HEAD"), "HTTP/1.1 200 "));
}

TEST_CASE("the database is read through the query thread, and its absence is told") {
  std::atomic<std::uint64_t> totals{0};
  HttpLoop::Hooks hooks;
  hooks.query = [&](StatsQuery query) {
    if (query.what == StatsQuery::What::totals) totals = query.request;
    return true;
  };
  Running running({}, hooks);
  const auto until = std::chrono::steady_clock::now() + 5s;
  while (totals == 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(10ms);
  }
  REQUIRE_NE(totals.load(), 0);
  StoredStats stored;
  stored.connected = true;
  running.post(stored);
  running.post(QueryResult{9'999, true, R"({"blocks":{"accepted":666}})", false});  // nobody asked
  running.post(QueryResult{totals, true, R"({"blocks":{"accepted":1}})", false});
  CHECK(running.wait_for("/api/v1/pool", "\"blocks\":{\"accepted\":1}"));
}

TEST_CASE("a request waits for the query thread's answer, and others with it") {
  std::atomic<int> asked{0};
  std::atomic<std::uint64_t> request{0};
  HttpLoop::Hooks hooks;
  hooks.query = [&](StatsQuery query) {
    if (query.what != StatsQuery::What::block_list) return true;
    ++asked;
    request = query.request;
    return true;
  };
  Running running({}, hooks);
  NodeStatus node;
  node.nodes.push_back({.name = "10.1.2.3:8332"});
  running.post(node);
  const std::string get = "GET /api/v1/blocks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  Client first(running.port());
  Client second(running.port());
  CHECK(first.send(get));
  CHECK(second.send(get));
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (asked == 0 && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(5ms);
  REQUIRE_NE(request.load(), 0);
  CHECK(starts_with(running.get("/healthz"), "HTTP/1.1 200 "));  // meanwhile
  running.post(QueryResult{request, true,
                           R"({"blocks":[{"height":5,"submissions":[{"node":"10.1.2.3:8332",)"
                           R"("answer":"rejected","detail":"high-hash","time":"x"}]}]})",
                           false});
  for (Client* client : {&first, &second}) {
    const std::string got = client->read_to_end();
    CHECK(starts_with(got, "HTTP/1.1 200 "));
    CHECK_NE(got.find(R"("node":"node 1","answer":"rejected","detail":"high-hash")"), got.npos);
    CHECK_EQ(got.find("10.1.2.3"), got.npos);
  }
  CHECK_EQ(asked.load(), 1);
}

TEST_CASE("a database that is away is told without its words") {
  std::atomic<std::uint64_t> request{0};
  HttpLoop::Hooks hooks;
  hooks.query = [&](StatsQuery query) {
    if (query.what == StatsQuery::What::payouts) request = query.request;
    return true;
  };
  Running running({}, hooks);
  Client client(running.port());
  CHECK(client.send("GET /api/v1/payouts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (request == 0 && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(5ms);
  running.post(QueryResult{request, false, "connection to server at \"10.1.2.3\" failed", false});
  const std::string got = client.read_to_end();
  CHECK(starts_with(got, "HTTP/1.1 503 "));
  CHECK_NE(got.find("\"database_away\""), got.npos);
  CHECK_EQ(got.find("10.1.2.3"), got.npos);
}

TEST_CASE("the database is left alone while nobody looks; probes are nobody") {
  std::atomic<int> asked{0};
  HttpLoop* loop = nullptr;
  std::atomic<bool> ready{false};
  HttpLoop::Hooks hooks;
  hooks.query = [&](StatsQuery query) {
    while (!ready) std::this_thread::yield();
    ++asked;
    const bool blocks = query.what == StatsQuery::What::blocks;
    return loop->mailbox().post(
        QueryResult{query.request, true, blocks ? "[]" : "{\"blocks\":{}}", false});
  };
  Running running({}, hooks);
  loop = &running.loop();
  ready = true;
  const auto wait_for_queries = [&](int least) {
    const auto until = std::chrono::steady_clock::now() + 6s;
    while (asked < least && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(20ms);
    }
    return asked.load();
  };
  CHECK_EQ(wait_for_queries(4), 4);  // at the start, so that the first viewer sees something
  running.get("/readyz");
  running.get("/healthz");
  std::this_thread::sleep_for(3500ms);  // longer than the period for viewers
  CHECK_EQ(asked.load(), 4);
  running.get("/api/v1/pool");
  CHECK_GE(wait_for_queries(7), 7);  // all but the luck of a hundred rounds, which has time
}

TEST_CASE("requests on one connection are answered in order, whole or in pieces") {
  Running running;
  const std::string three =
      "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
      "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{10},
                                  std::size_t{100}, three.size()}) {
    CAPTURE(piece);
    Client client(running.port());
    for (std::size_t at = 0; at < three.size(); at += piece) {
      REQUIRE(client.send(std::string_view(three).substr(at, piece)));
    }
    const std::string got = client.read_to_end();
    CHECK(client.ended());
    const std::size_t first = got.find("HTTP/1.1 200 OK");
    const std::size_t second = got.find("HTTP/1.1 200 OK", first + 1);
    const std::size_t third = got.find("HTTP/1.1 404 ");
    CHECK_EQ(first, 0);
    CHECK_LT(second, third);
    CHECK_NE(third, std::string::npos);
    CHECK_EQ(got.find("HTTP/1.1", third + 1), std::string::npos);
  }
}

TEST_CASE("garbage and oversized requests get their status, and the connection ends") {
  Running running;
  struct Row {
    const char* why;
    std::string bytes;
    const char* answer;
  };
  const Row rows[] = {
      {"a Stratum client at the wrong door", "{\"id\":1,\"method\":\"mining.subscribe\"}\n",
       "HTTP/1.1 400 "},
      {"a TLS hello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
       "HTTP/1.1 400 "},
      {"zero bytes", std::string(100, '\0'), "HTTP/1.1 400 "},
      {"a header without an end", "GET / HTTP/1.1\r\nX: " + std::string(40'000, 'x'),
       "HTTP/1.1 431 "},
      {"many headers",
       [] {
         std::string text = "GET / HTTP/1.1\r\n";
         for (int i = 0; i < 4'000; ++i) text += "a" + std::to_string(i) + ": b\r\n";
         return text;
       }(),
       "HTTP/1.1 431 "},
      {"a path without an end", "GET /" + std::string(40'000, 'p'), "HTTP/1.1 431 "},
      {"a body too large",
       "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n" + std::string(20'000, 'b'),
       "HTTP/1.1 413 "},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    Client client(running.port());
    client.send(row.bytes);
    const std::string got = client.read_to_end();
    CHECK(client.ended());
    CAPTURE(got.substr(0, 100));
    CHECK(starts_with(got, row.answer));
  }
  CHECK(starts_with(running.get("/healthz"), "HTTP/1.1 200 "));
}

TEST_CASE("answers before a broken request are still given") {
  Running running;
  Client client(running.port());
  REQUIRE(client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n\x01\x02 garbage\r\n\r\n"));
  const std::string got = client.read_to_end();
  CHECK(starts_with(got, "HTTP/1.1 200 OK"));
  CHECK_NE(got.find("HTTP/1.1 400 "), std::string::npos);
}

TEST_CASE("many small requests in one piece are all answered") {
  Running running;
  Client client(running.port());
  constexpr int requests = 300;
  std::string all;
  for (int i = 0; i < requests; ++i) all += "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
  REQUIRE(client.send(all + "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  const std::string got = client.read_to_end();
  CHECK(client.ended());
  CHECK_EQ(count(got, "HTTP/1.1 200 OK"), requests);
  CHECK_EQ(count(got, "HTTP/1.1 404 "), 1);
}

TEST_CASE("a client that asks without reading is held back, answered so far, and closed") {
  Running running;
  Client client(running.port());
  constexpr int requests = 2'000;
  const std::string style(web_assets().front().path);
  std::thread asking([&] {
    for (int i = 0; i < requests; ++i) {
      if (!client.send("GET " + style + " HTTP/1.1\r\nHost: x\r\n\r\n")) return;
    }
  });
  std::this_thread::sleep_for(100ms);  // lets the answers fill what the kernel takes
  CHECK(starts_with(running.get("/healthz"), "HTTP/1.1 200 "));  // others are served meanwhile
  const std::string got = client.read_to_end();
  CHECK(client.ended());
  asking.join();
  const int answers = count(got, "HTTP/1.1 200 OK");
  CHECK_GE(answers, static_cast<int>(limits::http_requests_waiting_max));
  CHECK_LT(answers, requests);  // the rest was never kept
  CHECK(starts_with(running.get("/healthz"), "HTTP/1.1 200 "));
}

TEST_CASE("a shutdown ends the loop, whatever its clients do") {
  Running running;
  Client idle(running.port());
  Client half(running.port());
  REQUIRE(idle.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"));
  idle.read_response();
  REQUIRE(half.send("GET / HT"));
  const auto started = std::chrono::steady_clock::now();
  running.stop();
  CHECK_LT(std::chrono::steady_clock::now() - started, 5s);
}
