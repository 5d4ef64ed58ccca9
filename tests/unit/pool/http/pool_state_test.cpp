#include "pool/http/pool_state.h"

#include <doctest/doctest.h>

using namespace pool;
using namespace std::chrono_literals;

namespace {

base::Instant at(std::chrono::seconds since_start) {
  base::Instant now;
  now.mono += 1000s + since_start;
  now.wall += 1'700'000'000s + since_start;
  return now;
}

ShardStats shard(std::uint32_t index, std::uint64_t shares, std::uint64_t work) {
  ShardStats stats;
  stats.shard = ShardIndex{index};
  stats.connections = 2;
  stats.workers = 3;
  stats.miners = 1;
  stats.shares_accepted = shares;
  stats.work_accepted = base::U256{work};
  stats.rejects[0] = 1;
  stats.best_share_difficulty = static_cast<double>(shares);
  stats.job_id = 5;
  return stats;
}

}  // namespace

TEST_CASE("shards are added up, and a shard's newest report replaces its last") {
  PoolState state({}, at(0s));
  state.on(shard(0, 10, 0));
  state.on(shard(1, 20, 0));
  state.on(shard(0, 15, 0));
  const PoolSnapshot s = state.snapshot(at(7s));
  CHECK_EQ(s.shares_accepted, 35);
  CHECK_EQ(s.connections, 4);
  CHECK_EQ(s.workers, 6);
  CHECK_EQ(s.miners, 2);
  CHECK_EQ(s.shares_rejected(), 2);
  CHECK_EQ(s.best_share_difficulty, 20);
  CHECK_EQ(s.uptime_seconds, 7);
  CHECK_EQ(s.time_us, 1'700'000'007'000'000);
}

TEST_CASE(
    "a worker and an address that are at two shards count once, where shards tell their names") {
  const auto hashes = [](std::vector<std::uint64_t> of) {
    return std::make_shared<const std::vector<std::uint64_t>>(std::move(of));
  };
  PoolState state({}, at(0s));
  ShardStats first = shard(0, 0, 0);
  first.worker_hashes = hashes({1, 2, 3});
  first.miner_hashes = hashes({7});
  ShardStats second = first;
  second.shard = ShardIndex{1};
  second.worker_hashes = hashes({3, 4, 5});
  state.on(first);
  state.on(second);
  const PoolSnapshot s = state.snapshot(at(7s));
  CHECK_EQ(s.workers, 5);
  CHECK_EQ(s.miners, 1);
}

TEST_CASE("the latency is that of the slowest shard that has sent the newest job") {
  PoolState state({}, at(0s));
  CHECK_FALSE(state.snapshot(at(1s)).notify_latency_us);
  ShardStats fast = shard(0, 0, 0);
  fast.notify_latency_us = 100;
  ShardStats slow = shard(1, 0, 0);
  slow.notify_latency_us = 700;
  ShardStats late = shard(2, 0, 0);
  late.job_id = 4;
  late.notify_latency_us = 90'000;
  state.on(fast);
  state.on(slow);
  state.on(late);
  REQUIRE(state.snapshot(at(1s)).notify_latency_us);
  CHECK_EQ(*state.snapshot(at(1s)).notify_latency_us, 700);
}

TEST_CASE("the hash rate is that of all shards' work") {
  PoolState state({}, at(0s));
  for (int second = 1; second <= 60; ++second) {
    const auto done = static_cast<std::uint64_t>(second) * 1000;
    state.on(shard(0, 0, done));
    state.on(shard(1, 0, done * 3));
    state.tick(at(std::chrono::seconds{second}));
  }
  const PoolSnapshot s = state.snapshot(at(60s));
  for (const double rate : s.hashrate) CHECK_EQ(rate, doctest::Approx(4000).epsilon(0.02));
}

TEST_CASE("the database's answers are kept until better ones come") {
  PoolState state({}, at(0s));
  CHECK(state.on_blocks(R"([{"height":5}])", at(3s)));
  CHECK(state.on_totals(R"({"blocks":{"accepted":1}})", at(3s)));
  CHECK_FALSE(state.on_blocks("garbage", at(9s)));
  state.on_query_failed("timeout");
  PoolSnapshot s = state.snapshot(at(10s));
  REQUIRE_EQ(s.blocks.size(), 1);
  CHECK_EQ(s.blocks[0].height, 5);
  CHECK_EQ(s.blocks_by_status.at("accepted"), 1);
  CHECK_EQ(state.query_error(), "timeout");
  CHECK_EQ(s.query_error, "the database could not answer");
  CHECK_EQ(*s.database_read_us, at(3s).unix_micros());
  CHECK(state.on_blocks("[]", at(12s)));
  s = state.snapshot(at(12s));
  CHECK(s.blocks.empty());
  CHECK(s.query_error.empty());
}

TEST_CASE("the version of the blocks changes with the rows, and only then") {
  PoolState state({}, at(0s));
  const auto version = [&](const char* json) {
    REQUIRE(state.on_blocks(json, at(1s)));
    return state.snapshot(at(1s)).blocks_version;
  };
  const auto first = version(R"([{"height":5,"confirmations":1}])");
  CHECK_EQ(version(R"([{"height":5,"confirmations":1}])"), first);
  const auto second = version(R"([{"height":5,"confirmations":2}])");
  CHECK_NE(second, first);
  CHECK_NE(version("[]"), second);
}

TEST_CASE("a block's nodes are told by their place, their words without hosts") {
  PoolState state({}, at(0s));
  NodeStatus node;
  node.nodes.resize(2);
  node.nodes[0].name = "10.1.2.3:8332";
  node.nodes[1].name = "10.1.2.4:8332";
  state.on(node);
  REQUIRE(state.on_blocks(
      R"([{"submissions":[{"node":"10.1.2.3:8332","answer":"unreachable","detail":"10.1.2.3 is away"},
          {"node":"10.1.2.4:8332","answer":"rejected","detail":"high-hash"},
          {"node":"10.1.2.4:8332","answer":"rejected","detail":"node 10.1.2.4:8332 said: no"},
          {"node":"10.9.9.9:8332","answer":"accepted","detail":""}]}])",
      at(1s)));
  const PoolSnapshot s = state.snapshot(at(1s));
  REQUIRE_EQ(s.blocks.size(), 1);
  std::string shown;
  for (const BlockAnswer& answer : s.blocks[0].answers) {
    shown += answer.node + " " + answer.answer + " " + answer.detail + ";";
  }
  CHECK_EQ(
      shown,
      "node 1 unreachable ;node 2 rejected high-hash;node 2 rejected ;another node accepted ;");
}

TEST_CASE("errors are told by their kind: hosts, users and paths stay in the log") {
  const std::string secret =
      "connection to server at \"10.1.2.3\" as user \"bob\" in /srv/pool failed";
  PoolState state({}, at(0s));
  CHECK(state.snapshot(at(1s)).query_error.empty());
  for (const bool connected : {false, true}) {
    NodeStatus node;
    node.connected = connected;
    node.error = secret;
    node.nodes = {{.name = "10.1.2.3:8332", .up = connected, .error = secret}};
    state.on(node);
    JournalStatus journal;
    journal.writable = connected;
    journal.error = secret;
    state.on(journal);
    StoredStats stored;
    stored.connected = connected;
    stored.error = secret;
    state.on(stored);
    state.on_query_failed(secret);
    const PoolSnapshot s = state.snapshot(at(1s));
    for (const std::string& error : {s.node->error, s.node->nodes[0].error, s.node->nodes[0].name,
                                     s.journal->error, s.stored->error, s.query_error}) {
      CAPTURE(error);
      CHECK_FALSE(error.empty());
      for (const char* part : {"10.1.2.3", "bob", "/srv"}) {
        CHECK_EQ(error.find(part), std::string::npos);
      }
    }
  }
}

TEST_CASE("histograms are added up over the shards, and each tip counts once for all of them") {
  PoolState state({}, at(0s));
  for (std::uint32_t i = 0; i < 3; ++i) {
    ShardStats stats = shard(i, 1, 5);
    stats.share_to_reply.add(std::chrono::milliseconds(1));
    stats.loop.queue.add(2);
    state.on(stats);
    state.on(stats);  // a report replaces the last one
    state.on(TipTold{ShardIndex{i}, mining::JobId{9}, 100 * (i + 1), 1'000 * (i + 1)}, at(1s));
  }
  state.health().lag.add(7);
  state.tick(at(10s));
  const PoolSnapshot s = state.snapshot(at(10s));
  CHECK_EQ(s.share_to_reply.count(), 3);
  CHECK_EQ(s.share_to_reply.sum(), 3'000);
  CHECK_EQ(s.shard_loops.queue.sum(), 6);
  CHECK_EQ(s.http_loop.lag.count(), 1);
  CHECK_EQ(s.notify_first.count(), 1);
  CHECK_EQ(s.notify_first.sum(), 100);
  CHECK_EQ(s.notify_last.sum(), 3'000);
  CHECK_EQ(s.work_accepted, base::U256{15});
}
