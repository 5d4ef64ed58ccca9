// What a shard tells of the workers that are connected to it.
#include "pool/core/limits.h"
#include "pool/core/shard.h"

#include "tests/unit/pool/core/shard_fixture.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace pool_test;

namespace {

constexpr std::int64_t second_us = 1'000'000;

void log_in(World& world, pool::ConnectionId who, const std::string& user,
            const std::string& agent = "test/1") {
  REQUIRE(world.shard.on_connect(who, test_peer(), world.clock.now));
  world.say(who, R"({"id":1,"method":"mining.subscribe","params":[")" + agent + R"("]})");
  world.say(who, R"({"id":2,"method":"mining.authorize","params":[")" + user + R"(","x"]})");
}

pool::LiveAnswer ask(const World& world, const std::vector<std::string>& names) {
  return world.shard.live({address, names});
}

}  // namespace

TEST_CASE("a worker that is connected: what it is, since when, and its last share") {
  World world;
  world.new_job({.id = 1});
  world.handshake();  // address.rig
  const std::int64_t connected = world.clock.now.unix_micros();
  const auto job = make_job({.id = 1});
  world.clock.advance(30s);
  auto answer = ask(world, {"rig", "other"});
  REQUIRE_EQ(answer.asked.size(), 1);
  CHECK_EQ(answer.asked[0],
           pool::LiveWorker{"rig", 1, connected, connected, "test/1",
                            test_options().ports[0].start.value(), false, std::nullopt});
  CHECK_EQ(answer.silent, answer.asked);
  CHECK_EQ(answer.workers, 1);
  CHECK_EQ(answer.hashes.size(), 1);
  CHECK_EQ(answer.shard, test_options().index);

  world.say(
      world.submit_line(grind(*job, first_extranonce1, meets(test_options().ports[0].start)), 1));
  const std::int64_t shared = world.clock.now.unix_micros();
  world.clock.advance(5s);
  answer = ask(world, {"rig"});
  REQUIRE_EQ(answer.asked.size(), 1);
  CHECK_EQ(answer.asked[0].last_share_us, shared);
  CHECK_EQ(answer.asked[0].connected_us, connected);
  CHECK(answer.silent.empty());
}

TEST_CASE("a refused share is no sign of life") {
  World world;
  world.new_job({.id = 1});
  world.handshake();
  const auto bad =
      grind(*make_job({.id = 1}), first_extranonce1, misses(test_options().ports[0].start));
  world.say(world.submit_line(bad, 1));
  CHECK_EQ(ask(world, {}).silent.size(), 1);
}

TEST_CASE("of several connections the oldest says since when, the newest what it is") {
  World world;
  world.new_job({.id = 1});
  world.handshake();
  const std::int64_t first = world.clock.now.unix_micros();
  world.clock.advance(10s);
  log_in(world, pool::ConnectionId{43}, std::string(address) + ".rig", "newer/2");
  const auto both = ask(world, {"rig"}).asked.at(0);
  CHECK_EQ(both.connections, 2);
  CHECK_EQ(both.connected_us, first);
  CHECK_EQ(both.newest_us, first + 10 * second_us);
  CHECK_EQ(both.user_agent, "newer/2");
  world.disconnect(world.miner);
  const auto one = ask(world, {"rig"}).asked.at(0);
  CHECK_EQ(one.connections, 1);
  CHECK_EQ(one.connected_us, first + 10 * second_us);
  world.disconnect(pool::ConnectionId{43});
  const auto nobody = ask(world, {"rig"});
  CHECK(nobody.asked.empty());
  CHECK(nobody.silent.empty());
  CHECK_EQ(nobody.workers, 0);
}

TEST_CASE("a miner of coherence work alone has no difficulty of shares") {
  auto options = test_options();
  options.coherence.enabled = true;
  World world(options);
  world.new_job({.id = 1});
  world.say(R"({"id":1,"method":"mining.configure","params":[["coherence"],)"
            R"({"coherence.version":1,"coherence.only":true}]})");
  world.handshake();
  const auto worker = ask(world, {"rig"}).asked.at(0);
  CHECK(worker.takes_coherence);
  CHECK_FALSE(worker.difficulty);
}

TEST_CASE("no more names are looked at than a question may have") {
  World world;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < pool::limits::live_names_asked_max; ++i)
    names.push_back("n" + std::to_string(i));
  world.handshake();
  names.emplace_back("rig");
  CHECK(ask(world, names).asked.empty());
  CHECK_EQ(ask(world, names).silent.size(), 1);
}

TEST_CASE("statistics have the names behind their counts") {
  World world;
  world.handshake();
  log_in(world, pool::ConnectionId{43}, std::string(address) + ".rig2");
  pool::ShardStats stats = world.shard.stats();
  CHECK_EQ(stats.worker_hashes, nullptr);
  world.shard.add_hashes(stats);
  CHECK_EQ(stats.workers, 2);
  CHECK_EQ(stats.worker_hashes->size(), 2);
  CHECK_EQ(stats.miners, 1);
  CHECK_EQ(stats.miner_hashes->size(), 1);
}
