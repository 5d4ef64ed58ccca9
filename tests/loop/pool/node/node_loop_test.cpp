// The node loop with fake nodes: which node is used when, and how it stops.
#include "pool/node/node_loop.h"

#include "tests/loop/pool/node/fake_node.h"
#include "tests/loop/pool/node/found_block.h"
#include "tests/loop/pool/node/node_thread.h"

#include <doctest/doctest.h>

namespace pool {
namespace {

using namespace std::chrono_literals;
using test::FakeNode;
using test::NodeThread;

struct Bench {
  uv::Loop loop;
  test::TemporaryFolder data;
  std::unique_ptr<FakeNode> first = std::make_unique<FakeNode>(loop);
  std::unique_ptr<FakeNode> second = std::make_unique<FakeNode>(loop);

  NodeThread::Setting both() const {
    return {.nodes = {first->config(), second->config()}, .data_dir = data.path()};
  }
  NodeThread::Setting only_first() const {
    return {.nodes = {first->config()}, .data_dir = data.path()};
  }
};

}  // namespace

TEST_CASE("templates come from the preferred node, also when another answers sooner") {
  Bench b;
  int asked = 0;
  b.first->handler = [&](const FakeNode::Call& call) -> std::optional<FakeNode::Reply> {
    // Its first answer is late: the second node is up and known by then.
    const bool late = call.method == "getblockchaininfo" && b.second->calls(call.method) == 0;
    if (late && asked++ < 1) return FakeNode::Reply{"", "", 503};
    return std::nullopt;
  };
  NodeThread pool(b.loop, b.both());
  REQUIRE(pool.wait_for_jobs(1));
  CHECK_GE(b.first->calls("getblocktemplate"), 1);
  CHECK_EQ(b.second->calls("getblocktemplate"), 0);
}

TEST_CASE("when the node in use fails the next takes over, and miners keep the job they have") {
  Bench b;
  NodeThread pool(b.loop, b.both());
  REQUIRE(pool.wait_for_jobs(1));
  b.second->tip = 2;
  b.second->height = 101;
  b.first.reset();
  REQUIRE(pool.wait_for_jobs(2));
  CHECK_EQ(pool.jobs[1]->height(), 102);
  CHECK(pool.jobs[1]->clean_jobs);
  CHECK_GE(b.second->calls("getblocktemplate"), 1);
  REQUIRE(pool.wait([&] { return pool.status.height == 101; }));
  CHECK(pool.status.connected);
}

TEST_CASE("a node that is up but refuses templates is passed over") {
  Bench b;
  b.first->handler = [](const FakeNode::Call& call) -> std::optional<FakeNode::Reply> {
    if (call.method != "getblocktemplate") return std::nullopt;
    return FakeNode::Reply{"null", R"({"code":-10,"message":"downloading"})", 500};
  };
  NodeThread pool(b.loop, b.both());
  REQUIRE(pool.wait_for_jobs(1));
  CHECK_GE(b.second->calls("getblocktemplate"), 1);
}

TEST_CASE("a second node that is behind does not take miners back in height") {
  Bench b;
  b.second->tip = 9;
  b.second->height = 90;
  NodeThread pool(b.loop, b.both());
  REQUIRE(pool.wait_for_jobs(1));
  b.first.reset();
  REQUIRE(pool.wait([&] { return !pool.status.connected; }));
  test::run_for(b.loop, 1500ms);
  CHECK_EQ(pool.jobs.size(), 1);
  CHECK_EQ(b.second->calls("getblocktemplate"), 0);
}

TEST_CASE("status says why there is no node") {
  Bench b;
  b.first->chain = "main";
  NodeThread pool(b.loop, b.only_first());
  REQUIRE(pool.wait([&] { return !pool.status.error.empty(); }));
  CHECK_FALSE(pool.status.connected);
  CHECK_NE(pool.status.error.find("is on chain \"main\""), std::string::npos);
  CHECK(pool.jobs.empty());
}

TEST_CASE("an accepted block is asked a template for at once") {
  Bench b;
  NodeThread pool(b.loop, b.only_first());
  REQUIRE(pool.wait_for_jobs(1));
  b.first->handler = [&](const FakeNode::Call& call) -> std::optional<FakeNode::Reply> {
    // The poll is stuck in the past; only the acceptance itself can tell of the new tip.
    if (call.method == "getbestblockhash") return FakeNode::Reply{"", "", 200, true};
    return std::nullopt;
  };
  const int before = b.first->calls("getblocktemplate");
  pool.post(test::find_block(pool.jobs[0]));
  REQUIRE(pool.wait([&] { return b.first->calls("getblocktemplate") > before; }, 2s));
  REQUIRE(pool.wait([&] { return pool.outcomes.size() == 1; }));
}

TEST_CASE("stopping waits for a submission that is under way, but not for a node that is away") {
  using std::chrono::steady_clock;
  Bench b;
  NodeThread::Setting setting = b.only_first();
  NodeThread pool(b.loop, setting);
  REQUIRE(pool.wait_for_jobs(1));
  const FoundBlock found = test::find_block(pool.jobs[0]);

  SUBCASE("nothing under way") {
    const auto begun = steady_clock::now();
    pool.stop();
    CHECK_LT(steady_clock::now() - begun, 1s);
  }
  SUBCASE("the node is away and the block is in the vault") {
    b.first.reset();
    pool.post(found);
    REQUIRE(pool.wait([&] { return pool.vaulted.size() == 1; }));
    const auto begun = steady_clock::now();
    pool.stop();
    CHECK_LT(steady_clock::now() - begun, 3s);
  }
  SUBCASE("a block posted right before the stop is in the vault after it") {
    b.first.reset();
    pool.post(found);
    pool.stop();
    CHECK(std::filesystem::exists(b.data.path() + "/vault/" + found.hash.display_hex() + ".block"));
  }
}

}  // namespace pool
