#include "pool/core/vardiff.h"

#include "common/base/assert.h"

#include <algorithm>
#include <cmath>

namespace pool {
namespace {

// With no share at all the rate is unknown; this much of one share is assumed, which divides the
// difficulty by about 2 * aim * minutes and so reaches any miner in a few steps.
constexpr double shares_if_none = 0.5;

}  // namespace

bitcoin::Difficulty round_difficulty(double value, bitcoin::Difficulty min,
                                     bitcoin::Difficulty max) {
  ASSERT(min <= max);
  const double power =
      std::exp2(std::floor(std::log2(std::max(value, bitcoin::Difficulty::least))));
  const double bounded = std::clamp(power, min.value(), max.value());
  return *bitcoin::Difficulty::from_double(bounded);
}

std::optional<bitcoin::Difficulty> Vardiff::retarget(bitcoin::Difficulty current,
                                                     const VardiffOptions& options,
                                                     base::MonoTime now) {
  const std::chrono::duration<double> elapsed = now - since_;
  if (shares_ < shares_enough && elapsed < patience) return std::nullopt;
  const double seconds = std::max(elapsed.count(), 0.001);
  const double aim = options.shares_per_minute / 60.0;
  const double rate = std::max(static_cast<double>(shares_), shares_if_none) / seconds;
  const double ratio = rate / aim;
  const bool out_of_bounds = current < options.min || options.max < current;
  if (!out_of_bounds && ratio >= 0.5 && ratio <= 2.0) {
    if (elapsed >= 5 * patience) restart(now);  // old shares should not weigh for ever
    return std::nullopt;
  }
  const bitcoin::Difficulty next =
      round_difficulty(current.value() * ratio, options.min, options.max);
  restart(now);
  if (next == current) return std::nullopt;
  return next;
}

void Vardiff::restart(base::MonoTime now) {
  since_ = now;
  shares_ = 0;
}

}  // namespace pool
