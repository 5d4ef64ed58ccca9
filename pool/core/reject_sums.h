// RejectSums: what a shard tells the journal of rejected shares: a count per worker and reason
// every minute, and a few of each worker's in full.
//
// However many shares are refused, and under however many names, a minute adds a bounded number of
// records: beyond the first reject_sums_max counts the others go to a count without a name.
//
// Time:   every call takes it; nothing here reads a clock.
// Thread: one shard's.
#pragma once

#include "common/base/time.h"
#include "common/stratum/reject.h"
#include "pool/core/records.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace pool {

class RejectSums {
 public:
  // `address` is empty for a name that did not log in. True: this one is worth being kept in full.
  [[nodiscard]] bool add(const std::string& address, const std::string& name,
                         stratum::RejectReason reason);
  // At each tick: the counts of the last minute, when it is over; else nothing.
  std::vector<RejectSumRecord> take_due(base::Instant now);
  // At the end: what has not been told.
  std::vector<RejectSumRecord> take_all(base::Instant now);

 private:
  using Worker = std::pair<std::string, std::string>;

  std::map<std::pair<Worker, stratum::RejectReason>, std::uint32_t> counts_;
  std::map<Worker, std::uint32_t> kept_;  // in full, this minute
  std::uint32_t kept_in_all_ = 0;
  base::MonoTime told_at_{};
};

}  // namespace pool
