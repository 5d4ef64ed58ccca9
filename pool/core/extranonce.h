// ExtranonceAllocator: a shard's supply of extranonce1 values.
//
// Four bytes: pool instance u8 | shard u8 | counter u16, big-endian. Instance and shard make the
// values of different loops disjoint without asking anyone; within a shard a value is never held by
// two live connections. A value that was given back can be claimed by the miner that had it (it
// comes back with its session id), and for that time goes to nobody else while there are others;
// then the one that has waited longest goes first.
// Cost: a search for a free value begins where the last one ended, and none is made when all that
// is free waits: connections that come and go by the thousand find one as fast as the first.
// Thread: one shard's.
#pragma once

#include "common/base/bytes.h"
#include "common/base/time.h"
#include "common/mining/job.h"

#include <array>
#include <bitset>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace pool {

using Extranonce1 = std::array<std::uint8_t, 4>;

// The extranonce1 in a session id that a miner sends back: the id itself, or one of the two
// subscription ids made of it (common/stratum/codec.h, write_subscribe_result).
std::optional<Extranonce1> parse_session_id(std::string_view session_id);

class ExtranonceAllocator {
 public:
  // `first_counter`: where to begin; random at start, so that a restarted pool issues other values.
  // `resume_window`: how long a value waits for its miner; zero: not at all.
  ExtranonceAllocator(std::uint8_t instance, std::uint8_t shard, std::uint16_t first_counter,
                      std::chrono::seconds resume_window);
  // Empty when all 65,536 are in use.
  std::optional<Extranonce1> allocate(base::MonoTime now);
  // True when the value is one of ours, was given back within the window, and is free: it is in use
  // again from now on.
  [[nodiscard]] bool claim(const Extranonce1& extranonce1, base::MonoTime now);
  // REQUIRES: allocated or claimed here and not yet released (whatever the instance was then).
  // `last_job`: the newest that was worked on with it.
  void release(const Extranonce1& extranonce1, base::MonoTime now, mining::JobId last_job = {});
  // As release() was told, while the value waits; else 0.
  mining::JobId last_job_of(const Extranonce1& extranonce1) const;
  // Values issued from now on begin with `instance`; their counters stay as they are.
  void set_instance(std::uint8_t instance) { instance_ = instance; }
  // Forgets whose time to come back is over.
  void expire(base::MonoTime now);

  bool is_ours(const Extranonce1& e) const { return e[0] == instance_ && e[1] == shard_; }
  std::uint8_t instance() const { return instance_; }
  std::size_t in_use() const { return in_use_; }

 private:
  struct Released {
    base::MonoTime at;
    mining::JobId last_job;
  };

  Extranonce1 value(std::uint16_t counter) const;
  void take(std::uint16_t counter);

  std::uint8_t instance_;
  const std::uint8_t shard_;
  const std::chrono::seconds resume_window_;
  std::uint16_t next_;
  std::bitset<65'536> used_;
  std::size_t in_use_ = 0;
  std::unordered_map<std::uint16_t, Released> released_;        // none is used
  std::set<std::pair<base::MonoTime, std::uint16_t>> by_time_;  // the same
};

}  // namespace pool
