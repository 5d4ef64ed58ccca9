// Histogram: how often values fell below each of a few fixed bounds, for the metrics.
//
// Each thread counts into its own and sends it, whole, with its next report; whoever shows them
// adds them up. So counting is an addition to an array, with no lock and no atomic, and a lost
// report costs nothing. The bounds are the type's: histograms with different ones can't be added.
//
// Units:  those of the bounds; durations count in microseconds, rounded down.
// Thread: plain data.
// Source: the bucket convention is Prometheus's (a value equal to a bound is counted below it).
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace pool {

// 10 us to 100 s in steps of 2 to 2.5: what a share, a job, a disk and a database take.
inline constexpr std::array<std::int64_t, 22> latency_bounds_us{
    10,        20,        50,         100,        200,        500,        1'000,   2'000,
    5'000,     10'000,    20'000,     50'000,     100'000,    200'000,    500'000, 1'000'000,
    2'000'000, 5'000'000, 10'000'000, 20'000'000, 50'000'000, 100'000'000};
// Messages of a mailbox that were taken at once.
inline constexpr std::array<std::int64_t, 13> depth_bounds{
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1'000, 2'000, 5'000, 10'000};

template <const auto& bounds>
class Histogram {
 public:
  static constexpr std::size_t bucket_count = bounds.size() + 1;  // the last has no upper bound

  // Negative values (a wall clock that was set back) count as zero.
  void add(std::int64_t value) {
    value = std::max<std::int64_t>(value, 0);
    const auto bound = std::lower_bound(bounds.begin(), bounds.end(), value);
    ++counts_[static_cast<std::size_t>(bound - bounds.begin())];
    sum_ += static_cast<std::uint64_t>(value);
  }
  template <class Rep, class Period>
  void add(std::chrono::duration<Rep, Period> time) {
    add(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
  }
  void add(const Histogram& other) {
    for (std::size_t i = 0; i < bucket_count; ++i) counts_[i] += other.counts_[i];
    sum_ += other.sum_;
  }

  static constexpr std::int64_t bound(std::size_t bucket) { return bounds[bucket]; }
  // Of one bucket alone: above bound `bucket - 1`, at most bound `bucket`.
  std::uint64_t count_in(std::size_t bucket) const { return counts_.at(bucket); }
  std::uint64_t count() const {
    std::uint64_t all = 0;
    for (const std::uint64_t count : counts_) all += count;
    return all;
  }
  std::uint64_t sum() const { return sum_; }

  // The value that `percent` of a hundred were at most, read off a straight line through its
  // bucket; above the last bound, that bound. Nothing: nothing was counted.
  // REQUIRES: percent is 1 to 100.
  std::optional<std::int64_t> percentile(std::uint32_t percent) const {
    const std::uint64_t all = count();
    if (all == 0) return std::nullopt;
    const std::uint64_t rank = (all / 100) * percent + ((all % 100) * percent + 99) / 100;
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      if (below + counts_[i] < rank) {
        below += counts_[i];
        continue;
      }
      const std::int64_t low = i == 0 ? 0 : bounds[i - 1];
      const double share = static_cast<double>(rank - below) / static_cast<double>(counts_[i]);
      return low + static_cast<std::int64_t>(static_cast<double>(bounds[i] - low) * share);
    }
    return bounds.back();
  }

  friend bool operator==(const Histogram&, const Histogram&) = default;

 private:
  std::array<std::uint64_t, bucket_count> counts_{};
  std::uint64_t sum_ = 0;
};

using LatencyHistogram = Histogram<latency_bounds_us>;
using DepthHistogram = Histogram<depth_bounds>;

// How a loop's thread keeps up: by how much a timer of it fires late, and how many messages its
// mailbox held whenever it looked.
struct LoopHealth {
  LatencyHistogram lag;
  DepthHistogram queue;
  void add(const LoopHealth& other) {
    lag.add(other.lag);
    queue.add(other.queue);
  }
  friend bool operator==(const LoopHealth&, const LoopHealth&) = default;
};

}  // namespace pool
