// Are shares found as often as chance says? Pearson's chi-squared test of counts against the known
// probability that a hash is a share.
//
// Thread: pure.
// Source: K. Pearson 1900; the tail through the incomplete gamma function, Abramowitz and Stegun,
//         Handbook of Mathematical Functions, 6.5.29 (series), 6.5.31 (continued fraction), 26.4.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace miner {

struct ShareCount {
  std::uint64_t hashes = 0;
  std::uint64_t shares = 0;
};

struct ShareOdds {
  // One for each count: how many standard deviations it lies above what chance gives.
  std::vector<double> deviations;
  // The same for all counts added up: what they have in common, as a fault that loses shares.
  double together = 0;
  double chi_squared = 0;  // the sum of the deviations' squares
  std::uint32_t degrees_of_freedom = 0;
  // How often chance alone gives counts at least so far off.
  double p_value = 1;
  // The smallest difference, as a part of the shares, that a single count would have shown for
  // certain: three standard deviations of the one with the fewest hashes.
  double resolution = 0;
};

// REQUIRES: counts is not empty, hashes > 0 in each, and 0 < probability < 1; the odds are right
// where some dozens of shares are expected.
ShareOdds share_odds(std::span<const ShareCount> counts, double probability);

// The probability that a chi-squared variable is at least x. REQUIRES: x >= 0, df > 0.
double chi_squared_tail(double x, std::uint32_t degrees_of_freedom);

}  // namespace miner
