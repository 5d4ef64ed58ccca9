#include "common/coherence/attempt.h"

#include "common/coherence/certificate.h"
#include "common/coherence/lucas.h"
#include "tests/unit/common/coherence/known_answers.h"

#include <doctest/doctest.h>

#include <map>

using namespace coherence_test;

TEST_CASE("params name a version and a level") {
  CHECK(coherence::params_of(2) == 0x00010002);
  CHECK(coherence::level_of(0x00010000) == 0);
  CHECK(coherence::level_of(0x00010005) == 5);
  CHECK_FALSE(coherence::level_of(0x00010006));
  CHECK_FALSE(coherence::level_of(0x00000002));
  CHECK_FALSE(coherence::level_of(0x00020002));
  CHECK_FALSE(coherence::level_of(0x80010002));
  CHECK_FALSE(coherence::level_of(0x0001ffff));
}

TEST_CASE("known attempts: nonce, seed, phases") {
  for (const KnownAttempt& known : known_attempts()) {
    CAPTURE(known.attempt);
    const auto index = static_cast<std::uint32_t>(known.attempt % 24);
    CHECK(coherence::lucas(coherence::lucas(index)) == known.lucas_nonce);
    CHECK(coherence::nonce_of(known.attempt) == known.nonce);
    CHECK(coherence::lucas(known.nonce) == known.lucas_trace);
    const auto header = coherence::header80(known.job.header, known.attempt);
    CHECK(base::read_le32(base::ByteSpan(header).subspan(76)) == known.nonce);
    const auto seed = coherence::seed_of(known.job, known.attempt);
    CHECK(base::to_hex(seed) == known.seed);
    const auto phases = coherence::phases_of(seed);
    CHECK(coherence::couplings[*coherence::level_of(known.job.params)] == known.kappa);
    for (const auto& [i, theta] : known.first_phases) CHECK(phases[i] == theta);
  }
}

TEST_CASE("known attempts: the states on the way and the bloom") {
  for (const KnownAttempt& known : known_attempts()) {
    CAPTURE(known.attempt);
    std::map<std::uint32_t, coherence::Order> seen;
    const auto phases = coherence::phases_of(coherence::seed_of(known.job, known.attempt));
    const std::uint32_t level = *coherence::level_of(known.job.params);
    const auto watch = [&seen](std::uint32_t t, const coherence::Order& order, const auto&) {
      seen[t] = order;
    };
    const auto bloom = coherence::run(phases, level, coherence::states_per_attempt - 1, watch);
    for (const KnownState& state : known.states) {
      CAPTURE(state.t);
      const coherence::Order order = seen.at(state.t);
      CHECK(order == coherence::Order{state.c, state.s, state.r2});
      CHECK(coherence::r_q_of(order) == state.r_q);
      CHECK(coherence::psi_q_of(order) == state.psi_q);
    }
    REQUIRE(bloom);
    CHECK(bloom->start == known.bloom_start);
    CHECK(bloom->end == known.bloom_end);
    CHECK(seen.size() == known.bloom_end + 1);
    for (const auto& [i, theta] : known.last_phases) CHECK(bloom->phases[i] == theta);
    for (std::uint32_t i = 0; i < 7; ++i) {
      CHECK(bloom->orders[i] == seen.at(bloom->start + i));
      CHECK(coherence::r_q_of(bloom->orders[i]) == known.bloom_r_q[i]);
    }
    // The last state that may be looked at is one too few, or just enough.
    CHECK_FALSE(coherence::run(phases, level, known.bloom_end - 1));
    CHECK(coherence::run(phases, level, known.bloom_end) == bloom);
  }
}

TEST_CASE("phases that are equal from the start bloom at state 6") {
  const auto bloom = coherence::run(coherence::Phases{}, 2);
  REQUIRE(bloom);
  CHECK(bloom->start == 0);
  CHECK(bloom->end == 6);
  CHECK_FALSE(coherence::run(coherence::Phases{}, 2, 5));
}

TEST_CASE("a change of anything in the job or of the attempt changes the seed") {
  const KnownAttempt known = known_attempts()[1];
  const auto seed = coherence::seed_of(known.job, known.attempt);
  for (std::size_t bit = 0; bit < 76 * 8; ++bit) {
    coherence::Job other = known.job;
    other.header[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    CHECK(coherence::seed_of(other, known.attempt) != seed);
  }
  for (int bit = 0; bit < 64; ++bit) {
    coherence::Job other = known.job;
    other.extranonce ^= std::uint64_t{1} << bit;
    CHECK(coherence::seed_of(other, known.attempt) != seed);
    CHECK(coherence::seed_of(known.job, known.attempt ^ std::uint64_t{1} << bit) != seed);
  }
  coherence::Job other = known.job;
  other.params = coherence::params_of(2);
  CHECK(coherence::seed_of(other, known.attempt) != seed);
}
