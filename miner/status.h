// What the miner shows: the hash rate of the last seconds, the status line, the JSON object.
// Thread: pure; time is passed in.
#pragma once

#include "common/base/time.h"
#include "miner/coherence_status.h"
#include "miner/miner_client.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace miner {

// Hashes, rounds or attempts per second over the last ten seconds, from samples of a running total.
class RateMeter {
 public:
  void sample(std::uint64_t count, base::MonoTime now);
  double per_second() const;

 private:
  struct Sample {
    std::uint64_t count = 0;
    base::MonoTime at;
  };
  std::deque<Sample> samples_;
};

enum class LinkState { connecting, handshake, mining, waiting_for_job, disconnected };
std::string_view name_of(LinkState state);

struct ThreadStatus {
  double hash_rate = 0;  // of the last ten seconds
  std::uint64_t hashes = 0;
  std::uint64_t wrong_proposals = 0;
  std::uint64_t accepted = 0;  // shares, as the pool answered them
  std::uint64_t rejected = 0;
  double difficulty_accepted = 0;
};

struct PoolStatus {
  std::string url;  // without a password
  std::string user;
  bool active = false;  // the one that is mined for
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0;
  double difficulty_accepted = 0;
};

struct Status {
  LinkState link = LinkState::disconnected;
  double hash_rate = 0;  // of the last ten seconds
  std::uint64_t hashes = 0;
  std::chrono::seconds uptime{0};
  ClientCounters counters;
  double difficulty = 0;
  std::string job_id;
  std::vector<PoolStatus> pools;  // in order of preference
  std::size_t unanswered = 0;
  std::uint64_t reconnects = 0;
  std::uint64_t wrong_proposals = 0;             // see Search
  std::chrono::microseconds switch_time_max{0};  // see Worker
  std::string_view kernel;
  std::uint32_t threads = 0;                 // that hash; 0: only coherence work is mined
  std::vector<ThreadStatus> per_thread;      // of those
  std::optional<CoherenceStatus> coherence;  // none: no coherence work is mined
};

// "22.81 MH/s (11.40 MH/s, 11.41 MH/s) | 12 accepted, 1 rejected (1 x stale) | difficulty 0.001 |
// best 0.52 | 2 blocks | 3 min 07 s | stratum+tcp://pool.example:3333 | job 1a"; what is said of
// coherence work stands before the time, or alone where nothing else is mined.
std::string status_line(const Status& status);
// One JSON object without a newline; keys as miner/README.md lists them.
std::string status_json(const Status& status, bool final);
// Several lines, for the end.
std::string totals_text(const Status& status);

// At most `lines` lines in each window of ten seconds; counts those it holds back.
class LineLimiter {
 public:
  explicit LineLimiter(std::uint32_t lines) : lines_(lines) {}
  // True: print it. `held_back` is how many lines were held back since the last one printed.
  bool allow(base::MonoTime now, std::uint64_t& held_back);

 private:
  const std::uint32_t lines_;
  base::MonoTime window_start_{};
  std::uint32_t in_window_ = 0;
  std::uint64_t held_back_ = 0;
};

}  // namespace miner
