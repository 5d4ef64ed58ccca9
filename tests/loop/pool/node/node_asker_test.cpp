// NodeAsker blocks its thread, so the fake node lives on another here.
#include "pool/node/node_asker.h"

#include "common/uv/mailbox.h"
#include "tests/loop/pool/node/fake_node.h"

#include <doctest/doctest.h>

#include <thread>

namespace pool {
namespace {

using namespace std::chrono_literals;

TEST_CASE("questions are answered in turn, and a silent node ends them in time") {
  uv::Loop loop;
  test::FakeNode node(loop);
  node.handler = [](const test::FakeNode::Call& call) -> std::optional<test::FakeNode::Reply> {
    test::FakeNode::Reply reply;
    reply.silent = call.method == "silence";
    if (call.method == "count") reply.result = "7";
    return reply;
  };
  uv::Mailbox<int> done(loop, 1, [&](int&&) { loop.stop(); });
  std::string name;
  std::vector<rpc::RpcClient::Answer> answers;
  std::thread asking([&, endpoint = node.endpoint()] {
    NodeAsker asker(endpoint, 300ms);
    name = asker.name();
    // After the silence no time is left, and the next question ends at once.
    for (const char* method : {"count", "silence", "silence"}) {
      answers.push_back(asker.ask(method, "[]"));
    }
    CHECK(done.post(1));
  });
  loop.run();
  asking.join();
  CHECK_EQ(name, "127.0.0.1:" + std::to_string(node.port()));
  REQUIRE_EQ(answers.size(), 3);
  REQUIRE(answers[0].has_value());
  CHECK_EQ(std::string_view(*answers[0]), "7");
  for (const std::size_t i : {1u, 2u}) {
    REQUIRE_FALSE(answers[i].has_value());
    CHECK_EQ(answers[i].error().kind, rpc::RpcError::Kind::timeout);
  }
}

}  // namespace
}  // namespace pool
