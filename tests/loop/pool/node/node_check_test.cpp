// check_node blocks its thread, so the fake node lives on another here.
#include "pool/node/node_check.h"

#include "common/uv/mailbox.h"
#include "tests/loop/pool/node/fake_node.h"

#include <doctest/doctest.h>

#include <future>
#include <thread>

namespace pool {
namespace {

using namespace std::chrono_literals;

// check_node's answer from a fake node that `prepare` has set up.
base::Result<NodeCheck, std::string> check_with(
    const std::function<void(test::FakeNode&)>& prepare,
    bitcoin::Network network = bitcoin::Network::regtest) {
  uv::Loop loop;
  test::FakeNode node(loop);
  prepare(node);
  std::optional<base::Result<NodeCheck, std::string>> result;
  uv::Mailbox<int> done(loop, 1, [&](int&&) { loop.stop(); });
  std::thread checker([&, config = node.config()] {
    result = check_node(config, network, 500ms);
    CHECK(done.post(1));
  });
  loop.run();
  checker.join();
  return *result;
}

}  // namespace

TEST_CASE("check_node with a node that has nothing wrong") {
  const auto found = check_with([](test::FakeNode&) {});
  REQUIRE_MESSAGE(found.has_value(), (found ? std::string() : found.error()));
  CHECK_EQ(found->chain, "regtest");
  CHECK_EQ(found->height, 100);
  CHECK_EQ(found->subversion, "/Fake:1/");
  CHECK_EQ(found->coinbase_value.value, 5'000'000'000);
  CHECK_FALSE(found->initial_download);
}

TEST_CASE("check_node says in one line what is wrong, where, and what to do") {
  using Reply = test::FakeNode::Reply;
  using Call = test::FakeNode::Call;
  struct Row {
    const char* why;
    std::function<void(test::FakeNode&)> prepare;
    bitcoin::Network network;
    const char* expected;
  };
  const auto reply_to = [](std::string method, Reply reply) {
    return [=](test::FakeNode& node) {
      node.handler = [=](const Call& call) -> std::optional<Reply> {
        if (call.method == method) return reply;
        return std::nullopt;
      };
    };
  };
  const auto regtest = bitcoin::Network::regtest;
  const Row rows[] = {
      {"wrong chain", [](auto& node) { node.chain = "main"; }, regtest,
       "is on chain \"main\", but the config's network is \"regtest\""},
      {"initial download",
       [](auto& node) {
         node.chain = "main";
         node.initial_download = true;
       },
       bitcoin::Network::mainnet, "is still in initial block download"},
      {"warming up",
       reply_to("getblockchaininfo",
                {"null", R"({"code":-28,"message":"Loading block index…"})", 500}),
       regtest, "Loading block index…: the node is starting up, wait a moment"},
      {"no template without peers",
       reply_to("getblocktemplate",
                {"null", R"({"code":-9,"message":"Bitcoin Core is not connected!"})", 500}),
       regtest, "the node has no peers"},
      {"a template that can't be used", reply_to("getblocktemplate", {"{}"}), regtest,
       "gave a template that can't be used: "},
      {"silence", reply_to("getblockchaininfo", {"", "", 200, true}), regtest,
       " ms: is the node overloaded"},
      {"something else on the port", reply_to("getblockchaininfo", {"<html>", "", 200}), regtest,
       "is \"rpc\" the node's RPC port?"},
      {"wrong password", reply_to("getblockchaininfo", {"", "", 401}), regtest,
       "401: the node refused the user or password: compare"},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.why));
    const auto found = check_with(row.prepare, row.network);
    REQUIRE_FALSE(found);
    CAPTURE(found.error());
    CHECK_NE(found.error().find(row.expected), std::string::npos);
    CHECK_EQ(found.error().find("node 127.0.0.1:"), 0);
    CHECK_EQ(found.error().find('\n'), std::string::npos);
  }
}

TEST_CASE("check_node where nothing listens, and with a URL that is none") {
  NodeConfig config;
  config.rpc = "http://127.0.0.1:1";
  config.user = "u";
  const auto refused = check_node(config, bitcoin::Network::regtest, 2s);
  REQUIRE_FALSE(refused);
  CHECK_NE(refused.error().find("is bitcoind running there with server=1?"), std::string::npos);
  config.rpc = "not a url";
  CHECK_FALSE(check_node(config, bitcoin::Network::regtest, 2s));
}

TEST_CASE("an answer without a version is no reason to refuse a node") {
  const auto found = check_with([](test::FakeNode& node) {
    node.handler = [](const test::FakeNode::Call& call) -> std::optional<test::FakeNode::Reply> {
      if (call.method != "getnetworkinfo") return std::nullopt;
      return test::FakeNode::Reply{"null", R"({"code":-32601,"message":"Method not found"})", 404};
    };
  });
  REQUIRE(found);
  CHECK_EQ(found->subversion, "");
}

}  // namespace pool
