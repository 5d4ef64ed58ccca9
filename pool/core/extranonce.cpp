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

void ExtranonceAllocator::take(std::uint16_t counter) {
  used_[counter] = true;
  ++in_use_;
  const auto released = released_.find(counter);
  if (released == released_.end()) return;
  by_time_.erase({released->second.at, counter});
  released_.erase(released);
}

std::optional<Extranonce1> ExtranonceAllocator::allocate(base::MonoTime now) {
  expire(now);
  if (in_use_ + released_.size() == used_.size()) {  // all that is free waits for somebody
    if (by_time_.empty()) return std::nullopt;
    const std::uint16_t counter = by_time_.begin()->second;
    take(counter);
    return value(counter);
  }
  while (used_[next_] || released_.contains(next_)) ++next_;
  const std::uint16_t counter = next_++;
  take(counter);
  return value(counter);
}

bool ExtranonceAllocator::claim(const Extranonce1& extranonce1, base::MonoTime now) {
  const std::uint16_t counter = counter_of(extranonce1);
  expire(now);
  if (!is_ours(extranonce1) || !released_.contains(counter)) return false;
  take(counter);
  return true;
}

void ExtranonceAllocator::release(const Extranonce1& extranonce1, base::MonoTime now,
                                  mining::JobId last_job) {
  ASSERT(extranonce1[1] == shard_);
  const std::uint16_t counter = counter_of(extranonce1);
  ASSERT(used_[counter]);
  used_[counter] = false;
  --in_use_;
  if (resume_window_.count() == 0) return;
  released_[counter] = {now, last_job};
  by_time_.emplace(now, counter);
}

mining::JobId ExtranonceAllocator::last_job_of(const Extranonce1& extranonce1) const {
  const auto released = released_.find(counter_of(extranonce1));
  return released != released_.end() ? released->second.last_job : mining::JobId{0};
}

void ExtranonceAllocator::expire(base::MonoTime now) {
  while (!by_time_.empty() && now - by_time_.begin()->first >= resume_window_) {
    released_.erase(by_time_.begin()->second);
    by_time_.erase(by_time_.begin());
  }
}

}  // namespace pool
