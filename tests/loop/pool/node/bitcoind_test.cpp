// The node loop with a real bitcoind on regtest: first job, new tips, found blocks,
// reorganisations, the node going away and coming back.
#include "pool/node/node_loop.h"

#include "tests/loop/pool/node/found_block.h"
#include "tests/loop/pool/node/node_thread.h"
#include "tests/loop/pool/node/regtest_node.h"

#include <doctest/doctest.h>

#include <filesystem>

namespace pool {
namespace {

using namespace std::chrono_literals;
using test::needs_bitcoind;
using test::NodeThread;
using test::RegtestNode;

// Runs a test body with a node; for cases that needs_bitcoind() marks.
void with_node(const std::function<void(uv::Loop&, RegtestNode&)>& body) {
  const auto program = test::find_bitcoind();
  REQUIRE(program);
  uv::Loop loop;
  RegtestNode node(loop, *program);
  body(loop, node);
}

std::size_t files_in(const std::string& folder) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files += entry.is_regular_file() ? 1 : 0;
  }
  return files;
}

}  // namespace

TEST_CASE("a fresh chain at height 0 is mined on; a new tip leads to a new clean job" *
          needs_bitcoind()) {
  for (const bool with_zmq : {true, false}) {
    CAPTURE(with_zmq);
    with_node([&](uv::Loop& loop, RegtestNode& node) {
      test::TemporaryFolder data;
      NodeThread pool(loop, {.nodes = {node.config(with_zmq)}, .data_dir = data.path()});
      REQUIRE(pool.wait_for_jobs(1));
      CHECK(pool.jobs[0]->clean_jobs);
      CHECK_EQ(pool.jobs[0]->height(), 1);
      CHECK_EQ(pool.jobs[0]->prev_hash().display_hex(), node.best_block());
      for (int i = 0; i < 3; ++i) {
        node.generate(1);
        const std::string tip = node.best_block();
        REQUIRE(pool.wait([&] { return pool.clean_job_on(tip) != nullptr; }, 5s));
      }
      CHECK_EQ(pool.jobs.back()->height(), 4);
    });
  }
}

TEST_CASE("a found block becomes the node's tip, pays the script, and is journalled" *
          needs_bitcoind()) {
  with_node([&](uv::Loop& loop, RegtestNode& node) {
    test::TemporaryFolder data;
    const base::Bytes script = *base::from_hex("0014751e76e8199196d454941c45d1b3a323f1433bd6");
    NodeThread pool(
        loop, {.nodes = {node.config(true)}, .data_dir = data.path(), .payout_script = script});
    REQUIRE(pool.wait_for_jobs(1));
    const FoundBlock found = test::find_block(pool.jobs[0]);
    const std::string hash = found.hash.display_hex();
    pool.post(found);
    REQUIRE(pool.wait([&] { return !pool.outcomes.empty() && !pool.vaulted.empty(); }));

    CHECK_EQ(node.best_block(), hash);
    CHECK_EQ(pool.outcomes[0].hash, found.hash);
    CHECK(pool.outcomes[0].status == BlockStatus::accepted);
    CHECK_EQ(pool.outcomes[0].detail, "");
    CHECK_EQ(pool.vaulted[0].shard, ShardIndex{3});
    CHECK(pool.vaulted[0].what.stored);
    CHECK_EQ(pool.vaulted[0].what.hash, found.hash);

    const auto block = node.tell("getblock", fmt::format(R"(["{}",2])", hash));
    const auto& outputs = block["tx"][0]["vout"];
    CHECK_EQ(std::string(outputs[0]["scriptPubKey"]["hex"].GetString()), base::to_hex(script));
    CHECK_EQ(outputs[0]["value"].GetDouble(), doctest::Approx(50.0));

    REQUIRE(pool.wait([&] { return pool.clean_job_on(hash) != nullptr; }));
    const std::string vault = data.path() + "/vault";
    REQUIRE(pool.wait([&] { return files_in(vault) == 0 && files_in(vault + "/done") == 1; }));
    REQUIRE(pool.wait([&] { return pool.status.blocks_accepted == 1; }));
    CHECK(pool.status.connected);
    CHECK_EQ(pool.status.height, 1);
    CHECK_EQ(pool.status.chain, "regtest");
    CHECK_EQ(pool.status.version.substr(0, 9), "/Satoshi:");
  });
}

TEST_CASE("of two blocks for one height the node is asked to prefer ours" * needs_bitcoind()) {
  with_node([&](uv::Loop& loop, RegtestNode& node) {
    test::TemporaryFolder data;
    NodeThread pool(loop, {.nodes = {node.config(true)}, .data_dir = data.path()});
    REQUIRE(pool.wait_for_jobs(1));
    const FoundBlock late = test::find_block(pool.jobs[0]);
    node.generate(1);
    pool.post(late);
    REQUIRE(pool.wait([&] { return pool.outcomes.size() == 1; }));
    CHECK(pool.outcomes[0].status == BlockStatus::accepted);
    CHECK_EQ(node.best_block(), late.hash.display_hex());
    // It may have been seen beside the chain before.
    REQUIRE(pool.wait(
        [&] { return !pool.states.empty() && pool.states.back().state == BlockState::in_chain; }));
    CHECK(pool.states.back().hash == late.hash);
  });
}

TEST_CASE("a block that a longer chain has passed is known, but not in the best chain" *
          needs_bitcoind()) {
  with_node([&](uv::Loop& loop, RegtestNode& node) {
    test::TemporaryFolder data;
    NodeThread pool(loop, {.nodes = {node.config(true)}, .data_dir = data.path()});
    REQUIRE(pool.wait_for_jobs(1));
    const FoundBlock late = test::find_block(pool.jobs[0]);
    node.generate(2);
    pool.post(late);
    REQUIRE(pool.wait([&] { return pool.outcomes.size() == 1; }));
    CHECK(pool.outcomes[0].status == BlockStatus::submitted);
    CHECK_EQ(pool.outcomes[0].detail, "not in the best chain: inconclusive");
    REQUIRE(pool.wait([&] { return pool.states.size() == 1; }));
    CHECK(pool.states[0].hash == late.hash);
    CHECK(pool.states[0].state == BlockState::orphaned);
    CHECK_EQ(pool.states[0].height, 1);
  });
}

TEST_CASE("a block that the node refuses is journalled with the node's reason" * needs_bitcoind()) {
  with_node([&](uv::Loop& loop, RegtestNode& node) {
    test::TemporaryFolder data;
    NodeThread pool(loop, {.nodes = {node.config(true)}, .data_dir = data.path()});
    REQUIRE(pool.wait_for_jobs(1));
    FoundBlock found = test::find_block(pool.jobs[0]);
    found.coinbase[found.coinbase.size() - 5] ^= 1;  // no longer what the merkle root commits to
    pool.post(found);
    REQUIRE(pool.wait([&] { return pool.outcomes.size() == 1; }));
    CHECK(pool.outcomes[0].status == BlockStatus::rejected);
    CHECK_EQ(pool.outcomes[0].detail, "bad-txnmrklroot");
    REQUIRE(pool.wait([&] { return files_in(data.path() + "/vault/rejected") == 1; }));
  });
}

TEST_CASE("a reorganisation to a lower height is followed" * needs_bitcoind()) {
  for (const bool with_zmq : {true, false}) {
    CAPTURE(with_zmq);
    with_node([&](uv::Loop& loop, RegtestNode& node) {
      node.generate(5);
      test::TemporaryFolder data;
      NodeThread pool(loop, {.nodes = {node.config(with_zmq)}, .data_dir = data.path()});
      REQUIRE(pool.wait_for_jobs(1));
      REQUIRE_EQ(pool.jobs[0]->height(), 6);
      const std::string back_to = node.tell("getblockhash", "[3]").GetString();
      const std::string invalid = node.tell("getblockhash", "[4]").GetString();
      node.tell("invalidateblock", fmt::format(R"(["{}"])", invalid));
      REQUIRE(pool.wait([&] { return pool.clean_job_on(back_to) != nullptr; }, 10s));
      node.tell("reconsiderblock", fmt::format(R"(["{}"])", invalid));
      REQUIRE(pool.wait([&] { return pool.jobs.back()->height() == 6; }, 10s));
    });
  }
}

TEST_CASE("a found block is followed through reorganisations and restarts to 100 confirmations" *
          needs_bitcoind()) {
  with_node([&](uv::Loop& loop, RegtestNode& node) {
    test::TemporaryFolder data;
    const NodeThread::Setting setting{.nodes = {node.config(true)}, .data_dir = data.path()};
    auto pool = std::make_unique<NodeThread>(loop, setting);
    const auto wait_state = [&](std::size_t count, BlockState state) {
      REQUIRE(pool->wait([&] { return pool->states.size() >= count; }));
      REQUIRE_EQ(pool->states.size(), count);
      CHECK(pool->states.back().state == state);
      CHECK_EQ(pool->states.back().height, 1);
    };
    REQUIRE(pool->wait_for_jobs(1));
    const FoundBlock found = test::find_block(pool->jobs[0]);
    const std::string params = fmt::format(R"(["{}"])", found.hash.display_hex());
    pool->post(found);
    wait_state(1, BlockState::in_chain);
    node.tell("invalidateblock", params);
    wait_state(2, BlockState::orphaned);
    node.generate(3);
    node.tell("reconsiderblock", params);  // three blocks on the other branch
    REQUIRE(pool->wait([&] { return pool->tips.back().height == 3; }));
    const std::string other = node.tell("getblockhash", "[1]").GetString();

    pool = std::make_unique<NodeThread>(loop, setting);
    wait_state(1, BlockState::orphaned);
    node.tell("invalidateblock", fmt::format(R"(["{}"])", other));
    wait_state(2, BlockState::in_chain);
    pool.reset();
    node.generate(98);

    pool = std::make_unique<NodeThread>(loop, setting);
    wait_state(1, BlockState::in_chain);
    node.generate(1);
    wait_state(2, BlockState::confirmed);
    REQUIRE(pool->wait([&] { return pool->tips.back().height == 100; }));
  });
}

TEST_CASE("a node that is killed and comes back is used again, and gets the block found meanwhile" *
          needs_bitcoind()) {
  with_node([&](uv::Loop& loop, RegtestNode& node) {
    test::TemporaryFolder data;
    NodeThread pool(loop, {.nodes = {node.config(true)}, .data_dir = data.path()});
    REQUIRE(pool.wait_for_jobs(1));
    node.stop(SIGKILL);
    REQUIRE(pool.wait([&] { return !pool.status.connected && !pool.status.error.empty(); }));
    const FoundBlock found = test::find_block(pool.jobs[0]);
    pool.post(found);
    REQUIRE(pool.wait([&] { return pool.vaulted.size() == 1; }));
    CHECK(pool.vaulted[0].what.stored);
    test::run_for(loop, 500ms);
    CHECK_MESSAGE(pool.outcomes.empty(), "nobody has said anything of the block yet");

    node.start();
    REQUIRE(pool.wait([&] { return pool.outcomes.size() == 1; }));
    CHECK(pool.outcomes[0].status == BlockStatus::accepted);
    CHECK_EQ(node.best_block(), found.hash.display_hex());
    REQUIRE(pool.wait([&] { return pool.clean_job_on(found.hash.display_hex()) != nullptr; }));
    REQUIRE(pool.wait([&] { return pool.status.connected; }));
  });
}

TEST_CASE("a block that the pool did not see through is submitted at the next start" *
          needs_bitcoind()) {
  with_node([&](uv::Loop& loop, RegtestNode& node) {
    test::TemporaryFolder data;
    FoundBlock found;
    {
      NodeThread pool(loop, {.nodes = {node.config(true)}, .data_dir = data.path()});
      REQUIRE(pool.wait_for_jobs(1));
      found = test::find_block(pool.jobs[0]);
      node.stop(SIGKILL);
      pool.post(found);
      REQUIRE(pool.wait([&] { return pool.vaulted.size() == 1; }));
    }
    REQUIRE_EQ(files_in(data.path() + "/vault"), 1);
    node.start();
    NodeThread pool(loop, {.nodes = {node.config(true)}, .data_dir = data.path()});
    REQUIRE(pool.wait([&] { return pool.outcomes.size() == 1; }));
    CHECK(pool.outcomes[0].status == BlockStatus::accepted);
    CHECK_EQ(node.best_block(), found.hash.display_hex());
    REQUIRE(pool.wait([&] { return files_in(data.path() + "/vault") == 0; }));
  });
}

TEST_CASE("an outcome that never became durable is told again after a restart, as a duplicate" *
          needs_bitcoind()) {
  with_node([&](uv::Loop& loop, RegtestNode& node) {
    test::TemporaryFolder data;
    const NodeThread::Setting setting{.nodes = {node.config(true)},
                                      .data_dir = data.path(),
                                      .payout_script = {0x51},
                                      .journal_answers = false};
    {
      NodeThread pool(loop, setting);
      REQUIRE(pool.wait_for_jobs(1));
      pool.post(test::find_block(pool.jobs[0]));
      REQUIRE(pool.wait([&] { return pool.outcomes.size() == 1; }));
    }
    CHECK_EQ(files_in(data.path() + "/vault"), 1);
    NodeThread pool(loop, setting);
    REQUIRE(pool.wait([&] { return pool.outcomes.size() == 1; }));
    CHECK(pool.outcomes[0].status == BlockStatus::accepted);
    REQUIRE_EQ(pool.candidates.size(), 1);
    CHECK_EQ(pool.candidates[0].hash, pool.outcomes[0].hash);
    pool.post(Durable{pool.last_append});
    REQUIRE(pool.wait([&] { return files_in(data.path() + "/vault") == 0; }));
  });
}

TEST_CASE("check_node with a real node" * needs_bitcoind()) {
  with_node([&](uv::Loop&, RegtestNode& node) {
    const auto good = check_node(node.config(false), bitcoin::Network::regtest, 10s);
    REQUIRE_MESSAGE(good.has_value(), (good ? std::string() : good.error()));
    CHECK_EQ(good->height, 0);
    CHECK(good->initial_download);
    CHECK_EQ(good->subversion.substr(0, 9), "/Satoshi:");
    CHECK_EQ(good->coinbase_value.value, 5'000'000'000);

    const auto wrong_chain = check_node(node.config(false), bitcoin::Network::mainnet, 10s);
    REQUIRE_FALSE(wrong_chain);
    CHECK_NE(wrong_chain.error().find("is on chain \"regtest\""), std::string::npos);

    NodeConfig wrong = node.config(false);
    wrong.user = "u";
    wrong.password = "wrong";
    const auto refused = check_node(wrong, bitcoin::Network::regtest, 10s);
    REQUIRE_FALSE(refused);
    MESSAGE(refused.error());
    CHECK_NE(refused.error().find("\"user\" and \"password\""), std::string::npos);

    node.stop();
    const auto gone = check_node(node.config(false), bitcoin::Network::regtest, 10s);
    REQUIRE_FALSE(gone);
    MESSAGE(gone.error());
    CHECK_NE(gone.error().find("is bitcoind running"), std::string::npos);
  });
}

}  // namespace pool
