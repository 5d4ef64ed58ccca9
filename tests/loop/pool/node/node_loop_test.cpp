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
  REQUIRE(pool.wait([&] { return pool.tips.size() == 1; }));
  CHECK(pool.tips[0].hash == test::numbered_hash(1));
  b.second->tip = 2;
  b.second->height = 101;
  b.first.reset();
  REQUIRE(pool.wait_for_jobs(2));
  CHECK_EQ(pool.jobs[1]->height(), 102);
  CHECK(pool.jobs[1]->clean_jobs);
  CHECK_GE(b.second->calls("getblocktemplate"), 1);
  REQUIRE(pool.wait([&] { return pool.status.height == 101; }));
  CHECK(pool.status.connected);
  REQUIRE(pool.wait([&] { return pool.tips.size() == 2; }));
  CHECK(pool.tips[1].hash == test::numbered_hash(2));
  CHECK_EQ(pool.tips[1].height, 101);
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

TEST_CASE(
    "the first job's block is proposed to the node, and work goes on while it would refuse it") {
  Bench b;
  b.first->on_proposal = R"("bad-cb-amount")";
  NodeThread pool(b.loop, b.only_first());
  REQUIRE(pool.wait_for_jobs(1));
  REQUIRE(pool.wait([&] { return pool.status.error.find("bad-cb-amount") != std::string::npos; }));
  CHECK_NE(pool.status.nodes[0].error.find("would refuse the pool's block"), std::string::npos);
  CHECK(pool.status.nodes[0].in_use);
  CHECK_GE(b.first->calls("proposal"), 1);
  b.first->on_proposal = "null";
  b.first->tip = 2;
  b.first->height = 101;
  REQUIRE(pool.wait_for_jobs(2));
  REQUIRE(pool.wait([&] { return pool.status.error.empty(); }));
}

TEST_CASE("a node that would refuse the pool's blocks is left for one that would not") {
  Bench b;
  b.first->on_proposal = R"("bad-witness-merkle-match")";
  NodeThread pool(b.loop, b.both());
  REQUIRE(pool.wait([&] { return pool.status.nodes.size() == 2 && pool.status.nodes[1].in_use; }));
  CHECK_GE(b.first->calls("getblocktemplate"), 1);
  // At once: its template is no news to miners, and the next job is half a minute away.
  REQUIRE(pool.wait([&] { return b.second->calls("proposal") >= 1; }, 10s));
  CHECK_NE(pool.status.nodes[0].error.find("bad-witness-merkle-match"), std::string::npos);
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

TEST_CASE("a node that hangs is left for one that answers, within a second") {
  Bench b;
  NodeThread pool(b.loop, b.both());
  REQUIRE(pool.wait_for_jobs(1));
  REQUIRE(pool.wait([&] { return pool.status.nodes.size() == 2 && pool.status.nodes[1].up; }));
  b.second->tip = 2;
  b.second->height = 101;
  // It takes connections and questions and says nothing any more, as a stuck process does.
  bool hung_up = false;
  b.first->handler = [&](const FakeNode::Call&) -> std::optional<FakeNode::Reply> {
    hung_up = true;
    return FakeNode::Reply{"", "", 200, true};
  };
  REQUIRE(pool.wait([&] { return hung_up; }));
  const auto hung_at = std::chrono::steady_clock::now();
  REQUIRE(pool.wait_for_jobs(2));
  // Not a figure of how fast it is, but it tells the patience from the RPC's deadline of 10 s.
  CHECK_LT(std::chrono::steady_clock::now() - hung_at, 5s);
  CHECK_EQ(pool.jobs[1]->height(), 102);
  REQUIRE(pool.wait([&] { return pool.status.nodes[1].in_use; }));
  CHECK_FALSE(pool.status.nodes[0].answering);
  CHECK_EQ(pool.status.nodes[0].failures[static_cast<std::size_t>(NodeFailure::slow)], 1);
}

TEST_CASE("miners come back to the preferred node when it has been well for a while") {
  Bench b;
  NodeThread::Setting setting = b.both();
  setting.choice.steady_first = 1500ms;
  bool refuses = false;
  b.first->handler = [&](const FakeNode::Call&) -> std::optional<FakeNode::Reply> {
    if (!refuses) return std::nullopt;
    return FakeNode::Reply{"null", R"({"code":-28,"message":"starting"})", 500};
  };
  NodeThread pool(b.loop, setting);
  REQUIRE(pool.wait_for_jobs(1));
  refuses = true;
  REQUIRE(pool.wait([&] { return b.second->calls("getblocktemplate") > 0; }));
  const int asked = b.first->calls("getblocktemplate");
  refuses = false;
  const auto back_at = std::chrono::steady_clock::now();
  REQUIRE(pool.wait([&] { return b.first->calls("getblocktemplate") > asked; }));
  CHECK_GE(std::chrono::steady_clock::now() - back_at, 1400ms);
}

TEST_CASE("what goes wrong with a node is counted by kind") {
  struct Row {
    const char* why;
    FakeNode::Reply reply;
    NodeFailure counted;
  };
  const Row rows[] = {
      {"an error", {"null", R"({"code":-28,"message":"starting"})", 500}, NodeFailure::node_error},
      {"unauthorized", {"", "", 401}, NodeFailure::unauthorized},
      {"forbidden", {"", "", 403}, NodeFailure::unauthorized},
      {"not JSON-RPC", {"}", "", 200}, NodeFailure::bad_answer},
      {"another type", {"7"}, NodeFailure::bad_answer},
      {"another chain",
       {R"({"chain":"main","blocks":1,"bestblockhash":"00"})"},
       NodeFailure::bad_answer},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    Bench b;
    b.first->handler = [&](const FakeNode::Call& call) -> std::optional<FakeNode::Reply> {
      if (call.method != "getblockchaininfo") return std::nullopt;
      return row.reply;
    };
    NodeThread pool(b.loop, b.only_first());
    REQUIRE(pool.wait([&] {
      return !pool.status.nodes.empty() &&
             pool.status.nodes[0].failures[static_cast<std::size_t>(row.counted)] > 0;
    }));
    CHECK_FALSE(pool.status.nodes[0].up);
    CHECK_FALSE(pool.status.nodes[0].error.empty());
  }
}

TEST_CASE("without a usable node for long, work is called old, and then miners are sent away") {
  Bench b;
  NodeThread::Setting setting = b.only_first();
  setting.expire = 1s;
  setting.reconnect = 2s;
  bool refuses = false;
  b.first->handler = [&](const FakeNode::Call& call) -> std::optional<FakeNode::Reply> {
    if (!refuses || call.method == "submitblock") return std::nullopt;
    return FakeNode::Reply{"null", R"({"code":-28,"message":"starting"})", 500};
  };
  NodeThread pool(b.loop, setting);
  REQUIRE(pool.wait_for_jobs(1));
  refuses = true;
  REQUIRE(pool.wait([&] { return pool.status.work_expired; }));
  CHECK_EQ(pool.told_of_no_work, 0);
  REQUIRE(pool.wait([&] { return pool.no_work; }));
  CHECK_EQ(pool.jobs.size(), 1);
  // A block of the old work is still taken.
  pool.post(test::find_block(pool.jobs[0]));
  REQUIRE(pool.wait([&] { return b.first->submitted.size() == 1; }));
  refuses = false;
  REQUIRE(pool.wait([&] { return !pool.no_work && !pool.status.work_expired; }));
  CHECK_EQ(pool.told_of_no_work, 2);
}

TEST_CASE("nodes that are up in turn, and none with a template, are no usable nodes") {
  Bench b;
  NodeThread::Setting setting = b.both();
  setting.expire = 1s;
  setting.reconnect = 3s;
  setting.choice.refused_for = 300ms;
  bool refuses = false;
  const auto refuse = [&](const FakeNode::Call& call) -> std::optional<FakeNode::Reply> {
    if (!refuses || call.method != "getblocktemplate") return std::nullopt;
    return FakeNode::Reply{"null", R"({"code":-9,"message":"not connected"})", 500};
  };
  b.first->handler = refuse;
  b.second->handler = refuse;
  NodeThread pool(b.loop, setting);
  REQUIRE(pool.wait_for_jobs(1));
  refuses = true;
  REQUIRE(pool.wait([&] { return pool.no_work; }));
  refuses = false;
  REQUIRE(pool.wait([&] { return !pool.no_work; }));
}

TEST_CASE("a node that is up but gives no usable template for long is left") {
  Bench b;
  NodeThread::Setting setting = b.both();
  setting.expire = 1s;
  NodeThread pool(b.loop, setting);
  REQUIRE(pool.wait_for_jobs(1));
  // Its templates go backwards: answered, but of no use.
  b.first->tip = 9;
  b.first->height = 90;
  b.first->handler = [&](const FakeNode::Call& call) -> std::optional<FakeNode::Reply> {
    if (call.method != "getbestblockhash") return std::nullopt;
    return FakeNode::Reply{fmt::format("\"{}\"", test::numbered_hash(1).display_hex())};
  };
  REQUIRE(pool.wait([&] { return b.second->calls("getblocktemplate") > 0; }));
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
