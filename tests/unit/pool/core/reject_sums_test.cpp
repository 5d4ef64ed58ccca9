#include "pool/core/reject_sums.h"

#include "pool/core/limits.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

using namespace std::chrono_literals;
using stratum::RejectReason;

namespace {

base::Instant at(std::chrono::seconds after) {
  return {base::MonoTime{} + 1h + after, base::WallTime{} + 1'700'000'000s + after};
}

std::uint64_t total(const std::vector<pool::RejectSumRecord>& records) {
  return std::accumulate(records.begin(), records.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& record) { return sum + record.count; });
}

}  // namespace

TEST_CASE("rejects are told once a minute, by worker and reason") {
  pool::RejectSums sums;
  CHECK(sums.take_due(at(0s)).empty());
  for (int i = 0; i < 3; ++i) static_cast<void>(sums.add("a", "rig", RejectReason::stale));
  static_cast<void>(sums.add("a", "rig", RejectReason::duplicate));
  static_cast<void>(sums.add("a", "", RejectReason::stale));
  CHECK(sums.take_due(at(59s)).empty());
  const auto told = sums.take_due(at(60s));
  const std::int64_t now = at(60s).unix_micros();
  REQUIRE_EQ(told.size(), 3);
  CHECK(told[0] == pool::RejectSumRecord{now, "a", "", RejectReason::stale, 1});
  CHECK(told[1] == pool::RejectSumRecord{now, "a", "rig", RejectReason::stale, 3});
  CHECK(told[2] == pool::RejectSumRecord{now, "a", "rig", RejectReason::duplicate, 1});
  CHECK(sums.take_due(at(180s)).empty());
}

TEST_CASE("however many names are refused, a minute's records are bounded and count all") {
  pool::RejectSums sums;
  std::size_t in_full = 0;
  constexpr std::size_t names = 3 * pool::limits::reject_sums_max;
  for (std::size_t i = 0; i < names; ++i) {
    in_full += sums.add("a", std::to_string(i), RejectReason::stale) ? 1 : 0;
  }
  CHECK_EQ(in_full, pool::limits::rejects_journalled_max);
  const auto told = sums.take_all(at(1s));
  CHECK_EQ(told.size(), pool::limits::reject_sums_max + 1);
  CHECK_EQ(total(told), names);
  CHECK_EQ(told.front().address, "");
  CHECK_EQ(told.front().count, names - pool::limits::reject_sums_max);
  CHECK(sums.take_all(at(2s)).empty());
}

TEST_CASE("of one worker only the first few of a minute are kept in full, of no name none") {
  pool::RejectSums sums;
  for (std::uint32_t i = 0; i < pool::limits::rejects_journalled_per_worker_max; ++i) {
    CHECK(sums.add("a", "rig", RejectReason::stale));
  }
  CHECK_FALSE(sums.add("a", "rig", RejectReason::duplicate));
  CHECK(sums.add("a", "other", RejectReason::stale));
  CHECK_FALSE(sums.add("", "rig", RejectReason::unauthorized));
  static_cast<void>(sums.take_due(at(60s)));
  CHECK(sums.add("a", "rig", RejectReason::stale));
}
