#include "common/coherence/difficulty.h"

#include "common/base/natural.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

using base::Natural;
using base::U256;

namespace {

Natural two_256() { return Natural::power_of_two(256); }

// The independent arithmetic: integers without a bound, capped at the end.
U256 capped(const Natural& value) {
  U256 fits;
  const Natural most(U256::max());
  REQUIRE(U256::from_decimal(std::min(value, most).decimal(), fits));
  return fits;
}

// Numbers of every length, from a few bits to 256.
U256 any_number(std::mt19937_64& random) {
  U256 value;
  for (auto& limb : value.limbs) limb = random();
  value = value >> static_cast<int>(random() % 256);
  return value.is_zero() ? U256{1} : value;
}

}  // namespace

TEST_CASE("work is w * 2^256 / T, as integers without a bound have it") {
  std::mt19937_64 random(5);
  for (int i = 0; i < 2000; ++i) {
    const U256 target = any_number(random);
    const auto level = static_cast<std::uint32_t>(i % 6);
    const Natural exact = Natural(std::uint64_t{coherence::rounds_per_bloom[level]}) * two_256();
    CHECK(coherence::work_of(level, target) == capped(exact / Natural(target)));
    CHECK(coherence::target_of_hash_difficulty(target) == capped(two_256() / Natural(target)));
  }
  CHECK(coherence::work_of(2, U256::max()) == U256{13312});
  CHECK(coherence::work_of(2, U256{1} << 255) == U256{26624});
  CHECK(coherence::work_of(2, U256{13312}) == U256::max());
  CHECK(coherence::work_of(2, U256{13313}) < U256::max());
  CHECK(coherence::work_of(0, U256{1}) == U256::max());
  CHECK(coherence::target_of_hash_difficulty(U256{1}) == U256::max());
  CHECK(coherence::target_of_hash_difficulty(U256{512}) == U256{1} << 247);
  CHECK(coherence::work_of(2, U256{1} << 247) == U256{13312 * 512});
}

TEST_CASE("a work hash meets a target when it is less") {
  crypto::Digest hash{};
  hash[31] = 0x80;
  CHECK_FALSE(coherence::meets(hash, U256{1} << 255));
  CHECK(coherence::meets(hash, (U256{1} << 255) + U256{1}));
  hash[31] = 0x7f;
  CHECK(coherence::meets(hash, U256{1} << 255));
  CHECK_FALSE(coherence::meets(crypto::Digest{}, U256{}));
  CHECK(coherence::meets(crypto::Digest{}, U256{1}));
  crypto::Digest low{};
  low[0] = 5;  // the first byte is the least significant
  CHECK(coherence::meets(low, U256{6}));
  CHECK_FALSE(coherence::meets(low, U256{5}));
}

TEST_CASE("retarget: the specification's checks") {
  constexpr std::uint64_t expected = 51660;
  struct Row {
    std::uint64_t actual;
    std::uint32_t factor;
  };
  for (const Row& row : {Row{51660, 65536}, Row{25830, 100582}, Row{103320, 42700},
                         Row{50000, 66871}, Row{5166, 262144}, Row{516600, 16384}}) {
    CAPTURE(row.actual);
    CHECK(coherence::retarget_factor(row.actual, expected) == row.factor);
  }
}

TEST_CASE("retarget: near the real power, monotone, at most 4 and at least 1/4") {
  constexpr std::uint64_t expected = 51660;
  const double tau = 2 / (1 + std::sqrt(5.0));
  std::uint32_t before = 262144;
  for (std::uint64_t actual = 1; actual < 1000000; actual += 1 + actual / 300) {
    const std::uint32_t factor = coherence::retarget_factor(actual, expected);
    const double ratio = static_cast<double>(expected) / static_cast<double>(actual);
    const double real = std::clamp(std::pow(ratio, tau), 0.25, 4.0);
    CAPTURE(actual);
    CHECK(std::abs(factor / 65536.0 / real - 1) < 1.4e-4);
    CHECK(factor <= before);
    before = factor;
  }
  CHECK(coherence::retarget_factor(0, expected) == coherence::retarget_factor(1, expected));
  CHECK(coherence::retarget_factor(1, ~std::uint64_t{0}) == 262144);
  CHECK(coherence::retarget_factor(~std::uint64_t{0}, 1) == 16384);
  CHECK(coherence::retarget_factor(1, 1) == 65536);
  CHECK(coherence::retarget_factor(1, 0) == 16384);
}

TEST_CASE("retargeted and relevelled targets, as integers without a bound have them") {
  std::mt19937_64 random(6);
  for (int i = 0; i < 2000; ++i) {
    const U256 target = any_number(random);
    const auto factor = static_cast<std::uint32_t>(16384 + random() % (262144 - 16384 + 1));
    CHECK(coherence::retargeted(target, factor) ==
          capped(Natural(target) * Natural(65536) / Natural(std::uint64_t{factor})));
    const auto from = static_cast<std::uint32_t>(random() % 6);
    const auto to = static_cast<std::uint32_t>(random() % 6);
    const Natural old_rounds(std::uint64_t{coherence::rounds_per_bloom[from]});
    const Natural new_rounds(std::uint64_t{coherence::rounds_per_bloom[to]});
    CHECK(coherence::relevelled(target, from, to) ==
          capped(Natural(target) * new_rounds / old_rounds));
  }
  CHECK(coherence::retargeted(U256::max(), 16384) == U256::max());
  CHECK(coherence::retargeted(U256::max(), 65536) == U256::max());
  CHECK(coherence::retargeted(U256{100}, 131072) == U256{50});
}

TEST_CASE("another level keeps the work of a target") {
  for (std::uint32_t to = 0; to < 6; ++to) {
    const U256 target = U256{1} << 220;
    const double before = coherence::work_of(2, target).to_double();
    const double after = coherence::work_of(to, coherence::relevelled(target, 2, to)).to_double();
    CHECK(std::abs(after / before - 1) < 1e-9);
  }
}
