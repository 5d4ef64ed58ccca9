// What docs/vardiff.md promises, in simulation: over the same seeds each time.
#include "tests/sim/vardiff_rules.h"
#include "tests/sim/vardiff_world.h"

#include <doctest/doctest.h>

namespace {

constexpr double terahash = 1e12;

sim::MakeRule rule(double target, bool power_of_two) {
  return [=](double start) { return sim::make_pool_rule(start, target, power_of_two); };
}

}  // namespace

TEST_CASE("vardiff settles from 1000 times too low or too high within three retargets") {
  for (const double target : {6.0, 20.0, 60.0}) {
    for (const double start : {0.001, 1000.0}) {
      for (const bool power_of_two : {false, true}) {
        for (std::uint64_t seed = 1; seed <= 8; ++seed) {
          CAPTURE(target);
          CAPTURE(start);
          CAPTURE(power_of_two);
          CAPTURE(seed);
          const sim::Outcome outcome =
              sim::run(sim::steady(start, 2), rule(target, power_of_two), target, terahash, seed);
          CHECK(outcome.settled);
          CHECK(outcome.changes_until_settled <= 3);
          CHECK(outcome.refused == 0);
        }
      }
    }
  }
}

TEST_CASE("vardiff keeps the share rate within 15 % of the target") {
  for (const double target : {1.0, 6.0, 20.0, 60.0}) {
    for (const sim::Scenario& scenario :
         {sim::steady(1), sim::on_and_off(), sim::proxy(), sim::fading(), sim::vanished()}) {
      for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        CAPTURE(scenario.name);
        CAPTURE(target);
        CAPTURE(seed);
        const sim::Outcome outcome =
            sim::run(scenario, rule(target, false), target, terahash, seed);
        CHECK(outcome.mean_rate > 0.85);
        CHECK(outcome.mean_rate < 1.15);
        CHECK(outcome.refused == 0);
      }
    }
  }
}

TEST_CASE("vardiff leaves a steady miner alone") {
  for (const double target : {6.0, 60.0}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      CAPTURE(target);
      CAPTURE(seed);
      const auto exact = sim::run(sim::steady(1), rule(target, false), target, terahash, seed);
      CHECK(exact.changes_per_hour <= 2);
      const auto rounded = sim::run(sim::steady(1), rule(target, true), target, terahash, seed);
      CHECK(rounded.changes_per_hour <= 1);
    }
  }
}

TEST_CASE("vardiff bounds what a flood brings") {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    const auto outcome = sim::run(sim::steady(0.001, 1), rule(6, false), 6, terahash, seed);
    CHECK(outcome.shares_worst_minute < 100);  // times the target; 1000 without vardiff
  }
}
