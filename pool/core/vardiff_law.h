// VardiffLaw: the difficulty that makes a connection's shares come at the rate aimed for.
//
// A share at difficulty d stands for d x 2^32 hashes whatever the difficulty is by now, so shares
// are added up as work, and a change of difficulty leaves the estimate of the hash rate as it is.
// Three questions are asked of the shares, each a likelihood ratio of a Poisson process:
//   has the rate jumped up?    a CUSUM of the shares since it last looked ordinary; a handful that
//                              come much too fast answer it, without waiting
//   has it jumped down?        the same for silence; with no share at all, 8 expected intervals
//   is it off in the long run? the mean of the last 100 expected shares, exponentially weighted
//                              and divided by the weight that had time to build up
// A jump replaces the estimate by what came since; a fall is taken together with the shares seen
// before (a Gamma prior of at most 8), so that a miner that pauses is asked for half as much and
// one never heard of for a thirtieth. A rate that drifts leaves every estimator behind; the shares
// that were lost or too many by that are leaned against.
// docs/vardiff.md derives the figures and shows how they do in simulation.
//
// Units:  difficulty; seconds as double. Doubles are fine here: this is an estimate, no verdict.
// Thread: pure; time is an argument.
#pragma once

#include "common/base/time.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace pool {

struct VardiffAim {
  double shares_per_minute = 6;  // REQUIRES: 0.1 to 600
  bool power_of_two = true;
};

class VardiffLaw {
 public:
  // A difficulty to change to; in no bounds but a double's.
  using Advice = std::optional<double>;

  explicit VardiffLaw(base::MonoTime now) : updated_(now), changed_(now), heard_(now) {}

  // Mining starts at `difficulty`, believed in as if `shares_seen` had come at the rate aimed for.
  void start(double difficulty, double shares_seen, const VardiffAim& aim, base::MonoTime now);
  // A share came. `counts`: it meets `difficulty`, which is in force; one of a job before a raise
  // may not, and says nothing of the rate at which such come.
  void on_share(double difficulty, bool counts, const VardiffAim& aim, base::MonoTime now);
  // What should be in force instead of `difficulty`: a raise that can't wait, at any time; and
  // whatever else, when a job goes out anyway. The advice is not repeated: the caller keeps it.
  Advice at_once(double difficulty, const VardiffAim& aim, base::MonoTime now);
  Advice at_job(double difficulty, const VardiffAim& aim, base::MonoTime now);
  // A difficulty was announced, for whatever reason.
  void on_change(base::MonoTime now);
  // A bound keeps the difficulty where it is: what is lost by that is no debt.
  void forgive() { lean_ = 0; }
  // Enough shares were seen lately to believe the difficulty they led to.
  bool is_proven() const { return seen_ >= seen_max; }

 private:
  static constexpr float seen_max = 8;

  // What came since the rate last looked ordinary.
  struct Run {
    float score = 0;  // log of the likelihood ratio
    float seconds = 0;
    double work = 0;
  };

  void end_rise() { up_ = {}, raised_at_ = 0, up_events_ = 0; }
  void advance(const VardiffAim& aim, base::MonoTime now);
  double wanted_rate(const VardiffAim& aim) const;  // shares per second, leaned
  Advice jumped_up(double difficulty, double rate);
  Advice fell(double difficulty, double rate, const VardiffAim& aim, base::MonoTime now);
  std::chrono::duration<double> patience(const VardiffAim& aim) const;
  double cautious(double shares, double expected, double prior) const;
  Advice drifted(double difficulty, double rate, const VardiffAim& aim) const;

  base::MonoTime updated_;
  base::MonoTime changed_;
  base::MonoTime heard_;  // of the last share; or silence began to be counted anew
  double work_ = 0;       // exponentially weighted
  double seconds_ = 0;    // the weight that work_ had time to collect
  Run up_;
  Run down_;
  std::uint32_t up_events_ = 0;
  float raised_at_ = 0;      // seconds of up_ when a share was last counted into its score
  float seen_ = 0;           // shares that back the estimate, up to seen_max
  std::uint8_t pauses_ = 0;  // times that a silence was answered since the last share
  bool known_ = false;       // it was proven once: if it is silent, it probably pauses
  float lean_ = 0;           // log of a factor on the rate aimed for
};

}  // namespace pool
