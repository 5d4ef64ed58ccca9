// A payout run in its canonical text, of which the database keeps the SHA-256: all that was
// divided, by what, among whom. docs/payouts.md describes the text byte for byte.
//
// Units:  satoshis; times in microseconds since 1970; "-" stands for what a run does not have.
// Errors: parsing says which line is not as it must be.
// Thread: pure functions.
#pragma once

#include "common/base/natural.h"
#include "common/base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

struct PayoutRun {
  struct Start {
    std::string kind;  // all, share, minute, hour, day, after
    std::optional<std::int64_t> time_us;
    std::optional<std::int64_t> journal;
    std::optional<std::uint64_t> sequence;
    std::optional<base::Natural> work;
    friend bool operator==(const Start&, const Start&) = default;
  };
  struct Journal {  // how far it was stored
    std::int64_t number = 0;
    std::string uuid;
    std::uint64_t sequence = 0;
    friend bool operator==(const Journal&, const Journal&) = default;
  };
  struct Credit {  // PPS: a height
    std::uint32_t height = 0;
    std::uint32_t nbits = 0;
    base::Natural subsidy_sats;
    base::Natural work;
    base::Natural value_sats;
    friend bool operator==(const Credit&, const Credit&) = default;
  };
  struct Miner {
    std::string address;
    base::Natural work;
    base::Natural coherence_work;
    base::Natural value_sats;
    base::Natural share_sats;
    base::Natural coherence_sats;
    friend bool operator==(const Miner&, const Miner&) = default;
  };

  std::string kind;   // block, pps
  std::string block;  // display hex; empty: none
  std::optional<std::uint32_t> height;
  std::int64_t end_us = 0;
  std::string scheme;
  std::string pplns_window;
  std::uint32_t fee_ppm = 0;
  std::uint32_t coherence_ppm = 0;
  base::Natural reward_sats;
  std::optional<std::uint32_t> nbits;
  std::optional<base::Natural> window_work;
  Start start;
  base::Natural work;
  base::Natural coherence_work;
  base::Natural fee_sats;
  base::Natural coherence_sats;
  base::Natural reserve_sats;
  std::vector<Journal> journals;  // rising
  std::vector<Credit> credits;    // rising
  std::vector<Miner> miners;      // by address, in byte order
  friend bool operator==(const PayoutRun&, const PayoutRun&) = default;
};

std::string write_payout_text(const PayoutRun& run);
[[nodiscard]] base::Result<PayoutRun, std::string> parse_payout_text(std::string_view text);

}  // namespace pool
