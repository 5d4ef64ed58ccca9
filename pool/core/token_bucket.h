// TokenBucket: a rate with room for bursts, in eight bytes. It keeps one time, the one at which the
// bucket will be full again; each token taken moves that time on (the "virtual scheduling" form of
// the leaky bucket in ITU-T I.371).
//
// spend() takes what it is asked for even when that is more than there is: what has been read from
// a socket is processed, and the debt is worked off before more is read. try_spend() takes all or
// nothing.
// Thread: a value. Time is an argument, and may stand still; a step back earns nothing.
#pragma once

#include "common/base/time.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace pool {

struct TokenRate {
  std::chrono::nanoseconds per_token{0};  // zero: no limit
  std::chrono::nanoseconds depth{0};      // how long an empty bucket takes to fill
  std::chrono::nanoseconds debt_max{0};   // what is spent past it is forgiven

  // `burst` tokens may come at once, and as many again be owed. A rate of zero is no limit.
  static TokenRate of(double per_second, double burst) {
    if (per_second <= 0) return {};
    TokenRate rate;
    rate.per_token = nanoseconds(1e9 / per_second);
    rate.depth = nanoseconds(1e9 / per_second * std::max(burst, 1.0));
    rate.debt_max = rate.depth;
    return rate;
  }
  bool unlimited() const { return per_token.count() == 0; }

 private:
  static std::chrono::nanoseconds nanoseconds(double count) {
    constexpr double most =
        1e15;  // eleven days: slower rates are all the same, and nothing overflows
    return std::chrono::nanoseconds(static_cast<std::int64_t>(std::clamp(count, 1.0, most)));
  }
};

class TokenBucket {
 public:
  TokenBucket() = default;  // full

  // False: the bucket is in debt now.
  bool spend(const TokenRate& rate, base::MonoTime now, std::uint32_t tokens = 1) {
    if (rate.unlimited()) return true;
    const std::chrono::nanoseconds most = rate.depth + rate.debt_max;
    const bool all = tokens > most / rate.per_token;
    full_at_ = std::max(full_at_, now) + (all ? most : rate.per_token * tokens);
    full_at_ = std::min(full_at_, now + most);
    return !in_debt(rate, now);
  }
  [[nodiscard]] bool try_spend(const TokenRate& rate, base::MonoTime now) {
    if (rate.unlimited()) return true;
    const base::MonoTime next = std::max(full_at_, now) + rate.per_token;
    if (next > now + rate.depth) return false;
    full_at_ = next;
    return true;
  }
  bool in_debt(const TokenRate& rate, base::MonoTime now) const {
    return !rate.unlimited() && full_at_ > now + rate.depth;
  }
  bool full(base::MonoTime now) const { return full_at_ <= now; }

 private:
  base::MonoTime full_at_ = base::MonoTime::min();
};

}  // namespace pool
