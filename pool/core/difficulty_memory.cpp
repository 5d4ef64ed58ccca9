#include "pool/core/difficulty_memory.h"

#include <algorithm>

namespace pool {

DifficultyMemory::Kept& DifficultyMemory::put(std::string_view worker,
                                              bitcoin::Difficulty difficulty, base::MonoTime at) {
  if (const auto found = by_worker_.find(worker); found != by_worker_.end()) {
    order_.splice(order_.end(), order_, found->second);
  } else {
    if (by_worker_.size() >= limits_.entries_max) drop(order_.begin());
    order_.push_back({{std::string(worker), difficulty, at}, false});
    by_worker_.emplace(order_.back().entry.worker, std::prev(order_.end()));
  }
  Kept& kept = order_.back();
  kept.entry.difficulty = difficulty;
  kept.entry.at = at;
  return kept;
}

void DifficultyMemory::drop(Order::iterator which) {
  if (which->is_change) --changes_;
  by_worker_.erase(which->entry.worker);
  order_.erase(which);
}

void DifficultyMemory::remember(std::string_view worker, bitcoin::Difficulty difficulty,
                                base::MonoTime now) {
  Kept& kept = put(worker, difficulty, now);
  if (!kept.is_change) ++changes_;
  kept.is_change = true;
}

std::optional<bitcoin::Difficulty> DifficultyMemory::recall(std::string_view worker,
                                                            base::MonoTime now) {
  const auto found = by_worker_.find(worker);
  if (found == by_worker_.end()) return std::nullopt;
  if (now - found->second->entry.at > limits_.expiry) {
    drop(found->second);
    return std::nullopt;
  }
  return found->second->entry.difficulty;
}

std::vector<DifficultyMemory::Entry> DifficultyMemory::take_changes() {
  std::vector<Entry> taken;
  // The latest entries are at the end, and so are nearly all changes.
  for (auto kept = order_.rbegin(); kept != order_.rend() && changes_ > 0; ++kept) {
    if (!kept->is_change) continue;
    kept->is_change = false;
    --changes_;
    if (taken.size() < limits_.changes_max) taken.push_back(kept->entry);
  }
  std::reverse(taken.begin(), taken.end());
  return taken;
}

void DifficultyMemory::learn(const Entry& entry) {
  const auto known = by_worker_.find(entry.worker);
  if (known != by_worker_.end() && known->second->entry.at >= entry.at) return;
  put(entry.worker, entry.difficulty, entry.at);
}

}  // namespace pool
