// What the miner shows of coherence work: its part of the status line, of the JSON object and of
// the totals at the end. Thread: pure.
#pragma once

#include "miner/coherence_client.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace miner {

struct CoherenceStatus {
  std::uint32_t threads = 0;
  std::string_view kernel;
  double rounds_per_second = 0;  // of the last ten seconds
  double attempts_per_second = 0;
  std::uint64_t rounds = 0;
  std::uint64_t attempts = 0;
  std::uint64_t blooms = 0;
  std::uint64_t wrong_blooms = 0;  // see BloomSearch
  std::uint32_t best_round = 0;    // of the most coherent attempt under way
  std::uint16_t best_r_q = 0;      // and its r in 1/65536; 0: nothing runs
  CoherenceCounters counters;
  std::size_t unanswered = 0;
  std::shared_ptr<const CoherenceWork> work;  // null: there is none
};

// Expected time to a share at the present rate; none without work, or before there is a rate.
std::optional<double> seconds_to_share(const CoherenceStatus& status);

// "61.20 M rounds/s, 4.702 K attempts/s | 3270 blooms | r 0.86841 | 3 accepted, 0 rejected |
// a share in about 41 s | coherence job 1a"
std::string coherence_line(const CoherenceStatus& status);
// A JSON object; keys as miner/README.md lists them.
std::string coherence_json(const CoherenceStatus& status);
std::string coherence_totals(const CoherenceStatus& status, std::chrono::seconds uptime);
// A line of --progress without its newline.
std::string progress_json(std::uint32_t round, std::uint16_t r_q);

}  // namespace miner
