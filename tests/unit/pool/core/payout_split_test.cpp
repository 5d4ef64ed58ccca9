#include "pool/core/payout_split.h"

#include "common/base/random.h"

#include <doctest/doctest.h>

#include <algorithm>

using base::Natural;
using pool::PayoutWeight;

namespace {

std::vector<std::string> split(const char* amount, const std::vector<PayoutWeight>& weights) {
  const auto parts = pool::split_by_largest_remainder(*Natural::from_decimal(amount), weights);
  REQUIRE(parts.has_value());
  std::vector<std::string> texts;
  for (const Natural& part : *parts) texts.push_back(part.decimal());
  return texts;
}

}  // namespace

TEST_CASE("an amount is split by largest remainder, ties by the bytes of the keys") {
  struct Row {
    const char* why;
    const char* amount;
    std::vector<PayoutWeight> weights;
    std::vector<std::string> parts;
  };
  const Natural huge = Natural::power_of_two(255);
  const Row rows[] = {{"nothing among nobody", "0", {}, {}},
                      {"nothing among zeros", "0", {{"a", Natural()}}, {"0"}},
                      {"docs/payouts.md, PPLNS",
                       "991",
                       {{"alice", Natural(40)}, {"bob", Natural(40)}, {"carol", Natural(20)}},
                       {"397", "396", "198"}},
                      {"docs/payouts.md, PROP: two are left",
                       "991",
                       {{"alice", Natural(40)}, {"bob", Natural(20)}, {"carol", Natural(20)}},
                       {"495", "248", "248"}},
                      {"a tie goes to the first in byte order, wherever it stands",
                       "1",
                       {{"b", Natural(1)}, {"a", Natural(1)}, {"\xff", Natural(1)}},
                       {"0", "1", "0"}},
                      {"weight 0 gets nothing while others have remainders",
                       "2",
                       {{"a", Natural()}, {"b", Natural(1)}, {"c", Natural(1)}},
                       {"0", "1", "1"}},
                      {"more than 256 bits",
                       "2100000000000000",
                       {{"a", huge}, {"b", huge}, {"c", huge}},
                       {"700000000000000", "700000000000000", "700000000000000"}}};
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK_EQ(split(row.amount, row.weights), row.parts);
  }
}

TEST_CASE("what can't be split is refused") {
  CHECK_FALSE(pool::split_by_largest_remainder(Natural(1), {}).has_value());
  CHECK_EQ(pool::split_by_largest_remainder(Natural(1), {{"a", Natural()}}).error(),
           "1 among weights that are all 0");
  CHECK_EQ(
      pool::split_by_largest_remainder(Natural(1), {{"a", Natural(1)}, {"a", Natural(1)}}).error(),
      "a comes twice");
}

TEST_CASE("any split adds up, depends on no order, and gives more work no less") {
  base::Random random(11);
  for (int round = 0; round < 500; ++round) {
    std::vector<PayoutWeight> weights;
    for (std::uint64_t i = 1 + random.below(12); i > 0; --i) {
      weights.push_back(
          {"k" + std::to_string(random.next()), Natural(random.below(5) * random.next())});
    }
    weights.push_back({"some", Natural(1 + random.below(100))});
    const Natural amount(random.below(1'000'000));
    const auto parts = pool::split_by_largest_remainder(amount, weights);
    REQUIRE(parts.has_value());
    Natural sum;
    for (const Natural& part : *parts) sum += part;
    CHECK_EQ(sum, amount);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      for (std::size_t j = 0; j < weights.size(); ++j) {
        if (weights[i].weight > weights[j].weight) CHECK((*parts)[i] >= (*parts)[j]);
      }
    }
    auto turned = weights;
    std::reverse(turned.begin(), turned.end());
    auto turned_parts = *pool::split_by_largest_remainder(amount, turned);
    std::reverse(turned_parts.begin(), turned_parts.end());
    CHECK(turned_parts == *parts);
  }
}

TEST_CASE("the network's work at known nbits") {
  CHECK_EQ(pool::nbits_work(0x1d00ffff)->decimal(), "4295032833");  // difficulty 1: 2^32 and a bit
  CHECK_EQ(pool::nbits_work(0x207fffff)->decimal(), "2");           // regtest
  CHECK_EQ(pool::nbits_work(0x20051eb8)->decimal(), "50");          // docs/payouts.md
  CHECK_EQ(pool::nbits_work(0x01010000), pool::nbits_work(0x03000001));
  // 2^256 / 2, at the target 1.
  CHECK_EQ(*pool::nbits_work(0x03000001), Natural::power_of_two(255));
  for (const std::uint32_t nbits : {0U, 0x1d000000U, 0x1d80ffffU, 0x01003456U, 0xff7fffffU}) {
    CHECK_FALSE(pool::nbits_work(nbits).has_value());
  }
}

TEST_CASE("a window is a multiple of work, rounded down") {
  CHECK_EQ(pool::pplns_window_work("2", Natural(50))->decimal(), "100");
  CHECK_EQ(pool::pplns_window_work("0.33", Natural(50))->decimal(), "16");
  CHECK_EQ(pool::pplns_window_work("1.000000000000000001", Natural::power_of_ten(18))->decimal(),
           "1000000000000000001");
  CHECK_FALSE(pool::pplns_window_work("1e3", Natural(50)).has_value());
  CHECK_FALSE(pool::pplns_window_work("-1", Natural(50)).has_value());
}

TEST_CASE("parts per million are rounded down") {
  CHECK_EQ(pool::part_per_million(Natural(1001), 10'000).decimal(), "10");
  CHECK_EQ(pool::part_per_million(Natural(99), 10'000).decimal(), "0");
  CHECK_EQ(pool::part_per_million(Natural(2'100'000'000'000'000), 1'000'000).decimal(),
           "2100000000000000");
}
