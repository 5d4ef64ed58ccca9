// RegtestNode: a real bitcoind on regtest in a folder of its own, from $BITCOIND or PATH.
#pragma once

#include "common/rpc/rpc_client.h"
#include "common/uv/tcp.h"
#include "pool/config/config.h"
#include "tests/loop/pool/node/waiting.h"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <rapidjson/document.h>
#include <spawn.h>
#include <sys/wait.h>

namespace pool::test {

inline std::optional<std::string> find_bitcoind() {
  if (const char* named = std::getenv("BITCOIND"); named != nullptr && *named != '\0') {
    return named;
  }
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (std::filesystem::exists(folder + "/bitcoind")) return folder + "/bitcoind";
  }
  return std::nullopt;
}

// TEST_CASE("…" * needs_bitcoind()): counted as skipped where there is none.
inline doctest::skip needs_bitcoind() { return doctest::skip(!find_bitcoind()); }

// A port that nothing listens on at this moment.
inline std::uint16_t free_port(uv::Loop& loop) {
  auto listener = uv::TcpListener::listen(loop, {.host = "127.0.0.1"}, {}, [](auto) {});
  REQUIRE(listener.has_value());
  return (*listener)->bound_port();
}

class RegtestNode {
 public:
  // `chain` is the options that name it.
  RegtestNode(uv::Loop& loop, std::string program, std::vector<std::string> chain = {"-regtest"})
      : loop_(loop),
        program_(std::move(program)),
        chain_(std::move(chain)),
        rpc_port_(free_port(loop)),
        zmq_port_(free_port(loop)) {
    start();
  }
  ~RegtestNode() { stop(SIGKILL); }
  RegtestNode(const RegtestNode&) = delete;
  RegtestNode& operator=(const RegtestNode&) = delete;

  void start() {
    std::vector<std::string> words{program_,
                                   "-server",
                                   "-listen=0",
                                   "-fallbackfee=0.0001",
                                   "-datadir=" + folder_.path(),
                                   fmt::format("-rpcport={}", rpc_port_),
                                   fmt::format("-zmqpubhashblock=tcp://127.0.0.1:{}", zmq_port_)};
    words.insert(words.end(), chain_.begin(), chain_.end());
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    REQUIRE(posix_spawn(&pid_, program_.c_str(), &files, nullptr, argv.data(), environ) == 0);
    posix_spawn_file_actions_destroy(&files);
    rpc_.reset();
    REQUIRE(wait_until(loop_, [&] { return ask("getblockcount").has_value(); }));
  }
  void stop(int signal = SIGTERM) {
    if (pid_ == 0) return;
    kill(pid_, signal);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  NodeConfig config(bool with_zmq) const {
    NodeConfig made;
    made.rpc = fmt::format("http://127.0.0.1:{}", rpc_port_);
    made.cookie_file = folder_.path() + "/" + chain_[0].substr(1) + "/.cookie";
    if (with_zmq) made.zmq = {fmt::format("tcp://127.0.0.1:{}", zmq_port_)};
    return made;
  }

  rpc::RpcClient::Answer ask(const std::string& method, const std::string& params = "[]") {
    if (!rpc_) {
      auto endpoint = rpc::parse_rpc_url(config(false).rpc);
      REQUIRE(endpoint.has_value());
      endpoint->cookie_file = config(false).cookie_file;
      rpc_ = std::make_unique<rpc::RpcClient>(loop_, *endpoint);
    }
    std::optional<rpc::RpcClient::Answer> answer;
    rpc_->call(method, params, std::chrono::seconds{20}, [&](auto said) { answer = said; });
    REQUIRE(wait_until(loop_, [&] { return answer.has_value(); }));
    return *answer;
  }
  rapidjson::Document tell(const std::string& method, const std::string& params = "[]") {
    const auto answer = ask(method, params);
    REQUIRE_MESSAGE(answer.has_value(), (answer ? std::string() : answer.error().message));
    rapidjson::Document document;
    REQUIRE_FALSE(document.Parse(answer->data(), answer->size()).HasParseError());
    return document;
  }
  std::string best_block() { return tell("getbestblockhash").GetString(); }
  int height() { return tell("getblockcount").GetInt(); }
  void generate(int blocks) {
    tell("generatetodescriptor", fmt::format(R"([{},"raw(51)#8lvh9jxk"])", blocks));
  }

 private:
  uv::Loop& loop_;
  const std::string program_;
  const std::vector<std::string> chain_;
  const std::uint16_t rpc_port_;
  const std::uint16_t zmq_port_;
  TemporaryFolder folder_;
  pid_t pid_ = 0;
  std::unique_ptr<rpc::RpcClient> rpc_;
};

}  // namespace pool::test
