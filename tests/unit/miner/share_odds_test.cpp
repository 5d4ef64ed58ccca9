// The chi-squared test against known values, and on counts that are fair, or are not.
#include "miner/share_odds.h"

#include <doctest/doctest.h>

#include <vector>

namespace miner {
namespace {

TEST_CASE("the tail of chi-squared, where it is known") {
  struct Row {
    double x;
    std::uint32_t degrees_of_freedom;
    double tail;
  };
  // Even degrees by exp(-x/2) times the sum of (x/2)^j / j!, one degree by erfc(sqrt(x/2)), both
  // with Python's math; 3.84 and 15.51 are the 5 % points of any table.
  const Row rows[] = {
      {0, 8, 1},
      {2, 8, 0.9810118431238462},
      {15.507313055865453, 8, 0.05},
      {40, 8, 3.2037197804769982e-06},
      {100, 8, 4.269159205144934e-18},
      {1, 2, 0.6065306597126334},
      {18.307038053275146, 10, 0.05},
      {0.5, 1, 0.4795001221869535},
      {3.841458820694124, 1, 0.05},
      {30, 1, 4.320463057827492e-08},
  };
  for (const Row& row : rows) {
    CAPTURE(row.x);
    CAPTURE(row.degrees_of_freedom);
    CHECK_EQ(chi_squared_tail(row.x, row.degrees_of_freedom),
             doctest::Approx(row.tail).epsilon(1e-12));
  }
}

TEST_CASE("counts as chance gives them pass; an advantage of one percent does not") {
  const std::uint64_t hashes = 256'000'000;  // a million shares are expected
  const std::vector<ShareCount> even(8, ShareCount{hashes, 1'000'000});
  const ShareOdds exact = share_odds(even, 1.0 / 256);
  CHECK_EQ(exact.chi_squared, 0);
  CHECK_EQ(exact.p_value, 1);
  CHECK_EQ(exact.degrees_of_freedom, 8);
  CHECK_EQ(exact.resolution, doctest::Approx(0.003 * 0.998045).epsilon(1e-4));

  std::vector<ShareCount> usual = even;
  usual[0].shares += 998;  // one standard deviation
  usual[1].shares -= 998;
  const ShareOdds fair = share_odds(usual, 1.0 / 256);
  CHECK_EQ(fair.deviations[0], doctest::Approx(1).epsilon(1e-3));
  CHECK_EQ(fair.deviations[1], doctest::Approx(-1).epsilon(1e-3));
  CHECK_EQ(fair.chi_squared, doctest::Approx(2).epsilon(1e-3));
  CHECK_GT(fair.p_value, 0.95);

  std::vector<ShareCount> better = even;
  better[3].shares += 10'000;
  CHECK_LT(share_odds(better, 1.0 / 256).p_value, 1e-15);

  // Too few of each by little: no count shows it, all together do.
  const std::vector<ShareCount> fewer(8, ShareCount{hashes, 1'000'000 - 1500});
  const ShareOdds lost = share_odds(fewer, 1.0 / 256);
  CHECK_GT(lost.deviations[0], -2);
  CHECK_EQ(lost.together, doctest::Approx(-1500 * 8 / 2822.9).epsilon(1e-3));
  CHECK_EQ(exact.together, 0);
}

TEST_CASE("counts of different size each have their own expectation") {
  const std::vector<ShareCount> counts = {{256'000, 1000}, {512'000, 2000}, {128, 0}};
  const ShareOdds odds = share_odds(counts, 1.0 / 256);
  CHECK_EQ(odds.deviations[0], 0);
  CHECK_EQ(odds.deviations[1], 0);
  CHECK_LT(odds.deviations[2], 0);
  CHECK_EQ(odds.degrees_of_freedom, 3);
}

}  // namespace
}  // namespace miner
