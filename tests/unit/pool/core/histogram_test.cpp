#include "pool/core/histogram.h"

#include <doctest/doctest.h>

#include <limits>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::int64_t, 3> small_bounds{10, 100, 1000};
using Small = Histogram<small_bounds>;

}  // namespace

TEST_CASE("a value belongs to the first bucket whose bound it does not exceed") {
  struct Row {
    const char* why;
    std::int64_t value;
    std::size_t bucket;
  };
  const Row rows[] = {{"nothing", 0, 0},
                      {"at the first bound", 10, 0},
                      {"just above it", 11, 1},
                      {"at the last bound", 1000, 2},
                      {"above the last bound", 1001, 3},
                      {"as large as can be", std::numeric_limits<std::int64_t>::max(), 3},
                      {"a clock that was set back", -5, 0}};
  for (const Row& row : rows) {
    CAPTURE(row.why);
    Small counts;
    counts.add(row.value);
    for (std::size_t i = 0; i < Small::bucket_count; ++i) {
      CHECK_EQ(counts.count_in(i), i == row.bucket ? 1 : 0);
    }
    CHECK_EQ(counts.count(), 1);
    CHECK_EQ(counts.sum(), static_cast<std::uint64_t>(std::max<std::int64_t>(row.value, 0)));
  }
}

TEST_CASE("durations count in microseconds, rounded down") {
  LatencyHistogram times;
  times.add(10us + 999ns);
  times.add(std::chrono::seconds(2));
  CHECK_EQ(times.count_in(0), 1);
  CHECK_EQ(times.sum(), 2'000'010);
}

TEST_CASE("adding two is as counting all values in one") {
  Small first;
  Small second;
  Small both;
  for (const std::int64_t value : {1, 50, 5000}) {
    first.add(value);
    both.add(value);
  }
  for (const std::int64_t value : {2, 500}) {
    second.add(value);
    both.add(value);
  }
  first.add(second);
  CHECK_EQ(first, both);
  CHECK_NE(second, both);
}

TEST_CASE("percentiles lie on a line through their bucket") {
  Small counts;
  CHECK_FALSE(counts.percentile(50));
  for (int i = 0; i < 90; ++i) counts.add(7);
  for (int i = 0; i < 9; ++i) counts.add(60);
  counts.add(5'000);
  CHECK_EQ(counts.percentile(45), 5);      // the middle of the first bucket
  CHECK_EQ(counts.percentile(90), 10);     // all of it
  CHECK_EQ(counts.percentile(93), 40);     // three of nine in 10..100
  CHECK_EQ(counts.percentile(99), 100);    // all of that
  CHECK_EQ(counts.percentile(100), 1000);  // more than the last bound is not known
}

TEST_CASE("of a single value every percentile is its bucket's bound") {
  Small counts;
  counts.add(11);
  for (const std::uint32_t percent : {1U, 50U, 99U, 100U}) {
    CAPTURE(percent);
    CHECK_EQ(counts.percentile(percent), 100);
  }
}

TEST_CASE("the bounds rise") {
  for (std::size_t i = 1; i < latency_bounds_us.size(); ++i) {
    CHECK_LT(latency_bounds_us[i - 1], latency_bounds_us[i]);
  }
  for (std::size_t i = 1; i < depth_bounds.size(); ++i) {
    CHECK_LT(depth_bounds[i - 1], depth_bounds[i]);
  }
}

}  // namespace pool
