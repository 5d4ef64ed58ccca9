// Vardiff: a connection's next difficulty, from how often its shares come.
//
// Aim: shares_per_minute. The estimate is shares times difficulty over the time since the last
// change; it is trusted once there are shares_enough of them, or once much time has passed with
// few. Nothing changes while the rate is within a factor of two of the aim, and results are powers
// of two, so that a steady miner is left alone. A change takes effect with the next notify.
//
// Source: practice of ckpool, DATUM and public-pool (docs/stratum.md).
// Thread: pure; time is an argument.
#pragma once

#include "common/base/time.h"
#include "common/bitcoin/target.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace pool {

struct VardiffOptions {
  double shares_per_minute = 6;
  bitcoin::Difficulty min;
  bitcoin::Difficulty max;  // REQUIRES: min <= max
};

class Vardiff {
 public:
  static constexpr std::uint32_t shares_enough = 16;
  static constexpr std::chrono::seconds patience{60};

  explicit Vardiff(base::MonoTime now) : since_(now) {}

  void on_share() { ++shares_; }
  // A difficulty other than `current` when one is due; then counting starts anew.
  std::optional<bitcoin::Difficulty> retarget(bitcoin::Difficulty current,
                                              const VardiffOptions& options, base::MonoTime now);
  // Counting starts anew: the difficulty was set by other means.
  void restart(base::MonoTime now);

 private:
  base::MonoTime since_;
  std::uint32_t shares_ = 0;
};

// The nearest power of two at or below `value`, clamped to the bounds (which need not be powers).
bitcoin::Difficulty round_difficulty(double value, bitcoin::Difficulty min,
                                     bitcoin::Difficulty max);

}  // namespace pool
