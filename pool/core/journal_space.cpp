#include "pool/core/journal_space.h"

#include <algorithm>

namespace pool {
namespace {

constexpr int levels[] = {50, 75, 90};
constexpr std::uint64_t back_by_percent = 5;

}  // namespace

void JournalSpace::set_segment(std::uint64_t segment, std::uint64_t bytes) {
  if (segment < stored_.segment) return;
  std::uint64_t& known = segments_[segment];
  sum_ = sum_ - known + bytes;
  known = bytes;
}

bool JournalSpace::set_stored(const JournalPosition& stored) {
  const bool onward = stored.segment >= stored_.segment;
  stored_ = stored;
  while (!segments_.empty() && segments_.begin()->first < stored.segment) {
    sum_ -= segments_.begin()->second;
    segments_.erase(segments_.begin());
  }
  return onward;
}

std::uint64_t JournalSpace::unstored_bytes() const {
  const auto current = segments_.find(stored_.segment);
  if (current == segments_.end()) return sum_;
  return sum_ - std::min(current->second, stored_.offset);
}

std::optional<JournalSpace::Change> JournalSpace::update(std::uint64_t free_bytes) {
  const std::uint64_t used = unstored_bytes();
  const std::uint64_t left = bytes_max_ - std::min(used, bytes_max_);
  const std::uint64_t slack = bytes_max_ * back_by_percent / 100;
  full_ = left == 0 || (full_ && left < slack);
  Change change{level_, level_of(used, used + std::min(left, free_bytes)), short_, false};
  change.is_short = free_bytes < left || (short_ && free_bytes < left + slack);
  level_ = change.level;
  short_ = change.is_short;
  if (change.level == change.level_before && change.is_short == change.short_before) {
    return std::nullopt;
  }
  return change;
}

// `room`: what there is, used and free together.
int JournalSpace::level_of(std::uint64_t used, std::uint64_t room) const {
  if (full_) return 100;
  int reached = 0;
  for (const int level : levels) {
    const std::uint64_t back = level <= level_ ? back_by_percent : 0;
    const std::uint64_t from = static_cast<std::uint64_t>(level) - back;
    // A disk without a byte left has no room even for nothing.
    if (used >= room / 100 * from + room % 100 * from / 100) reached = level;
  }
  return reached;
}

}  // namespace pool
