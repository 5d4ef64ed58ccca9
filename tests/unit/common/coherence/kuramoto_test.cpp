#include "common/coherence/kuramoto.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

using coherence::icos;
using coherence::isin;

TEST_CASE("the cosine: known answers and the digest of the whole table") {
  CHECK(icos(0) == 8192);
  CHECK(icos(4096) == 7569);
  CHECK(icos(8192) == 5793);
  CHECK(icos(16384) == 0);
  CHECK(icos(32768) == -8192);
  CHECK(icos(40000) == -6301);
  CHECK(icos(65535) == 8192);
  std::uint32_t digest = 0;
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const std::int32_t c = icos(static_cast<std::uint16_t>(i));
    CHECK(std::abs(c) <= 8192);
    digest = digest * 31 + static_cast<std::uint16_t>(c);
  }
  CHECK(digest == 0x9cad8ef8);
}

TEST_CASE("the cosine is near the cosine, and the sine near the sine") {
  double worst = 0;
  double squares = 0;
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const double angle = 2 * std::numbers::pi * i / 65536;
    const auto x = static_cast<std::uint16_t>(i);
    worst = std::max(worst, std::abs(icos(x) - 8192 * std::cos(angle)));
    worst = std::max(worst, std::abs(isin(x) - 8192 * std::sin(angle)));
    squares += std::pow(icos(x) - 8192 * std::cos(angle), 2);
  }
  CHECK(worst < 1.48);  // of 1/8192: docs/coherence.md, section 6
  CHECK(std::sqrt(squares / 65536) < 0.55);
}

TEST_CASE("mr rounds to the nearest, halves up") {
  CHECK(coherence::mr(1, 16384) == 1);
  CHECK(coherence::mr(1, 16383) == 0);
  CHECK(coherence::mr(-1, 16384) == 0);
  CHECK(coherence::mr(-1, 16385) == -1);
  CHECK(coherence::mr(32767, 32767) == 32766);
  CHECK(coherence::mr(-32768, 32767) == -32767);
}

TEST_CASE("frequencies are antisymmetric and are the Cauchy quantiles they are said to be") {
  const auto& w = coherence::frequencies;
  CHECK(w[31] == 0);
  const double tau = 2 / (1 + std::sqrt(5.0));
  for (std::size_t j = 1; j <= 31; ++j) {
    CHECK(w[31 + j] + w[31 - j] == 0);
    const double quantile = std::tan(std::numbers::pi * static_cast<double>(j) / 63);
    const double turns = 0.01 * tau * quantile / (2 * std::numbers::pi);
    CHECK(w[31 + j] == static_cast<std::uint32_t>(std::llround(4294967296.0 * turns)));
  }
}

TEST_CASE("the gate of each level") {
  const auto gate = coherence::gate(2);
  CHECK(gate[0] == 2051);
  CHECK(gate[30] == 2224);
  CHECK(gate[46] == 2834);
  CHECK(gate[62] == 2323);
  const double tau = 2 / (1 + std::sqrt(5.0));
  for (std::uint32_t level = 0; level < coherence::levels; ++level) {
    const double d = std::exp2((static_cast<double>(level) - 2) / 8);
    CHECK(coherence::couplings[level] == std::lround(2051.16 / std::pow(d, tau)));
    CHECK(coherence::gate(level)[0] == coherence::couplings[level]);
  }
  for (std::size_t k = 0; k < 64; ++k) {  // 2^15 / phi^2 * exp(-((r - z_c) / (1 - z_c))^2)
    const double r = std::sqrt((static_cast<double>(k) + 0.5) * 16777216 / 1040449536);
    const double z_c = std::sqrt(3.0) / 2;
    const double bell = std::exp(-std::pow((r - z_c) / (1 - z_c), 2));
    CHECK(std::abs(coherence::gate_table[k] - 32768 * tau * tau * bell) < 0.51);
  }
}

TEST_CASE("order: none, full, and the threshold of coherence") {
  coherence::Phases phases{};
  CHECK(coherence::order_of(phases).r2 == coherence::r2_unit);
  CHECK(coherence::order_of(phases).c == 32256);
  for (std::size_t i = 0; i < phases.size(); ++i) {
    phases[i] = static_cast<std::uint32_t>(4294967296.0 * static_cast<double>(i) / 63);
  }
  CHECK(coherence::order_of(phases).r2 < 16);
  CHECK_FALSE(coherence::Order{0, 0, 780337151}.is_coherent());
  CHECK(coherence::Order{0, 0, 780337152}.is_coherent());
  CHECK(4 * std::uint64_t{coherence::r2_coherent} == 3 * std::uint64_t{coherence::r2_unit});
}

TEST_CASE("a step equals the specification's line, in wide arithmetic") {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    coherence::Phases phases;
    // From spread to bunched, so that every part of the gate is used.
    const int narrowing = round % 32;
    for (auto& phase : phases) phase = static_cast<std::uint32_t>(random()) >> narrowing;
    const auto order = coherence::order_of(phases);
    const auto gate = coherence::gate(static_cast<std::uint32_t>(round) % coherence::levels);
    coherence::Phases expected = phases;
    const std::int64_t g = gate.at(order.r2 >> 24);
    const std::int64_t a = (g * order.s + 16384) >> 15;
    const std::int64_t b = (g * order.c + 16384) >> 15;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto angle = static_cast<std::uint16_t>(phases[i] >> 16);
      std::int64_t n = (std::int64_t{phases[i] % 65536} * 0x9E37) % 65536;
      if (n >= 32768) n -= 65536;
      const std::int64_t sum = std::int64_t{phases[i]} + coherence::frequencies[i] +
                               a * icos(angle) - b * isin(angle) + n * 1024;
      expected[i] = static_cast<std::uint32_t>(sum & 0xffffffff);
    }
    coherence::step(phases, order, gate);
    CHECK(phases == expected);
  }
}

TEST_CASE("the gate's index stays inside its table, however the phases bunch") {
  std::uint32_t most = 0;
  for (std::uint32_t angle = 0; angle < 65536; ++angle) {
    coherence::Phases phases;
    phases.fill(angle << 16);
    most = std::max(most, coherence::order_of(phases).r2);
  }
  CHECK(most < 64U << 24);
}
