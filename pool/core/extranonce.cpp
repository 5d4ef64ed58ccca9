#include "pool/core/extranonce.h"

#include "common/base/assert.h"

namespace pool {
namespace {

std::uint16_t counter_of(const Extranonce1& extranonce1) {
  return static_cast<std::uint16_t>(extranonce1[2] << 8 | extranonce1[3]);
}

}  // namespace

std::optional<Extranonce1> parse_session_id(std::string_view session_id) {
  constexpr std::size_t digits = 2 * sizeof(Extranonce1);
  const bool suffixed =
      session_id.size() == digits + 1 && (session_id.back() == 'n' || session_id.back() == 'd');
  if (session_id.size() != digits && !suffixed) return std::nullopt;
  Extranonce1 extranonce1{};
  if (!base::decode_hex(session_id.substr(0, digits), extranonce1)) return std::nullopt;
  return extranonce1;
}

ExtranonceAllocator::ExtranonceAllocator(std::uint8_t instance, std::uint8_t shard,
                                         std::uint16_t first_counter,
                                         std::chrono::seconds resume_window)
    : instance_(instance), shard_(shard), resume_window_(resume_window), next_(first_counter) {}

Extranonce1 ExtranonceAllocator::value(std::uint16_t counter) const {
  return {instance_, shard_, static_cast<std::uint8_t>(counter >> 8),
          static_cast<std::uint8_t>(counter)};
}

bool ExtranonceAllocator::waits(std::uint16_t counter, base::MonoTime now) const {
  const auto released = released_.find(counter);
  return released != released_.end() && now - released->second < resume_window_;
}

std::optional<Extranonce1> ExtranonceAllocator::allocate(base::MonoTime now) {
  std::optional<std::uint16_t> waiting;  // taken only when there is no other
  for (std::size_t tried = 0; tried < used_.size(); ++tried) {
    const std::uint16_t counter = next_++;
    if (used_[counter]) continue;
    if (waits(counter, now)) {
      if (!waiting) waiting = counter;
      continue;
    }
    waiting = counter;
    break;
  }
  if (!waiting) return std::nullopt;
  used_[*waiting] = true;
  released_.erase(*waiting);
  return value(*waiting);
}

bool ExtranonceAllocator::claim(const Extranonce1& extranonce1, base::MonoTime now) {
  const std::uint16_t counter = counter_of(extranonce1);
  if (!is_ours(extranonce1) || used_[counter] || !waits(counter, now)) return false;
  used_[counter] = true;
  released_.erase(counter);
  return true;
}

void ExtranonceAllocator::release(const Extranonce1& extranonce1, base::MonoTime now) {
  ASSERT(extranonce1[1] == shard_);
  const std::uint16_t counter = counter_of(extranonce1);
  ASSERT(used_[counter]);
  used_[counter] = false;
  if (resume_window_.count() > 0) released_[counter] = now;
}

void ExtranonceAllocator::expire(base::MonoTime now) {
  std::erase_if(released_, [&](const auto& entry) { return now - entry.second >= resume_window_; });
}

}  // namespace pool
