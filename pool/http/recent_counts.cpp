#include "pool/http/recent_counts.h"

#include "common/base/assert.h"

#include <numeric>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr auto window = 60min;
constexpr auto spacing = 1min;
constexpr std::size_t samples_max = 61;

}  // namespace

std::uint64_t ShareCounts::rejected() const {
  return std::accumulate(rejects.begin(), rejects.end(), std::uint64_t{0});
}

RecentCounts::RecentCounts() : minutes_(samples_max) {}

void RecentCounts::sample(base::MonoTime now, const ShareCounts& totals) {
  if (!minutes_.empty() && now - minutes_[minutes_.size() - 1].at < spacing) return;
  if (minutes_.full()) minutes_.pop();
  ASSERT(minutes_.push({now, totals}));
}

RecentCounts::Recent RecentCounts::recent(base::MonoTime now, const ShareCounts& totals) const {
  if (minutes_.empty()) return {};
  // The newest that is at least an hour old, else the oldest.
  std::size_t from = 0;
  while (from + 1 < minutes_.size() && now - minutes_[from + 1].at >= window) ++from;
  const Sample& start = minutes_[from];
  Recent out;
  out.length = std::chrono::duration_cast<std::chrono::seconds>(now - start.at);
  out.counts.accepted = totals.accepted - start.totals.accepted;
  for (std::size_t i = 0; i < out.counts.rejects.size(); ++i)
    out.counts.rejects[i] = totals.rejects[i] - start.totals.rejects[i];
  return out;
}

}  // namespace pool
