// PayoutRecompute: a payout run once more, from shares and coherence proofs alone. It is told what
// the run says of itself (block, scheme, where its window begins) and every share and proof of the
// journals, in any order, and gives the run that follows from them: if that has the same text, the
// database divided as it should.
//
// Where the window begins is not believed: the work behind that share and the part of it that
// counts must be what the window is to hold, to the last hash, and only one share can be that.
//
// Errors: one line, which says what does not fit.
// Thread: one owner; pure.
// Source: docs/payouts.md.
#pragma once

#include "common/base/u256.h"
#include "pool/core/payout_run.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace pool {

struct PayoutShare {
  std::int64_t time_us = 0;
  std::int64_t journal = 0;  // its number in the database
  std::uint64_t sequence = 0;
  std::uint32_t height = 0;
  std::string_view address;
  base::U256 work;
  bool is_block = false;  // the one that the run is of
};

struct PayoutProof {  // of coherence work
  std::int64_t time_us = 0;
  std::int64_t journal = 0;
  std::uint64_t sequence = 0;
  std::string_view address;
  base::U256 work;
};

class PayoutRecompute {
 public:
  // PPS: work of a miner at a height that earlier runs had credited.
  using CreditedBefore = std::map<std::pair<std::uint32_t, std::string>, base::Natural>;

  explicit PayoutRecompute(PayoutRun claimed, CreditedBefore before = {});

  void add(const PayoutShare& share);
  void add(const PayoutProof& proof);
  std::uint64_t shares() const { return shares_; }  // that counted, in whole or in part
  std::uint64_t proofs() const { return proofs_; }  // that counted
  [[nodiscard]] base::Result<PayoutRun, std::string> finish();

 private:
  using Works = std::map<std::string, base::U256, std::less<>>;

  void add_to_window(const PayoutShare& share);
  void add_to_heights(const PayoutShare& share);
  std::string find_start(PayoutRun& run);
  std::string divide_start(PayoutRun& run);
  std::string fill_miners(PayoutRun& run);
  std::string fill_credits(PayoutRun& run) const;
  void fill_coherence(PayoutRun& run) const;
  static std::string divide_reward(PayoutRun& run);

  const PayoutRun claimed_;
  const CreditedBefore before_;
  std::map<std::int64_t, std::uint64_t> stored_to_;  // sequence, by journal
  std::int64_t whole_from_us_ = 0;                   // start is a minute, hour or day: its end
  bool by_heights_ = false;
  bool has_coherence_ = false;             // a part of it goes to coherence work
  Works works_;                            // of whole shares
  Works start_group_;                      // of the minute, hour or day that counts in part
  std::optional<base::U256> start_share_;  // work of the share that counts in part
  std::string start_address_;
  std::string finder_;
  std::map<std::uint32_t, Works> heights_;  // PPS
  std::uint64_t shares_ = 0;
  std::map<std::string, base::Natural, std::less<>> coherence_;
  std::uint64_t proofs_ = 0;
};

}  // namespace pool
