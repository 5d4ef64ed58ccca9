#include "common/base/random.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>

TEST_CASE("random gives the sequence of xoshiro256** seeded by splitmix64") {
  // Computed with a second implementation, in Python; the same as rand_xoshiro 0.6 gives for
  // Xoshiro256StarStar::seed_from_u64(0).
  base::Random random(0);
  CHECK_EQ(random.next(), 0x99ec5f36cb75f2b4u);
  CHECK_EQ(random.next(), 0xbf6e1f784956452au);
  CHECK_EQ(random.next(), 0x1a5f849d4933e6e0u);
  CHECK_EQ(random.next(), 0x6aa594f1262d2d2cu);
}

TEST_CASE("equal seeds give equal sequences, others do not") {
  base::Random a(7);
  base::Random b(7);
  base::Random c(8);
  bool all_equal = true;
  for (int i = 0; i < 100; ++i) {
    const auto drawn = a.next();
    CHECK_EQ(drawn, b.next());
    all_equal = all_equal && drawn == c.next();
  }
  CHECK_FALSE(all_equal);
}

TEST_CASE("below stays below and reaches every value about equally often") {
  base::Random random(1);
  for (int i = 0; i < 100; ++i) CHECK_EQ(random.below(1), 0);

  std::array<int, 7> counts{};
  for (int i = 0; i < 70000; ++i) {
    const auto drawn = random.below(counts.size());
    REQUIRE(drawn < counts.size());
    ++counts[drawn];
  }
  // 10000 expected, standard deviation 93.
  for (int count : counts) CHECK(std::abs(count - 10000) < 600);
}

TEST_CASE("below is not skewed when the bound is a large part of 2^64") {
  // With bound 3 * 2^62 a plain remainder would fall into the lowest third half of the time.
  base::Random random(2);
  const std::uint64_t third = std::uint64_t{1} << 62;
  int low = 0;
  for (int i = 0; i < 30000; ++i) low += random.below(3 * third) < third ? 1 : 0;
  CHECK(std::abs(low - 10000) < 600);
}
