// A pool, a connection and a miner in virtual time, to see what a rule for difficulties does.
//
// Shares come as a Poisson process at the miner's speed. The pool sends a job every 30 s, or at
// once where the rule asks for it; a job and the difficulty before it reach the miner a little
// later, and it finishes old work for a moment longer. The rule is asked at every share, at a tick
// a second, and before every job, as a session asks.
//
// Units: speed is in hashes a second; `ideal` is the difficulty at which it meets the target.
#pragma once

#include "common/base/random.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sim {

inline constexpr double hashes_per_difficulty = 4294967296.0;

// What decides; the pool's own and those it is compared with (vardiff_rules.h).
class Rule {
 public:
  virtual ~Rule() = default;
  // What to announce immediately before this job, if anything. The first job has something.
  virtual std::optional<double> announce(std::uint64_t job, double now) = 0;
  // The least that a share for this job must meet; it is credited with that.
  virtual double required(std::uint64_t job) = 0;
  virtual void on_share(double share_difficulty, double credited, double now) = 0;
  // True: a job should go out now.
  virtual bool wants_job(double now) = 0;
};

// A miner's speed: constant from one of these on.
struct Speed {
  double from;  // seconds
  double hashes_per_second;
};

struct Scenario {
  std::string name;
  double start_factor = 1;  // the first difficulty, in terms of the ideal one
  double hours = 8;
  bool is_steady = true;  // one speed: settling means something
  std::function<std::vector<Speed>(double base, double seconds, base::Random& random)> speeds;
};

struct Outcome {
  bool settled = false;           // within a factor of 2 of the ideal, for ten minutes on end
  int changes_until_settled = 0;  // announcements after the first
  double seconds_until_settled = 0;
  double mean_rate = 0;            // accepted shares over the whole run, relative to the target
  double changes_per_hour = 0;     // after settling (or in all, if speed is not constant)
  double shares_worst_minute = 0;  // relative to the target
  double credited = 0;             // work credited / work done
  double refused = 0;              // shares refused as too easy / all
};

using MakeRule = std::function<std::unique_ptr<Rule>(double start_difficulty)>;

// `base_speed` is what the scenario's speeds are multiples of.
Outcome run(const Scenario& scenario, const MakeRule& make_rule, double shares_per_minute,
            double base_speed, std::uint64_t seed);

// The scenarios of docs/vardiff.md.
Scenario steady(double start_factor, double hours = 8);
Scenario on_and_off();  // works and pauses some minutes each
Scenario proxy();       // jumps between a speed and ten times it
Scenario fading();      // halves every two hours
Scenario vanished();    // a tenth of the speed is left after two hours

double uniform(base::Random& random);      // in (0, 1]
double exponential(base::Random& random);  // mean 1

}  // namespace sim
