#include "pool/net/turn_away_log.h"

#include <fmt/format.h>

namespace pool {
namespace {

constexpr auto summary_period = std::chrono::minutes(1);
const TokenRate lines_per_second = TokenRate::of(1, 20);

}  // namespace

bool TurnAwayLog::may_log(base::MonoTime now) { return lines_.try_spend(lines_per_second, now); }

std::string TurnAwayLog::summary(base::MonoTime now) {
  if (now < next_summary_) return {};
  std::string text;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}", name_of(static_cast<TurnAway>(i)), counts_[i]);
  }
  if (text.empty()) return text;
  counts_ = {};
  next_summary_ = now + summary_period;
  return text;
}

}  // namespace pool
