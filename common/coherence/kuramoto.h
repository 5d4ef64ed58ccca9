// The oscillators of coherence work, in integers: cosine, gate, order parameter, step. This is the
// reference that every kernel must equal bit for bit; it is written to be read beside the
// specification, one function for each of its sections, not to be fast.
//
// Units:  a phase is a u32, 2^-32 turn; sines in units of 1/8192; R2 = C'^2 + S'^2, where the
//         square of the order parameter r is R2 / r2_unit.
// Thread: pure.
// Source: docs/coherence.md, sections 5 to 9.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace coherence {

inline constexpr std::size_t oscillators = 63;              // N
inline constexpr std::uint32_t states_per_attempt = 15127;  // R = L_20: states 0 … R-1
inline constexpr std::uint32_t bloom_states = 7;            // NEED: coherent states in a row
inline constexpr std::uint32_t levels = 6;
inline constexpr std::uint32_t r2_coherent = 780337152;  // r^2 = 3/4
inline constexpr std::uint32_t r2_unit = 1040449536;     // r = 1

using Phases = std::array<std::uint32_t, oscillators>;

// W: what each oscillator turns per step by itself, modulo 2^32.
extern const std::array<std::uint32_t, oscillators> frequencies;
// kappa of each level.
extern const std::array<std::int32_t, levels> couplings;
// E: how much the coupling grows with the order already there.
extern const std::array<std::int32_t, 64> gate_table;

// (a * b + 2^14) >> 15, the one multiplication of the map: a rounded product of Q15 numbers.
std::int32_t mr(std::int32_t a, std::int32_t b);
// Of an angle in 2^-16 turn; in [-8192, 8192].
std::int32_t icos(std::uint16_t angle);
std::int32_t isin(std::uint16_t angle);

// G[R2 >> 24], the coupling of a step at a level.
using Gate = std::array<std::int32_t, 64>;
// REQUIRES: level < levels.
Gate gate(std::uint32_t level);

// Cosine and sine of every phase: a state's order and the step after it need the same ones.
struct Waves {
  std::array<std::int32_t, oscillators> c;
  std::array<std::int32_t, oscillators> s;
};
Waves waves_of(const Phases& phases);

// The order parameter of a state, before any root is taken.
struct Order {
  std::int32_t c = 0;  // C': sum of the cosines >> 4
  std::int32_t s = 0;  // S'
  std::uint32_t r2 = 0;
  bool is_coherent() const { return r2 >= r2_coherent; }
  friend bool operator==(const Order&, const Order&) = default;
};
Order order_of(const Waves& waves);
Order order_of(const Phases& phases);

// State t to state t + 1. REQUIRES: waves and order are those of phases.
void step(Phases& phases, const Waves& waves, const Order& order, const Gate& gate);
void step(Phases& phases, const Order& order, const Gate& gate);

}  // namespace coherence
