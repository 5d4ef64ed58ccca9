// RejectReasons: how often each reason was given for a share that a pool rejected. The texts are
// the pool's, so only so many are kept apart; what comes beyond them counts as "other".
// Thread: plain data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace miner {

class RejectReasons {
 public:
  static constexpr std::size_t reasons_max = 16;

  void count(const std::string& reason, std::uint64_t times = 1) {
    const bool is_new = counts_.find(reason) == counts_.end();
    counts_[is_new && counts_.size() >= reasons_max ? "other" : reason] += times;
  }
  void add(const RejectReasons& more) {
    for (const auto& [reason, times] : more.counts_) count(reason, times);
  }
  const std::map<std::string, std::uint64_t>& counts() const { return counts_; }

 private:
  std::map<std::string, std::uint64_t> counts_;
};

}  // namespace miner
