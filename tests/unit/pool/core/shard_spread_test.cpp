// A job that is told to one miner after the other.
#include "tests/unit/pool/core/shard_fixture.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace pool_test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t step = mining::job_id_step;

// Ten more miners beside the world's own, all on job 1.
struct SpreadWorld : World {
  std::vector<pool::ConnectionId> miners;

  SpreadWorld() {
    tell({.id = step}, 0ms);
    for (std::uint64_t i = 1; i <= 10; ++i) miners.push_back(join(i));
    forget();
  }
  pool::ConnectionId join(std::uint64_t number) {
    const pool::ConnectionId who{number};
    REQUIRE(shard.on_connect(who, test_peer(), clock.now));
    say(who, R"({"id":1,"method":"mining.subscribe","params":["test/1"]})");
    say(who, std::string(R"({"id":2,"method":"mining.authorize","params":[")") + address +
                 R"(.rig","x"]})");
    return who;
  }
  void tell(const JobOptions& options, std::chrono::milliseconds spread, bool clean = false) {
    shard.on_new_job(make_job(options), clean, spread, clock.now);
  }
  void pass(std::chrono::milliseconds time) {
    clock.now.mono += time;
    clock.now.wall += time;
    if (shard.is_spreading()) shard.continue_spread(clock.now);
  }
  void forget() { host.sent.clear(); }
  // Which miners were told this job, one digit each in their order: "1101…".
  std::string told(std::uint64_t job) {
    const std::string id = mining::job_id_text(mining::JobId{job});
    std::string text;
    for (const pool::ConnectionId who : miners) {
      int times = 0;
      for (const std::string& line : host.sent[who]) {
        if (line.find("mining.notify") != std::string::npos && line.find(id) != std::string::npos) {
          ++times;
        }
      }
      text += std::to_string(times);
    }
    return text;
  }
};

constexpr JobOptions refresh(std::uint64_t id) { return {.id = id, .clean = false}; }

}  // namespace

TEST_CASE("a spread refresh reaches everybody once, evenly over its time") {
  SpreadWorld world;
  world.tell(refresh(2 * step), 10s);
  CHECK(world.shard.is_spreading());
  CHECK_EQ(world.told(2 * step), "0000000000");
  world.pass(999ms);
  CHECK_EQ(world.told(2 * step), "0000000000");
  world.pass(1ms);
  CHECK_EQ(world.told(2 * step), "1000000000");
  world.pass(4s);
  CHECK_EQ(world.told(2 * step), "1111100000");
  world.pass(4999ms);
  CHECK_EQ(world.told(2 * step), "1111111110");
  world.pass(1ms);
  CHECK_EQ(world.told(2 * step), "1111111111");
  CHECK_FALSE(world.shard.is_spreading());
}

TEST_CASE("a spread whose loop was late is over at its end") {
  SpreadWorld world;
  world.tell(refresh(2 * step), 10s);
  world.pass(60s);
  CHECK_EQ(world.told(2 * step), "1111111111");
  CHECK_FALSE(world.shard.is_spreading());
}

TEST_CASE("a clean job, or one that is not spread, ends the spread and goes to everybody") {
  for (const bool clean : {true, false}) {
    CAPTURE(clean);
    SpreadWorld world;
    world.tell(refresh(2 * step), 10s);
    world.pass(5s);
    world.tell({.id = 3 * step, .tip = static_cast<std::uint8_t>(clean ? 2 : 1), .clean = clean},
               clean ? 10s : 0s);
    CHECK_EQ(world.told(3 * step), "1111111111");
    CHECK_FALSE(world.shard.is_spreading());
    world.pass(10s);
    CHECK_EQ(world.told(2 * step), "1111100000");
  }
}

TEST_CASE("a job that took the place of a clean one is not spread") {
  SpreadWorld world;
  world.tell(refresh(2 * step), 10s, true);
  CHECK_EQ(world.told(2 * step), "1111111111");
  CHECK_FALSE(world.shard.is_spreading());
}

TEST_CASE("when a spread takes the place of another, those whose jobs are oldest come first") {
  SpreadWorld world;
  world.tell(refresh(2 * step), 10s);
  world.pass(6s);
  CHECK_EQ(world.told(2 * step), "1111110000");
  world.tell(refresh(3 * step), 10s);
  world.pass(4s);
  CHECK_EQ(world.told(3 * step), "0000001111");
  world.pass(6s);
  CHECK_EQ(world.told(3 * step), "1111111111");
  CHECK_EQ(world.told(2 * step), "1111110000");
}

TEST_CASE(
    "who comes or needs a notify during a spread gets the newest job, and no older one after") {
  SpreadWorld world;
  world.tell(refresh(2 * step), 10s);
  const pool::ConnectionId late = world.join(50);
  world.miners.push_back(late);
  CHECK_EQ(world.told(2 * step), "00000000001");
  // A difficulty of its own brings the last miner a notify at once.
  world.say(world.miners[9], R"({"id":9,"method":"mining.suggest_difficulty","params":[2]})");
  CHECK_EQ(world.told(2 * step), "00000000011");
  world.pass(10s);
  CHECK_EQ(world.told(2 * step), "11111111111");
}

TEST_CASE("who has gone, or never logged in, does not hold up a spread") {
  SpreadWorld world;
  const pool::ConnectionId silent{60};
  REQUIRE(world.shard.on_connect(silent, test_peer(), world.clock.now));
  world.tell(refresh(2 * step), 10s);
  world.disconnect(world.miners[3]);
  world.pass(10s);
  CHECK_EQ(world.told(2 * step), "1110111111");
  CHECK(world.host.sent[silent].empty());
  CHECK_FALSE(world.shard.is_spreading());
}

TEST_CASE("a share for the job before a spread one is good throughout") {
  SpreadWorld world;
  world.handshake();
  world.heard();
  world.tell(refresh(2 * step), 10s);
  const auto before = make_job({.id = step});
  const auto start = test_options().ports[0].start;
  const pool::Extranonce1 own{0, 3, 0, 10};  // of the connection that logged in eleventh
  world.say(world.submit_line(grind(*before, own, meets(start)), step));
  world.pass(10s);
  world.settle();
  CHECK_EQ(world.shard.stats().shares_accepted, 1);
}

TEST_CASE("a draining shard spreads nothing") {
  SpreadWorld world;
  world.tell(refresh(2 * step), 10s);
  world.shard.drain(world.clock.now);
  CHECK_FALSE(world.shard.is_spreading());
  world.tell(refresh(3 * step), 10s);
  CHECK_FALSE(world.shard.is_spreading());
}
