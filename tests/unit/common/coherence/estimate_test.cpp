#include "common/coherence/estimate.h"

#include "common/coherence/difficulty.h"
#include "common/coherence/kuramoto.h"

#include <doctest/doctest.h>

#include <cmath>

TEST_CASE("the dial: difficulty to coupling and back") {
  for (std::uint32_t level = 0; level < coherence::levels; ++level) {
    const double d = coherence::level_difficulty(level);
    const double kappa = coherence::coupling_of_difficulty(d);
    CHECK(std::lround(kappa) == coherence::couplings[level]);
    CHECK(coherence::difficulty_of_coupling(kappa) == doctest::Approx(d));
  }
  CHECK(coherence::level_difficulty(2) == 1);
  CHECK(coherence::level_difficulty(0) == doctest::Approx(0.8409).epsilon(1e-4));
  CHECK(coherence::level_difficulty(5) == doctest::Approx(1.2968).epsilon(1e-4));
}

TEST_CASE("times are work over speed") {
  CHECK(coherence::seconds_per_bloom(2, 64e6) == doctest::Approx(13312 / 64e6));
  CHECK(coherence::seconds_per_share(2, 512, 64e6) == doctest::Approx(0.106496));
}

TEST_CASE("rarer blooms at each higher level") {
  for (std::uint32_t level = 1; level < coherence::levels; ++level) {
    CHECK(coherence::bloom_probability(level) < coherence::bloom_probability(level - 1));
    // An attempt costs at most R rounds, so a bloom takes at most R / P of them.
    CHECK(coherence::rounds_per_bloom[level] <=
          1.05 * coherence::states_per_attempt / coherence::bloom_probability(level));
  }
}

TEST_CASE("energy: power times oscillators times time, and the least that erasure costs") {
  CHECK(coherence::energy_joules(0.5, 63, 10) == doctest::Approx(315));
  // One bit at 300 K: k T ln 2 = 2.871e-21 J.
  CHECK(coherence::landauer_joules(1, 300) / (63 * 16) == doctest::Approx(2.871e-21).epsilon(1e-3));
}
