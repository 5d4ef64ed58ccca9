#include "common/rpc/rpc_client.h"

#include "common/net/http.h"
#include "common/uv/tcp.h"
#include "tests/loop/loop_test.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using loop_test::run_until;
using rpc::RpcClient;
using rpc::RpcError;
using Kind = RpcError::Kind;

namespace {

// A node that does what the test tells it, one step per request; then it answers with "ok".
class FakeNode {
 public:
  struct Connection {
    std::unique_ptr<uv::TcpStream> stream;
    net::HttpRequestParser parser{net::HttpLimits{.body_bytes_max = 64 * 1024 * 1024}};
  };
  using Step = std::function<void(Connection&, const net::HttpRequest&)>;

  explicit FakeNode(uv::Loop& loop) {
    auto made = uv::TcpListener::listen(
        loop, {.host = "127.0.0.1"}, {.write_queue_bytes_max = 64 * 1024 * 1024},
        [this](std::unique_ptr<uv::TcpStream> stream) { on_accept(std::move(stream)); });
    REQUIRE(made);
    listener_ = std::move(*made);
  }

  rpc::RpcEndpoint endpoint() const {
    rpc::RpcEndpoint where;
    where.host = "127.0.0.1";
    where.port = listener_->bound_port();
    where.user = "user";
    where.password = "pass";
    return where;
  }
  Connection& newest() { return *connections.back(); }

  std::deque<Step> steps;
  std::vector<net::HttpRequest> requests;
  std::vector<std::unique_ptr<Connection>> connections;

 private:
  void on_accept(std::unique_ptr<uv::TcpStream> stream) {
    connections.push_back(std::make_unique<Connection>());
    Connection& made = *connections.back();
    made.stream = std::move(stream);
    made.stream->set_callbacks({.on_bytes =
                                    [this, &made](base::ByteSpan bytes) {
                                      CHECK(made.parser.push(bytes, [&](net::HttpRequest&& r) {
                                        on_request(made, std::move(r));
                                      }));
                                    },
                                .on_close = {},
                                .on_drain = {}});
    made.stream->start_reading();
  }
  void on_request(Connection& from, net::HttpRequest&& request);

  std::unique_ptr<uv::TcpListener> listener_;
};

std::string id_of(const net::HttpRequest& request) {
  const std::size_t at = request.body.find("\"id\":") + 5;
  return request.body.substr(at, request.body.find(',', at) - at);
}

void reply(FakeNode::Connection& to, int status, std::string body, bool keep_alive = true) {
  to.stream->write(net::write_response(
      {.status = status, .headers = {}, .body = std::move(body), .keep_alive = keep_alive}));
  if (!keep_alive) to.stream->close_after_flush(5s);
}

FakeNode::Step answer_with(int status, const std::string& body) {
  return [=](FakeNode::Connection& to, const net::HttpRequest&) { reply(to, status, body); };
}

FakeNode::Step result(const std::string& json) {
  return [=](FakeNode::Connection& to, const net::HttpRequest& request) {
    reply(to, 200, R"({"result":)" + json + R"(,"error":null,"id":)" + id_of(request) + "}\n");
  };
}

void say_nothing(FakeNode::Connection&, const net::HttpRequest&) {}
void hang_up(FakeNode::Connection& to, const net::HttpRequest&) { to.stream->close(); }

void FakeNode::on_request(Connection& from, net::HttpRequest&& request) {
  requests.push_back(std::move(request));
  Step step = result(R"("ok")");
  if (!steps.empty()) {
    step = std::move(steps.front());
    steps.pop_front();
  }
  step(from, requests.back());
}

// One call, its answer kept.
struct Asked {
  Asked(RpcClient& client, std::string_view method, std::chrono::milliseconds deadline = 10s,
        std::string params = "[]") {
    client.call(method, std::move(params), deadline,
                [this](RpcClient::Answer given) { answer = std::move(given); });
    CHECK_FALSE(answer);  // never from inside call()
  }
  Asked(const Asked&) = delete;

  std::optional<RpcClient::Answer> answer;
};

RpcClient::Answer wait_for(uv::Loop& loop, Asked& asked) {
  REQUIRE(run_until(loop, [&] { return asked.answer.has_value(); }));
  return *asked.answer;
}

RpcClient::Answer ask(uv::Loop& loop, RpcClient& client, std::string_view method,
                      std::chrono::milliseconds deadline = 10s) {
  Asked asked(client, method, deadline);
  return wait_for(loop, asked);
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

class TemporaryFile {
 public:
  TemporaryFile() {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("rpc_client_test." + std::to_string(getpid()) + "." + std::to_string(count++));
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  void write(std::string_view text) const { std::ofstream(path_) << text; }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("a call: what is sent, and the raw result") {
  uv::Loop loop;
  FakeNode node(loop);
  node.steps.push_back(result(R"({"chain":"regtest","n":[1, 2]})"));
  RpcClient client(loop, node.endpoint());
  Asked asked(client, "getblockhash", 10s, "[17]");
  const auto answer = wait_for(loop, asked);
  REQUIRE(answer);
  CHECK_EQ(*answer, R"({"chain":"regtest","n":[1, 2]})");
  REQUIRE_EQ(node.requests.size(), 1);
  const net::HttpRequest& request = node.requests[0];
  CHECK_EQ(request.method, "POST");
  CHECK_EQ(request.target, "/");
  CHECK_EQ(net::header_value(request.headers, "authorization"), "Basic dXNlcjpwYXNz");  // RFC 4648
  CHECK_EQ(request.body, R"({"jsonrpc":"1.0","id":1,"method":"getblockhash","params":[17]})");
}

TEST_CASE("calls go out one at a time, in order, on one connection") {
  uv::Loop loop;
  FakeNode node(loop);
  RpcClient client(loop, node.endpoint());
  std::string order;
  for (const char* method : {"a", "b", "c"}) {
    client.call(method, "[]", 10s, [&order, method](RpcClient::Answer answer) {
      REQUIRE(answer);
      order += method;
    });
  }
  REQUIRE(run_until(loop, [&] { return order.size() == 3; }));
  CHECK_EQ(order, "abc");
  CHECK_EQ(node.connections.size(), 1);
}

TEST_CASE("an answer may make the next call") {
  uv::Loop loop;
  FakeNode node(loop);
  RpcClient client(loop, node.endpoint());
  int answers = 0;
  std::function<void(RpcClient::Answer)> next = [&](RpcClient::Answer answer) {
    REQUIRE(answer);
    if (++answers < 5) client.call("again", "[]", 10s, next);
  };
  client.call("first", "[]", 10s, next);
  CHECK(run_until(loop, [&] { return answers == 5; }));
  CHECK_EQ(node.connections.size(), 1);
}

TEST_CASE("large answers and large requests pass whole") {
  uv::Loop loop;
  FakeNode node(loop);
  constexpr std::size_t large_bytes = 8'000'000;  // a full block, in hex
  const std::string large = '"' + std::string(large_bytes, 'f') + '"';
  node.steps.push_back(result(large));
  RpcClient client(loop, node.endpoint());
  Asked asked(client, "submitblock", 20s, "[" + large + "]");
  const auto answer = wait_for(loop, asked);
  REQUIRE(answer);
  CHECK(*answer == large);
  CHECK_GT(node.requests[0].body.size(), large.size());
}

TEST_CASE("an error object is a node_error with its code, whatever the HTTP status") {
  for (const int status : {200, 404, 500}) {
    CAPTURE(status);
    uv::Loop loop;
    FakeNode node(loop);
    node.steps.push_back(answer_with(
        status, R"({"result":null,"error":{"code":-28,"message":"Loading\nwallet"},"id":1})"));
    RpcClient client(loop, node.endpoint());
    const auto answer = ask(loop, client, "getblocktemplate");
    REQUIRE_FALSE(answer);
    CHECK_EQ(answer.error().kind, Kind::node_error);
    CHECK_EQ(answer.error().code, -28);
    CHECK_EQ(answer.error().message, "127.0.0.1:" + std::to_string(node.endpoint().port) +
                                         " getblocktemplate: error -28: Loading wallet");
    CHECK(ask(loop, client, "next"));
    CHECK_EQ(node.connections.size(), 1);
  }
}

TEST_CASE("an answer that is none is a bad_answer, and the next call works") {
  struct Row {
    std::string why;
    FakeNode::Step step;
  };
  const auto raw = [](const std::string& text) {
    return [text](FakeNode::Connection& to, const net::HttpRequest&) { to.stream->write(text); };
  };
  const Row rows[] = {
      {"not HTTP", raw("220 mail.example ESMTP\r\n")},
      {"not JSON", answer_with(200, "<html>")},
      {"JSON, but no answer", answer_with(200, "{}")},
      {"an empty body", answer_with(200, "")},
      {"another call's answer", answer_with(200, R"({"result":1,"error":null,"id":999})")},
      {"a page for people", answer_with(405, "JSONRPC server handles only POST requests")},
      {"a body beyond the limit", raw("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    uv::Loop loop;
    FakeNode node(loop);
    node.steps.push_back(row.step);
    RpcClient client(loop, node.endpoint());
    const auto answer = ask(loop, client, "getblocktemplate");
    REQUIRE_FALSE(answer);
    CHECK_EQ(answer.error().kind, Kind::bad_answer);
    CHECK(contains(answer.error().message, "getblocktemplate"));
    CHECK(ask(loop, client, "next"));
  }
}

TEST_CASE("the cookie is read again after a 401, once") {
  uv::Loop loop;
  FakeNode node(loop);
  TemporaryFile cookie;
  cookie.write("__cookie__:old");
  rpc::RpcEndpoint endpoint = node.endpoint();
  endpoint.user = "";
  endpoint.cookie_file = cookie.path();
  RpcClient client(loop, endpoint);

  node.steps.push_back([&](FakeNode::Connection& to, const net::HttpRequest&) {
    cookie.write("__cookie__:new\n");
    reply(to, 401, "", false);
  });
  const auto answer = ask(loop, client, "getblockcount");
  REQUIRE(answer);
  REQUIRE_EQ(node.requests.size(), 2);
  CHECK_EQ(net::header_value(node.requests[0].headers, "authorization"),
           "Basic X19jb29raWVfXzpvbGQ=");
  CHECK_EQ(net::header_value(node.requests[1].headers, "authorization"),
           "Basic X19jb29raWVfXzpuZXc=");

  node.steps.push_back(answer_with(401, ""));
  node.steps.push_back(answer_with(401, ""));
  const auto refused = ask(loop, client, "getblockcount");
  REQUIRE_FALSE(refused);
  CHECK_EQ(refused.error().kind, Kind::unauthorized);
  CHECK(contains(refused.error().message, "cookie"));
  CHECK_EQ(node.requests.size(), 4);
}

TEST_CASE("a cookie that can't be read, a wrong password, an address that is not allowed") {
  uv::Loop loop;
  FakeNode node(loop);
  rpc::RpcEndpoint endpoint = node.endpoint();
  endpoint.user = "";
  endpoint.cookie_file = "/nonexistent/.cookie";
  RpcClient without_cookie(loop, endpoint);
  const auto no_cookie = ask(loop, without_cookie, "getblockcount");
  REQUIRE_FALSE(no_cookie);
  CHECK_EQ(no_cookie.error().kind, Kind::cookie);
  CHECK(contains(no_cookie.error().message, "/nonexistent/.cookie"));

  RpcClient client(loop, node.endpoint());
  for (const int status : {401, 403}) {
    CAPTURE(status);
    node.steps.push_back(answer_with(status, ""));
    const auto refused = ask(loop, client, "getblockcount");
    REQUIRE_FALSE(refused);
    CHECK_EQ(refused.error().kind, Kind::unauthorized);
    CHECK(contains(refused.error().message, std::to_string(status)));
  }
}

TEST_CASE("no answer within the deadline is a timeout; a late answer is not taken for the next") {
  uv::Loop loop;
  FakeNode node(loop);
  node.steps.push_back(say_nothing);
  RpcClient client(loop, node.endpoint());
  const auto answer = ask(loop, client, "getblocktemplate", 30ms);
  REQUIRE_FALSE(answer);
  CHECK_EQ(answer.error().kind, Kind::timeout);
  CHECK(contains(answer.error().message, "30 ms"));
  node.newest().stream->write(
      "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"result\":\"too late\"");
  const auto next = ask(loop, client, "getblockcount");
  REQUIRE(next);
  CHECK_EQ(*next, R"("ok")");
}

TEST_CASE("a connection lost before an answer is made anew, once") {
  uv::Loop loop;
  FakeNode node(loop);
  RpcClient client(loop, node.endpoint());
  node.steps.push_back(hang_up);
  CHECK(ask(loop, client, "first"));
  CHECK_EQ(node.requests.size(), 2);

  node.steps.push_back(hang_up);
  node.steps.push_back(hang_up);
  const auto answer = ask(loop, client, "second");
  REQUIRE_FALSE(answer);
  CHECK_EQ(answer.error().kind, Kind::unreachable);
  CHECK_EQ(node.requests.size(), 4);
}

TEST_CASE("a connection lost in the middle of an answer is not retried") {
  uv::Loop loop;
  FakeNode node(loop);
  RpcClient client(loop, node.endpoint());
  node.steps.push_back([](FakeNode::Connection& to, const net::HttpRequest&) {
    to.stream->write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"result\":");
    to.stream->close_after_flush(5s);
  });
  const auto answer = ask(loop, client, "submitblock");
  REQUIRE_FALSE(answer);
  CHECK_EQ(answer.error().kind, Kind::unreachable);
  CHECK(contains(answer.error().message, "middle"));
  CHECK_EQ(node.requests.size(), 1);
}

TEST_CASE("an answer that runs to the end of the stream is an answer") {
  uv::Loop loop;
  FakeNode node(loop);
  RpcClient client(loop, node.endpoint());
  node.steps.push_back([](FakeNode::Connection& to, const net::HttpRequest&) {
    to.stream->write("HTTP/1.1 200 OK\r\n\r\n{\"result\":5,\"error\":null,\"id\":1}");
    to.stream->close_after_flush(5s);
  });
  const auto answer = ask(loop, client, "getblockcount");
  REQUIRE(answer);
  CHECK_EQ(*answer, "5");
}

TEST_CASE("a connection dropped between calls is made anew before the next") {
  uv::Loop loop;
  FakeNode node(loop);
  RpcClient client(loop, node.endpoint());
  CHECK(ask(loop, client, "first"));
  node.newest().stream->close();
  CHECK(run_until(loop, [&] { return node.connections.size() == 2; }));
  CHECK(ask(loop, client, "second"));
  CHECK_EQ(node.connections.size(), 2);
  CHECK_EQ(node.requests.size(), 2);
}

TEST_CASE("a node that drops unused connections at once is not pestered with new ones") {
  uv::Loop loop;
  FakeNode node(loop);
  RpcClient client(loop, node.endpoint());
  CHECK(ask(loop, client, "first"));
  node.newest().stream->close();
  REQUIRE(run_until(loop, [&] { return node.connections.size() == 2; }));
  node.newest().stream->close();  // the warm one, which has served nothing
  CHECK_FALSE(run_until(
      loop, [&] { return node.connections.size() > 2; }, 100ms));
}

TEST_CASE("Connection: close is obeyed") {
  uv::Loop loop;
  FakeNode node(loop);
  RpcClient client(loop, node.endpoint());
  node.steps.push_back([](FakeNode::Connection& to, const net::HttpRequest& request) {
    reply(to, 200, R"({"result":1,"error":null,"id":)" + id_of(request) + "}", false);
  });
  CHECK(ask(loop, client, "first"));
  CHECK(ask(loop, client, "second"));
  CHECK_EQ(node.requests.size(), 2);
}

TEST_CASE("a full work queue is asked again until the deadline") {
  uv::Loop loop;
  FakeNode node(loop);
  RpcClient client(loop, node.endpoint());
  for (int i = 0; i < 2; ++i) node.steps.push_back(answer_with(503, "Work queue depth exceeded"));
  CHECK(ask(loop, client, "submitblock"));
  CHECK_EQ(node.requests.size(), 3);

  for (int i = 0; i < 20; ++i) node.steps.push_back(answer_with(503, "Work queue depth exceeded"));
  const auto answer = ask(loop, client, "submitblock", 200ms);
  REQUIRE_FALSE(answer);
  CHECK_EQ(answer.error().kind, Kind::timeout);
  CHECK(contains(answer.error().message, "503 Work queue depth exceeded"));
}

TEST_CASE("nobody listening is unreachable, in one line that names the endpoint") {
  uv::Loop loop;
  rpc::RpcEndpoint endpoint;
  {
    FakeNode node(loop);
    endpoint = node.endpoint();
  }
  RpcClient client(loop, endpoint);
  const auto answer = ask(loop, client, "getblocktemplate");
  REQUIRE_FALSE(answer);
  CHECK_EQ(answer.error().kind, Kind::unreachable);
  CHECK_EQ(answer.error().message, "127.0.0.1:" + std::to_string(endpoint.port) +
                                       " getblocktemplate: connection refused (ECONNREFUSED)");
}

TEST_CASE("cancel_all answers every open call; calls work again after it") {
  uv::Loop loop;
  FakeNode node(loop);
  node.steps.push_back(say_nothing);
  RpcClient client(loop, node.endpoint());
  Asked first(client, "waits");
  Asked second(client, "queued");
  REQUIRE(run_until(loop, [&] { return node.requests.size() == 1; }));
  client.cancel_all();
  REQUIRE(first.answer);
  REQUIRE(second.answer);
  CHECK_EQ(first.answer->error().kind, Kind::cancelled);
  CHECK_EQ(second.answer->error().kind, Kind::cancelled);
  CHECK(ask(loop, client, "next"));
}

TEST_CASE("a client may be destroyed in any state, also by an answer") {
  uv::Loop loop;
  FakeNode node(loop);
  const auto never = [](const RpcClient::Answer&) { FAIL("a destroyed client answers nobody"); };
  {
    // A node of its own: whether it still hears the call is open.
    FakeNode other(loop);
    RpcClient connecting(loop, other.endpoint());
    connecting.call("a", "[]", 10s, never);
    loop_test::run_turns(loop, 1);
  }
  {
    node.steps.push_back(say_nothing);
    RpcClient waiting(loop, node.endpoint());
    waiting.call("b", "[]", 10s, never);
    waiting.call("c", "[]", 10s, never);
    REQUIRE(run_until(loop, [&] { return node.requests.size() == 1; }));
  }
  auto client = std::make_unique<RpcClient>(loop, node.endpoint());
  client->call("d", "[]", 10s, [&](const RpcClient::Answer&) { client.reset(); });
  client->call("e", "[]", 10s, never);
  CHECK(run_until(loop, [&] { return client == nullptr; }));
}
