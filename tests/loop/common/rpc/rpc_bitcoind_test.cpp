// RpcClient against a real Bitcoin Core on regtest, where there is one: $BITCOIND, or bitcoind on
// PATH.
#include "common/rpc/rpc_client.h"
#include "common/uv/tcp.h"
#include "tests/loop/loop_test.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using loop_test::run_until;
using rpc::RpcClient;
using Kind = rpc::RpcError::Kind;

namespace {

std::string find_bitcoind() {
  if (const char* named = std::getenv("BITCOIND"); named != nullptr && *named != '\0') {
    return named;
  }
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    std::string candidate = std::string(rest.substr(0, colon)) + "/bitcoind";
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return {};
}

// A regtest node in a folder of its own, without peers, stopped and removed at the end.
class Node {
 public:
  Node(const std::string& program, std::uint16_t port) : port_(port) {
    std::string folder = (std::filesystem::temp_directory_path() / "rpc_node.XXXXXX").string();
    REQUIRE(mkdtemp(folder.data()) != nullptr);
    folder_ = folder;
    start(program);
  }
  ~Node() {
    stop();
    std::filesystem::remove_all(folder_);
  }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  void start(const std::string& program) {
    std::vector<std::string> words = {program,
                                      "-regtest",
                                      "-datadir=" + folder_.string(),
                                      "-rpcport=" + std::to_string(port_),
                                      "-listen=0",
                                      "-listenonion=0",
                                      "-dnsseed=0",
                                      "-fixedseeds=0",
                                      "-disablewallet",
                                      "-printtoconsole=0",
                                      "-rpcservertimeout=1"};
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_ = fork();
    REQUIRE_GE(pid_, 0);
    if (pid_ != 0) return;
    execv(program.c_str(), arguments.data());
    _exit(127);
  }
  void stop() {
    if (pid_ <= 0) return;
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  rpc::RpcEndpoint endpoint() const {
    rpc::RpcEndpoint where;
    where.host = "127.0.0.1";
    where.port = port_;
    where.cookie_file = (folder_ / "regtest" / ".cookie").string();
    return where;
  }

 private:
  std::filesystem::path folder_;
  std::uint16_t port_;
  pid_t pid_ = 0;
};

std::uint16_t free_port(uv::Loop& loop) {
  const auto listener = uv::TcpListener::listen(loop, {.host = "127.0.0.1"}, {}, [](auto) {});
  REQUIRE(listener);
  return (*listener)->bound_port();
}

RpcClient::Answer ask(uv::Loop& loop, RpcClient& client, std::string_view method,
                      std::string params = "[]") {
  std::optional<RpcClient::Answer> answer;
  client.call(method, std::move(params), 15s,
              [&](RpcClient::Answer given) { answer = std::move(given); });
  REQUIRE(run_until(loop, [&] { return answer.has_value(); }));
  return *answer;
}

// Asks until the node has written its cookie, listens, and has loaded its chain.
bool wait_until_up(uv::Loop& loop, RpcClient& client) {
  bool up = false;
  const auto ask_again = [&] {
    client.call("getblockcount", "[]", 5s, [&](RpcClient::Answer answer) {
      up = answer.has_value();
      if (up) return;
      const Kind kind = answer.error().kind;
      const bool starting = kind == Kind::cancelled || kind == Kind::cookie ||
                            kind == Kind::unreachable || kind == Kind::unauthorized ||
                            (kind == Kind::node_error && answer.error().code == -28);
      CHECK_MESSAGE(starting, answer.error().message);
    });
  };
  uv::Timer poll(loop, ask_again);
  poll.start(0ms, 100ms);
  const bool came = run_until(loop, [&] { return up; });
  poll.stop();
  client.cancel_all();
  return came;
}

}  // namespace

TEST_CASE("a real node: cookie, result, error, idle timeout, restart" *
          doctest::skip(find_bitcoind().empty())) {
  const std::string program = find_bitcoind();
  uv::Loop loop;
  Node node(program, free_port(loop));
  RpcClient client(loop, node.endpoint());
  REQUIRE(wait_until_up(loop, client));

  const auto info = ask(loop, client, "getblockchaininfo");
  REQUIRE(info);
  CHECK_NE(info->text().find(R"("chain":"regtest")"), std::string::npos);
  CHECK_EQ(info->text().back(), '}');

  const auto unknown = ask(loop, client, "nosuchmethod");
  REQUIRE_FALSE(unknown);
  CHECK_EQ(unknown.error().kind, Kind::node_error);
  CHECK_EQ(unknown.error().code, -32601);

  const auto garbage = ask(loop, client, "submitblock", R"(["00"])");
  REQUIRE_FALSE(garbage);
  CHECK_EQ(garbage.error().code, -22);

  rpc::RpcEndpoint stranger = node.endpoint();
  stranger.user = "nobody";
  stranger.password = "wrong";
  RpcClient refused(loop, stranger);
  const auto not_allowed = ask(loop, refused, "getblockcount");
  REQUIRE_FALSE(not_allowed);
  CHECK_EQ(not_allowed.error().kind, Kind::unauthorized);

  // The node drops connections that are idle for a second (-rpcservertimeout); nobody notices.
  CHECK_FALSE(run_until(
      loop, [] { return false; }, 1500ms));
  CHECK(ask(loop, client, "getblockcount"));

  // A restarted node has another cookie.
  node.stop();
  const auto away = ask(loop, client, "getblockcount");
  REQUIRE_FALSE(away);
  node.start(program);
  REQUIRE(wait_until_up(loop, client));
  CHECK_EQ(*ask(loop, client, "getblockcount"), "0");
}
