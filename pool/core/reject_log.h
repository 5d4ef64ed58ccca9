// RejectLog: the last refused submits of each worker, in full, so that a miner's owner can see what
// was wrong with them: what was sent, what it was judged by, and the verdict.
//
// Only authorized workers are remembered: a name that nobody logged in with could be anything.
// Memory: reject_log_workers_max workers (the one without news longest goes),
// rejects_kept_per_worker
//         of each; well under 1 KiB a reject.
// Thread: one owner, one thread.
#pragma once

#include "common/bitcoin/hash.h"
#include "common/stratum/reject.h"

#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pool {

// Units: times in microseconds since 1970. What the pool did not come to is empty.
struct RejectedSubmit {
  std::int64_t time_us = 0;
  std::string worker;  // "address.name"
  std::string user_agent;
  stratum::RejectReason reason{};
  std::string detail;
  std::string job_id;       // as sent, bounded
  std::string extranonce1;  // hex
  std::string extranonce2;  // as sent, bounded
  std::uint32_t ntime = 0;
  std::uint32_t nonce = 0;
  std::optional<std::uint32_t> version_bits;
  std::uint32_t version_mask = 0;  // what it was allowed to roll
  std::optional<std::uint32_t> height;
  std::optional<std::int64_t> job_age_ms;  // since its job was made
  std::optional<std::int64_t> stale_ms;    // how long its job had been stale
  std::optional<bitcoin::BlockHash> hash;
  std::optional<double> share_difficulty;
  std::optional<double> difficulty;  // that it was held to
  friend bool operator==(const RejectedSubmit&, const RejectedSubmit&) = default;
};

class RejectLog {
 public:
  void add(RejectedSubmit reject);
  // An address may have a thousand workers: what is found of it is bounded, not only what is kept.
  static constexpr std::size_t found_max = 200;

  // Of one worker ("address.name"), or of all workers of an address; the newest first, at most
  // `most` or found_max, whichever is less.
  std::vector<RejectedSubmit> find(std::string_view user, std::size_t most = found_max) const;
  std::size_t workers() const { return by_worker_.size(); }

 private:
  struct Worker {
    std::string name;
    std::deque<RejectedSubmit> rejects;  // the newest last
  };
  std::list<Worker> workers_;  // the one with the newest reject first
  std::unordered_map<std::string_view, std::list<Worker>::iterator> by_worker_;
};

}  // namespace pool
