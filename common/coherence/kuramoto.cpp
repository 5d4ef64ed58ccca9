#include "common/coherence/kuramoto.h"

#include "common/base/assert.h"

#include <cstdlib>

namespace coherence {
namespace {

// T_1 … T_31: quantiles of the Cauchy distribution, so that no draw of frequencies can be chosen
// for blooming easily. docs/coherence.md, section 5, says how they came about; the integers count.
constexpr std::array<std::uint32_t, 31> quantiles{
    210844,   422742,   636766,   854035,   1075732,  1303137,  1537653,  1780846,
    2034492,  2300630,  2581639,  2880328,  3200060,  3544915,  3919917,  4331336,
    4787128,  5297563,  5876152,  6541062,  7317336,  8240515,  9362821,  10764273,
    12574079, 15015355, 18509470, 23959270, 33712032, 56374246, 169403749};

// W_31 = 0, W_31+j = T_j, W_31-j = -T_j.
constexpr std::array<std::uint32_t, oscillators> symmetric_about_zero() {
  std::array<std::uint32_t, oscillators> all{};
  constexpr std::size_t middle = oscillators / 2;
  for (std::size_t j = 1; j <= middle; ++j) {
    all[middle + j] = quantiles[j - 1];
    all[middle - j] = 0 - quantiles[j - 1];
  }
  return all;
}

// The low 16 bits as a signed number.
std::int32_t s16(std::uint32_t x) { return static_cast<std::int16_t>(x & 0xffff); }

}  // namespace

constinit const std::array<std::uint32_t, oscillators> frequencies = symmetric_about_zero();

constinit const std::array<std::int32_t, levels> couplings{2283, 2164, 2051, 1944, 1843, 1747};

constinit const std::array<std::int32_t, 64> gate_table{
    0,     0,     0,     0,     0,     0,     0,     0,     0,     0,     0,     0,     1,
    2,     4,     7,     13,    24,    42,    70,    112,   173,   260,   380,   541,   750,
    1015,  1344,  1743,  2214,  2760,  3378,  4063,  4808,  5599,  6423,  7262,  8098,  8910,
    9678,  10384, 11009, 11539, 11962, 12269, 12454, 12516, 12458, 12284, 12004, 11627, 11166,
    10635, 10048, 9420,  8764,  8093,  7420,  6755,  6108,  5486,  4895,  4341,  3825};

std::int32_t mr(std::int32_t a, std::int32_t b) { return (a * b + 16384) >> 15; }

std::int32_t icos(std::uint16_t angle) {
  // A polynomial in the distance y from the nearest zero of the cosine, a quarter turn from 0.
  const std::int32_t y = 16384 - std::abs(s16(angle));
  const std::int32_t v = 2 * mr(y, y);
  return mr(y, 25727 - mr(v, 21030 - mr(v, 4690)));
}

std::int32_t isin(std::uint16_t angle) {
  return icos(static_cast<std::uint16_t>(angle - 16384));  // a quarter turn later
}

Gate gate(std::uint32_t level) {
  ASSERT(level < levels);
  const std::int32_t kappa = couplings[level];
  Gate gate;
  for (std::size_t k = 0; k < gate.size(); ++k) gate[k] = kappa + mr(kappa, gate_table[k]);
  return gate;
}

Waves waves_of(const Phases& phases) {
  Waves waves;
  for (std::size_t i = 0; i < oscillators; ++i) {
    const auto angle = static_cast<std::uint16_t>(phases[i] >> 16);
    waves.c[i] = icos(angle);
    waves.s[i] = isin(angle);
  }
  return waves;
}

Order order_of(const Waves& waves) {
  std::int32_t c = 0;
  std::int32_t s = 0;
  for (std::size_t i = 0; i < oscillators; ++i) {
    c += waves.c[i];
    s += waves.s[i];
  }
  c >>= 4;
  s >>= 4;
  return {c, s, static_cast<std::uint32_t>(c * c + s * s)};
}

Order order_of(const Phases& phases) { return order_of(waves_of(phases)); }

void step(Phases& phases, const Waves& waves, const Order& order, const Gate& gate) {
  const std::int32_t g = gate[order.r2 >> 24];
  const std::int32_t a = mr(g, order.s);
  const std::int32_t b = mr(g, order.c);
  for (std::size_t i = 0; i < oscillators; ++i) {
    const std::int32_t pull = a * waves.c[i] - b * waves.s[i];
    const std::int32_t noise = s16((phases[i] & 0xffff) * 0x9E37) * 1024;
    phases[i] += frequencies[i] + static_cast<std::uint32_t>(pull + noise);
  }
}

void step(Phases& phases, const Order& order, const Gate& gate) {
  step(phases, waves_of(phases), order, gate);
}

}  // namespace coherence
