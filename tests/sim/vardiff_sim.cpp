// vardiff_sim: the table of docs/vardiff.md. Every figure is deterministic: seeds 1 to N.
//
// usage: vardiff_sim [SEEDS [ONLY ROWS WITH THIS IN rule/target/miner]]
#include "tests/sim/vardiff_rules.h"
#include "tests/sim/vardiff_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using sim::Outcome;
using sim::Scenario;

struct Row {
  std::string rule;
  double target;
  Scenario scenario;
  double speed;
  sim::MakeRule make;
};

void print_header() {
  fmt::print(
      "| rule | target | miner | retargets to settle (most) | at most 3 | seconds (most) "
      "| mean rate / target (range) | changes/h | worst minute | credited | refused |\n"
      "|---|---|---|---|---|---|---|---|---|---|---|\n");
}

void print_row(const Row& row, int seeds, const std::string& only) {
  if (fmt::format("{}/{}/{}", row.rule, row.target, row.scenario.name).find(only) ==
      std::string::npos)
    return;
  std::vector<Outcome> outcomes;
  for (int seed = 1; seed <= seeds; ++seed) {
    outcomes.push_back(
        sim::run(row.scenario, row.make, row.target, row.speed, static_cast<std::uint64_t>(seed)));
  }
  const auto mean = [&](auto member) {
    double sum = 0;
    for (const Outcome& outcome : outcomes) sum += static_cast<double>(outcome.*member);
    return sum / seeds;
  };
  const auto ends = [&](auto member) {
    return std::minmax_element(
        outcomes.begin(), outcomes.end(),
        [&](const Outcome& a, const Outcome& b) { return a.*member < b.*member; });
  };
  const auto changes = ends(&Outcome::changes_until_settled);
  const auto seconds = ends(&Outcome::seconds_until_settled);
  const auto rates = ends(&Outcome::mean_rate);
  const auto worst = ends(&Outcome::shares_worst_minute);
  const auto within_three = std::count_if(
      outcomes.begin(), outcomes.end(),
      [](const Outcome& outcome) { return outcome.settled && outcome.changes_until_settled <= 3; });
  const bool settles = std::all_of(outcomes.begin(), outcomes.end(),
                                   [](const Outcome& outcome) { return outcome.settled; });
  std::string settled = row.scenario.is_steady ? "never | | " : "| | ";
  if (row.scenario.is_steady && settles) {
    settled = fmt::format(
        "{:.1f} ({}) | {:.0f} % | {:.0f} ({:.0f})", mean(&Outcome::changes_until_settled),
        changes.second->changes_until_settled, 100.0 * static_cast<double>(within_three) / seeds,
        mean(&Outcome::seconds_until_settled), seconds.second->seconds_until_settled);
  }
  fmt::print(
      "| {} | {} | {} | {} | {:.2f} ({:.2f}–{:.2f}) | {:.1f} | {:.1f}x | {:.3f} | {:.2f} % |\n",
      row.rule, row.target, row.scenario.name, settled, mean(&Outcome::mean_rate),
      rates.first->mean_rate, rates.second->mean_rate, mean(&Outcome::changes_per_hour),
      worst.second->shares_worst_minute, mean(&Outcome::credited), 100 * mean(&Outcome::refused));
  std::fflush(stdout);  // rows take a while
}

std::vector<Scenario> scenarios() {
  const auto named = [](Scenario scenario, const char* name) {
    scenario.name = name;
    return scenario;
  };
  return {named(sim::steady(1), "steady, start right"),
          named(sim::steady(0.001), "steady, start 1000x too low"),
          named(sim::steady(1000), "steady, start 1000x too high"),
          named(sim::steady(1e-6), "steady, start 1000000x too low"),
          named(sim::steady(1e6, 24), "steady, start 1000000x too high"),
          sim::on_and_off(),
          sim::proxy(),
          sim::fading(),
          sim::vanished()};
}

// A start as configured, not as suits the miner.
Scenario starting_at(double difficulty, const char* name, double speed, double target) {
  Scenario scenario = sim::steady(1);
  scenario.start_factor = difficulty / (speed / sim::hashes_per_difficulty * 60 / target);
  scenario.name = name;
  return scenario;
}

}  // namespace

int main(int argc, char** argv) {
  const int seeds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 20;
  const std::string only = argc > 2 ? argv[2] : "";
  constexpr double bitaxe = 1.2e12;
  print_header();
  for (const bool power_of_two : {false, true}) {
    const std::string rule = power_of_two ? "powers of two" : "exact";
    for (const double target : {1.0, 6.0, 20.0, 60.0}) {
      if (power_of_two && target != 6) continue;  // the others are alike
      const auto make = [=](double start) {
        return sim::make_pool_rule(start, target, power_of_two);
      };
      for (const Scenario& scenario : scenarios()) {
        print_row({rule, target, scenario, bitaxe, make}, seeds, only);
      }
      if (target != 6) continue;
      constexpr double nerdminer = 78e3;
      constexpr double farm = 1e15;
      print_row(
          {rule, target, starting_at(1.0 / 2048, "NerdMiner, 78 kH/s, from 1/2048", nerdminer, 6),
           nerdminer, make},
          seeds, only);
      print_row({rule, target, starting_at(1024, "farm, 1 PH/s, from 1024", farm, 6), farm, make},
                seeds, only);
    }
  }
  for (const Scenario& scenario : scenarios()) {
    print_row({"ckpool's", sim::ckpool_shares_per_minute, scenario, bitaxe, sim::make_ckpool_rule},
              seeds, only);
  }
  for (const Scenario& scenario : scenarios()) {
    print_row({"DATUM's", sim::datum_shares_per_minute, scenario, bitaxe, sim::make_datum_rule},
              seeds, only);
  }
}
