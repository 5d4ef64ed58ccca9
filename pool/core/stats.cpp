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

}  // namespace

HashrateWindows::HashrateWindows() : seconds_(seconds_kept), minutes_(minutes_kept) {}

void HashrateWindows::sample(base::MonoTime now, const base::U256& work_total) {
  const auto keep = [&](base::Ring<Sample>& ring, std::chrono::seconds spacing) {
    if (!ring.empty() && now - ring[ring.size() - 1].at < spacing) return;
    if (ring.full()) ring.pop();
    ASSERT(ring.push({now, work_total}));
  };
  keep(seconds_, std::chrono::seconds{1});
  keep(minutes_, std::chrono::seconds{60});
}

double HashrateWindows::rate(std::size_t window, base::MonoTime now) const {
  if (seconds_.empty()) return 0;
  const std::chrono::seconds length = windows.at(window);
  const base::Ring<Sample>& ring = length <= std::chrono::seconds{900} ? seconds_ : minutes_;
  const base::MonoTime start = now - length;
  // The newest sample that is at least a window old, or the oldest there is: found by halving.
  std::size_t low = 0;
  std::size_t high = ring.size();
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (ring[middle].at <= start ? low : high) = middle;
  }
  const Sample& from = ring[low];
  const Sample& to = seconds_[seconds_.size() - 1];
  const std::chrono::duration<double> elapsed = std::max(now - from.at, to.at - from.at);
  if (elapsed.count() <= 0) return 0;
  return (to.work - from.work).to_double() / elapsed.count();
}

}  // namespace pool
