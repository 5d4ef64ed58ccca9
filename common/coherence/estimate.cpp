#include "common/coherence/estimate.h"

#include "common/base/assert.h"
#include "common/coherence/difficulty.h"
#include "common/coherence/kuramoto.h"

#include <array>
#include <cmath>
#include <numbers>

namespace coherence {
namespace {

constexpr double tau = 1.0 / std::numbers::phi;
constexpr double coupling_at_one = 2051;    // kappa of level 2
constexpr double boltzmann = 1.380649e-23;  // J/K, exact since 2019 (SI)
constexpr double phase_bits = 16;           // that an oscillator's sine is taken of

}  // namespace

double level_difficulty(double level) { return std::exp2((level - 2) / 8); }

double coupling_of_difficulty(double difficulty) {
  return coupling_at_one / std::pow(difficulty, tau);
}

double difficulty_of_coupling(double coupling) {
  return std::pow(coupling_at_one / coupling, 1 / tau);
}

double bloom_probability(std::uint32_t level) {
  ASSERT(level < levels);
  // Measured: docs/coherence.md, calibration.
  constexpr std::array<double, levels> measured{1.0, 0.998, 0.695, 0.1284, 0.01293, 0.001};
  return measured[level];
}

double seconds_per_bloom(std::uint32_t level, double rounds_per_second) {
  ASSERT(level < levels);
  return rounds_per_bloom[level] / rounds_per_second;
}

double seconds_per_share(std::uint32_t level, double hash_difficulty, double rounds_per_second) {
  return seconds_per_bloom(level, rounds_per_second) * hash_difficulty;
}

double energy_joules(double watts_per_oscillator, double oscillator_count, double seconds) {
  return watts_per_oscillator * oscillator_count * seconds;
}

double landauer_joules(double rounds, double kelvin) {
  const double bits = rounds * static_cast<double>(oscillators) * phase_bits;
  return bits * boltzmann * kelvin * std::numbers::ln2;
}

}  // namespace coherence
