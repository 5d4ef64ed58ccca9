#include "pool/core/difficulty_control.h"

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <limits>

using namespace std::chrono_literals;
using bitcoin::Difficulty;
using mining::JobId;
using pool::DifficultyControl;
using pool::DifficultyPolicy;
using Urgency = pool::DifficultyControl::Urgency;

namespace {

Difficulty difficulty(double value) { return *Difficulty::from_double(value); }
const Difficulty network = *Difficulty::from_double(1e14);

struct Miner {
  DifficultyPolicy policy{difficulty(1024), difficulty(1), std::nullopt, true, 6, false};
  base::MonoTime now{};
  DifficultyControl control{policy, now};
  std::uint64_t job = 0;

  std::optional<Difficulty> announce(Difficulty of_network = network) {
    return control.announce(JobId{++job}, of_network, now);
  }
  double first(Difficulty of_network = network) {
    const auto announced = announce(of_network);
    REQUIRE(announced);
    return announced->value();
  }
  bool suggest(double value) { return control.on_suggestion(value, network, now); }
};

pool::UserAgentRule rule(std::optional<Difficulty> start, std::optional<Difficulty> min = {},
                         std::optional<Difficulty> max = {}) {
  pool::UserAgentRule made;
  made.start = start;
  made.min = min;
  made.max = max;
  return made;
}

}  // namespace

TEST_CASE("who decides the start") {
  struct Row {
    const char* why;
    double agent, remembered, suggestion;
    const char* password;
    double starts;
  };
  const Row rows[] = {
      {"the port", 0, 0, 0, "x", 1024},
      {"the rule before the port", 64, 0, 0, "x", 64},
      {"the last connection before the rule", 64, 128, 0, "x", 128},
      {"the suggestion before it", 64, 128, 256, "x", 256},
      {"the password before all", 64, 128, 256, "d=512", 512},
      {"also when it asks for less", 64, 128, 256, "d=32", 32},
      {"the speed in TH/s: 10 s of it", 64, 128, 256, "th=1", 2328},
      {"d= before th=", 64, 128, 256, "th=1,d=16", 16},
      {"fd= before d=", 64, 128, 256, "fd=2,d=16", 2},
      {"md= raises the start", 64, 0, 0, "md=100", 100},
      {"md= below it changes nothing", 64, 0, 0, "md=10", 64},
      {"below the port's floor", 64, 0, 0.25, "x", 1},
      {"beyond the network", 64, 0, 1e300, "x", 1e14},
  };
  for (const Row& row : rows) {
    for (const bool password_first : {false, true}) {
      CAPTURE(row.why);
      CAPTURE(password_first);
      Miner miner;
      const auto login = [&] {
        if (row.remembered > 0) miner.control.on_remembered(difficulty(row.remembered));
        miner.control.on_password(pool::parse_password_options(row.password));
      };
      if (password_first) login();
      if (row.suggestion > 0) CHECK_FALSE(miner.suggest(row.suggestion));
      if (row.agent > 0) miner.control.on_user_agent(rule(difficulty(row.agent)));
      if (!password_first) login();
      CHECK_EQ(miner.first(), row.starts);
    }
  }
}

TEST_CASE("bounds: the port's floor, the ceilings, and floors that were asked for") {
  SUBCASE("the floor wins over the network") {
    Miner miner;
    CHECK_EQ(miner.first(difficulty(0.001)), 1);
  }
  SUBCASE("a share is never harder than a block") {
    Miner miner;
    CHECK_EQ(miner.first(difficulty(16307.42)), 1024);
    CHECK_EQ(miner.announce(difficulty(700.5)), difficulty(700));
    CHECK_EQ(miner.announce(network), difficulty(1024));
    CHECK_FALSE(miner.announce(network));
  }
  SUBCASE("NiceHash's least is bounded by the network") {
    Miner miner;
    miner.control.on_user_agent(rule(difficulty(524288), difficulty(524288)));
    CHECK_EQ(miner.control.announce_early(difficulty(2000)), difficulty(2000));
    CHECK_EQ(miner.first(difficulty(2000)), 2000);
    CHECK_EQ(miner.announce(network), difficulty(524288));
  }
  SUBCASE("the rule's ceiling, and the port's") {
    Miner miner;
    miner.control.on_user_agent(rule({}, {}, difficulty(512)));
    CHECK_EQ(miner.first(), 512);
    miner.policy.max = difficulty(256);
    CHECK_EQ(miner.announce(), difficulty(256));
  }
  SUBCASE("minimum-difficulty raises the floor and is taken back by nonsense") {
    Miner miner;
    miner.control.on_minimum(2048.5);
    CHECK_EQ(miner.control.wanted(network), difficulty(2048));
    for (const double bad : {0.0, -1.0, std::nan("")}) {
      miner.control.on_minimum(4096);
      miner.control.on_minimum(bad);
      CHECK_EQ(miner.control.wanted(network), difficulty(1024));
    }
    miner.control.on_minimum(std::numeric_limits<double>::infinity());
    CHECK_EQ(miner.control.wanted(network), network);
  }
  SUBCASE("a floor that is no whole number is rounded up to one") {
    Miner miner;
    miner.policy.min = difficulty(1500.5);
    CHECK_EQ(miner.first(), 1501);
  }
}

TEST_CASE("a suggestion after the first job is announced soon, and once") {
  Miner miner;
  CHECK_EQ(miner.first(), 1024);
  miner.now += 5s;
  CHECK(miner.suggest(2000.7));
  CHECK_EQ(miner.announce(), difficulty(2000));
  CHECK_FALSE(miner.announce());
  // NerdMiner's keepalive.
  for (int i = 0; i < 100; ++i) {
    miner.now += 30s;
    CHECK_FALSE(miner.suggest(2000.7));
  }
  CHECK(miner.suggest(0.25));  // below the floor: 1
  CHECK_EQ(miner.announce(), difficulty(1));
  miner.now += 60s;
  CHECK_FALSE(miner.suggest(0.125));  // still 1
  CHECK_FALSE(miner.announce());
  for (const double bad : {0.0, -5.0, std::nan(""), -std::numeric_limits<double>::infinity()}) {
    CHECK_FALSE(miner.suggest(bad));
  }
  CHECK_FALSE(miner.announce());
}

TEST_CASE("a repeated suggestion does not undo what vardiff found") {
  Miner miner;
  miner.suggest(1000);
  miner.first();
  for (int i = 0; i < 20; ++i) {
    miner.now += 60ms;
    miner.control.on_share(1000, miner.now);
  }
  CHECK_EQ(miner.control.retarget(network, miner.now), Urgency::now);
  const auto raised = miner.announce();
  REQUIRE(raised);
  CHECK(raised->value() > 100'000);
  miner.now += 29s;
  CHECK_FALSE(miner.suggest(1000));
  CHECK_FALSE(miner.announce());
  CHECK_EQ(miner.control.wanted(network), *raised);
}

TEST_CASE("suggestions in quick succession wait for jobs that come anyway") {
  Miner miner;
  miner.first();
  CHECK(miner.suggest(100));
  CHECK_EQ(miner.announce(), difficulty(100));
  miner.now += 1s;
  CHECK_FALSE(miner.suggest(200));
  CHECK_FALSE(miner.suggest(300));
  CHECK_EQ(miner.announce(), difficulty(300));
}

TEST_CASE("a suggestion is a floor for vardiff, the next one replaces it") {
  Miner miner;
  CHECK_FALSE(miner.suggest(4096));
  CHECK_EQ(miner.first(), 4096);
  miner.now += 3600s;  // silent
  CHECK_EQ(miner.control.retarget(network, miner.now), Urgency::none);
  CHECK(miner.suggest(16));
  CHECK_EQ(miner.announce(), difficulty(16));
}

TEST_CASE("a fixed difficulty and a port without vardiff stay where they are") {
  for (const bool by_password : {true, false}) {
    Miner miner;
    miner.policy.vardiff = by_password;
    if (by_password) miner.control.on_password(pool::parse_password_options("fd=64"));
    if (by_password) miner.control.on_minimum(128);  // firmware's own
    const double start = miner.first();
    CHECK_EQ(start, by_password ? 64 : 1024);
    for (int i = 0; i < 1000; ++i) {
      miner.now += 100ms;
      miner.control.on_share(1e9, miner.now);
      CHECK_EQ(miner.control.retarget(network, miner.now), Urgency::none);
    }
    miner.now += 3600s;
    CHECK_EQ(miner.control.retarget(network, miner.now), Urgency::none);
    CHECK_FALSE(miner.announce());
    CHECK_FALSE(miner.control.proven());
  }
}

TEST_CASE("vardiff: a flood is answered at once, and its half-paid job is ended") {
  Miner miner;
  CHECK_EQ(miner.control.retarget(network, miner.now), Urgency::none);  // nothing announced
  miner.first();
  Urgency urgency = Urgency::none;
  int shares = 0;
  while (urgency == Urgency::none && shares < 100) {
    miner.now += 60ms;
    ++shares;
    miner.control.on_share(1024, miner.now);
    urgency = miner.control.retarget(network, miner.now);
  }
  CHECK_EQ(urgency, Urgency::now);
  CHECK(shares <= 8);
  CHECK_EQ(miner.control.retarget(network, miner.now), Urgency::now);  // until it is done
  const auto raised = miner.announce();
  REQUIRE(raised);
  CHECK(raised->value() > 100 * 1024);
  CHECK(raised->value() < 400 * 1024);
  CHECK_EQ(miner.control.history().for_job(JobId{miner.job}).difficulty, difficulty(1024));

  CHECK_EQ(miner.control.retarget(network, miner.now + 4s), Urgency::none);
  CHECK_EQ(miner.control.retarget(network, miner.now + 5s), Urgency::now);
  CHECK_FALSE(miner.announce());
  CHECK_EQ(miner.control.history().for_job(JobId{miner.job}).difficulty, *raised);
  CHECK_EQ(miner.control.retarget(network, miner.now + 6s), Urgency::none);
}

TEST_CASE("vardiff: silence is answered with the next job") {
  Miner miner;
  miner.policy.power_of_two = true;
  miner.first();
  miner.now += 79s;
  CHECK_FALSE(miner.announce());
  miner.now += 2s;
  CHECK_EQ(miner.control.retarget(network, miner.now), Urgency::none);  // no job for it alone
  CHECK_EQ(miner.announce(), difficulty(32));
  CHECK_FALSE(miner.announce());
}

TEST_CASE("a change that waits is said to wait") {
  Miner miner;
  miner.first();
  miner.suggest(2048);
  CHECK_EQ(miner.control.retarget(network, miner.now), Urgency::next_notify);
  miner.announce();
  CHECK_EQ(miner.control.retarget(network, miner.now), Urgency::none);
}

TEST_CASE("what was said at subscribe counts for the first job too") {
  Miner miner;
  CHECK_EQ(miner.control.announce_early(network), difficulty(1024));
  CHECK_FALSE(miner.control.announced());
  miner.control.on_password(pool::parse_password_options("d=4096"));
  CHECK_EQ(miner.first(), 4096);
  CHECK_EQ(miner.control.history().for_job(JobId{1}).difficulty, difficulty(1024));
  CHECK_EQ(miner.control.history().for_job(JobId{2}).difficulty, difficulty(4096));

  Miner same;
  same.control.announce_early(network);
  CHECK_EQ(same.first(), 1024);  // said again: the client may wait for it
}

TEST_CASE("only a difficulty that shares have proven is worth remembering") {
  Miner miner;
  CHECK_FALSE(miner.control.proven());
  miner.first();
  for (int i = 0; i < 7; ++i) {
    miner.now += 10s;
    miner.control.on_share(1024, miner.now);
  }
  CHECK_FALSE(miner.control.proven());
  miner.now += 10s;
  miner.control.on_share(1024, miner.now);
  CHECK_EQ(miner.control.proven(), difficulty(1024));
}

TEST_CASE("the memory of a connection is what the header says") {
  CHECK(sizeof(pool::VardiffLaw) <= 96);
  CHECK(sizeof(DifficultyControl) <= 256);
  MESSAGE("VardiffLaw ", sizeof(pool::VardiffLaw), " bytes, DifficultyControl ",
          sizeof(DifficultyControl), ", a change ", sizeof(pool::DifficultyHistory::Entry));
}
