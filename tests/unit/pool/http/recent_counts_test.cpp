#include "pool/http/recent_counts.h"

#include <doctest/doctest.h>

using namespace pool;
using namespace std::chrono_literals;

TEST_CASE("the last hour's shares, out of totals") {
  RecentCounts counts;
  base::MonoTime now{};
  ShareCounts totals;
  CHECK_EQ(counts.recent(now, totals).counts.accepted, 0);
  // Ten a second, and a refused one a minute; the first minute alone has a thousand more.
  totals.accepted = 1000;
  for (int second = 0; second <= 7200; ++second, now += 1s) {
    counts.sample(now, totals);
    totals.accepted += 10;
    if (second % 60 == 0) ++totals.rejects[2];
    if (second == 1800) {
      const auto half = counts.recent(now, totals);
      CHECK_EQ(half.length, 1800s);  // since the start
      CHECK_EQ(half.counts.accepted, 18'010);
    }
  }
  const auto hour = counts.recent(now, totals);
  CHECK_GE(hour.length, 3600s);
  CHECK_LT(hour.length, 3661s);
  CHECK_EQ(hour.counts.accepted, static_cast<std::uint64_t>(hour.length.count()) * 10);
  CHECK_EQ(hour.counts.rejected(), hour.counts.rejects[2]);
  CHECK_GE(hour.counts.rejects[2], 60);
  CHECK_LE(hour.counts.rejects[2], 61);
}
