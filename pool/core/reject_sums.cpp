#include "pool/core/reject_sums.h"

#include "pool/core/limits.h"

#include <chrono>

namespace pool {

bool RejectSums::add(const std::string& address, const std::string& name,
                     stratum::RejectReason reason) {
  const Worker worker{address, address.empty() ? std::string() : name};
  const bool has_place =
      counts_.size() < limits::reject_sums_max || counts_.contains(std::pair{worker, reason});
  const Worker counted = has_place ? worker : Worker{};
  std::uint32_t& count = counts_[std::pair{counted, reason}];
  if (count != UINT32_MAX) ++count;
  if (address.empty() || !has_place || kept_in_all_ >= limits::rejects_journalled_max) return false;
  std::uint32_t& kept = kept_[worker];
  if (kept >= limits::rejects_journalled_per_worker_max) return false;
  ++kept;
  ++kept_in_all_;
  return true;
}

std::vector<RejectSumRecord> RejectSums::take_due(base::Instant now) {
  if (now.mono - told_at_ < std::chrono::minutes(1)) return {};
  return take_all(now);
}

std::vector<RejectSumRecord> RejectSums::take_all(base::Instant now) {
  std::vector<RejectSumRecord> records;
  records.reserve(counts_.size());
  for (const auto& [key, count] : counts_) {
    const auto& [worker, reason] = key;
    records.push_back({now.unix_micros(), worker.first, worker.second, reason, count});
  }
  counts_.clear();
  kept_.clear();
  kept_in_all_ = 0;
  told_at_ = now.mono;
  return records;
}

}  // namespace pool
