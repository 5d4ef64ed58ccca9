#include "pool/core/stats.h"

#include "common/base/assert.h"

#include <algorithm>

namespace pool {

std::string_view name_of(NodeFailure failure) {
  switch (failure) {
    case NodeFailure::unreachable:
      return "unreachable";
    case NodeFailure::timeout:
      return "timeout";
    case NodeFailure::unauthorized:
      return "unauthorized";
    case NodeFailure::bad_answer:
      return "bad_answer";
    case NodeFailure::node_error:
      return "node_error";
    case NodeFailure::unfit:
      return "unfit";
    case NodeFailure::no_template:
      return "no_template";
    case NodeFailure::slow:
      return "slow";
  }
  return "unknown";
}
namespace {

constexpr std::size_t seconds_kept = 900 + 1;
constexpr std::size_t minutes_kept = 24 * 60 + 1;
constexpr std::size_t tens_kept = 7 * 24 * 6 + 1;

}  // namespace

HashrateWindows::HashrateWindows()
    : seconds_(seconds_kept), minutes_(minutes_kept), tens_(tens_kept) {}

void HashrateWindows::sample(base::MonoTime now, const base::U256& work_total,
                             std::uint64_t shares_total) {
  const auto keep = [&](base::Ring<Sample>& ring, std::chrono::seconds spacing) {
    if (!ring.empty() && now - ring[ring.size() - 1].at < spacing) return;
    if (ring.full()) ring.pop();
    ASSERT(ring.push({now, work_total, shares_total}));
  };
  keep(seconds_, std::chrono::seconds{1});
  keep(minutes_, std::chrono::seconds{60});
  keep(tens_, std::chrono::seconds{600});
}

// REQUIRES: there is a sample.
const HashrateWindows::Sample& HashrateWindows::start_of(std::size_t window,
                                                         base::MonoTime now) const {
  const std::chrono::seconds length = windows.at(window);
  const base::Ring<Sample>& ring = length <= std::chrono::seconds{900}     ? seconds_
                                   : length <= std::chrono::seconds{86400} ? minutes_
                                                                           : tens_;
  const base::MonoTime start = now - length;
  // The newest sample that is at least a window old, or the oldest there is: found by halving.
  std::size_t low = 0;
  std::size_t high = ring.size();
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (ring[middle].at <= start ? low : high) = middle;
  }
  return ring[low];
}

double HashrateWindows::rate(std::size_t window, base::MonoTime now) const {
  if (seconds_.empty()) return 0;
  const Sample& from = start_of(window, now);
  const Sample& to = seconds_[seconds_.size() - 1];
  const std::chrono::duration<double> elapsed = std::max(now - from.at, to.at - from.at);
  if (elapsed.count() <= 0) return 0;
  return (to.work - from.work).to_double() / elapsed.count();
}

std::uint64_t HashrateWindows::shares(std::size_t window, base::MonoTime now) const {
  if (seconds_.empty()) return 0;
  return seconds_[seconds_.size() - 1].shares - start_of(window, now).shares;
}

}  // namespace pool
