#include "pool/core/duplicate_filter.h"

#include "common/base/assert.h"
#include "common/base/bytes.h"
#include "common/base/test_faults.h"

namespace pool {
namespace {

constexpr std::size_t first_slots = 16;
constexpr std::array<std::uint64_t, 2> empty{0, 0};

}  // namespace

DuplicateFilter::DuplicateFilter(std::size_t entries_max) : entries_max_(entries_max) {
  ASSERT(entries_max > 0);
}

DuplicateFilter::Key DuplicateFilter::key_of(const bitcoin::BlockHash& hash) {
  const base::ByteSpan bytes(hash.bytes);
  Key key{base::read_le64(bytes), base::read_le64(bytes.subspan(8))};
  if (key == empty) key[0] = 1;  // the empty mark is not a key
  return key;
}

std::size_t DuplicateFilter::slot_of(const Key& key) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = static_cast<std::size_t>(key[0]) & mask;
  while (slots_[slot] != empty && slots_[slot] != key) slot = (slot + 1) & mask;
  return slot;
}

DuplicateFilter::Verdict DuplicateFilter::insert(const bitcoin::BlockHash& hash) {
  const Key key = key_of(hash);
  if (base::fault("duplicates_taken")) return Verdict::fresh;
  if (!slots_.empty() && slots_[slot_of(key)] == key) return Verdict::duplicate;
  if (size_ == entries_max_) return Verdict::full;
  if (2 * (size_ + 1) > slots_.size()) grow();
  slots_[slot_of(key)] = key;
  ++size_;
  return Verdict::fresh;
}

void DuplicateFilter::erase(const bitcoin::BlockHash& hash) {
  if (slots_.empty()) return;
  std::size_t hole = slot_of(key_of(hash));
  if (slots_[hole] == empty) return;
  slots_[hole] = empty;
  --size_;
  // Linear probing finds a key only over an unbroken run, so the rest of the run moves up: each key
  // behind the hole is taken out and put where a search for it will look.
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = (hole + 1) & mask; slots_[slot] != empty; slot = (slot + 1) & mask) {
    const Key moved = slots_[slot];
    slots_[slot] = empty;
    slots_[slot_of(moved)] = moved;
  }
}

void DuplicateFilter::grow() {
  std::vector<Key> old(slots_.empty() ? first_slots : slots_.size() * 2, empty);
  old.swap(slots_);
  for (const Key& key : old) {
    if (key != empty) slots_[slot_of(key)] = key;
  }
}

}  // namespace pool
