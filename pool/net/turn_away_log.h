// TurnAwayLog: what a loop says of connections that never became miners. A flood of them must not
// fill the log: they are counted, summarised once a minute, and named one by one only while a
// token bucket has tokens.
//
// Thread: the loop's. Time is an argument.
#pragma once

#include "common/base/time.h"
#include "pool/core/token_bucket.h"
#include "pool/net/connection.h"

#include <array>
#include <cstdint>
#include <string>

namespace pool {

class TurnAwayLog {
 public:
  void count(TurnAway why) { ++counts_[static_cast<std::size_t>(why)]; }
  // May one more peer be named? Takes a token if so.
  [[nodiscard]] bool may_log(base::MonoTime now);
  // "not_stratum 12, http 3", once a minute and only when there is something to say; else empty.
  [[nodiscard]] std::string summary(base::MonoTime now);

 private:
  std::array<std::uint64_t, turn_away_count> counts_{};
  TokenBucket lines_;
  base::MonoTime next_summary_{};
};

}  // namespace pool
