// What is estimated about coherence work, for people: nothing here decides anything, so this is the
// one file of the folder that computes in floating point.
//
// Units:  seconds, joules, watts, kelvin; rounds are steps of all 63 oscillators.
// Thread: pure.
// Source: docs/coherence.md (calibration, energy).
#pragma once

#include <cstdint>

namespace coherence {

// The seed's dial: d = 2^((level - 2) / 8), the coupling K_base / d^tau, and back.
double level_difficulty(double level);
double coupling_of_difficulty(double difficulty);  // in units of kappa: 2051 at 1
double difficulty_of_coupling(double coupling);
// Share of attempts that bloom at all, as measured.
double bloom_probability(std::uint32_t level);
// Expected time until a bloom, and until a share of a hash difficulty.
double seconds_per_bloom(std::uint32_t level, double rounds_per_second);
double seconds_per_share(std::uint32_t level, double hash_difficulty, double rounds_per_second);
// E = P x N x T: power of one oscillator, number of oscillators, time.
double energy_joules(double watts_per_oscillator, double oscillator_count, double seconds);
// The least energy that erasing so many 16-bit phases costs at a temperature: k T ln 2 per bit.
double landauer_joules(double rounds, double kelvin);

}  // namespace coherence
