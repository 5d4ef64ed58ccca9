#include "miner/coherence_status.h"

#include "common/coherence/estimate.h"
#include "miner/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace miner {
namespace {

// Beyond what duration_text() counts in, as where there is hardly a rate.
constexpr double seconds_shown_max = 1e9;

std::string optional_json(const std::optional<double>& value) {
  return value ? fmt::format("{:.3f}", *value) : "null";
}

}  // namespace

std::optional<double> seconds_to_share(const CoherenceStatus& status) {
  if (!status.work || status.rounds_per_second <= 0) return std::nullopt;
  return coherence::seconds_per_share(status.work->level, hash_difficulty(status.work->target),
                                      status.rounds_per_second);
}

std::string coherence_line(const CoherenceStatus& status) {
  const CoherenceCounters& c = status.counters;
  std::string line =
      fmt::format("{} rounds/s, {} attempts/s | {} bloom{} | r {} | {} accepted, {} rejected",
                  count_text(status.rounds_per_second), count_text(status.attempts_per_second),
                  count_text(static_cast<double>(status.blooms)), status.blooms == 1 ? "" : "s",
                  order_text(status.best_r_q), c.accepted, c.rejected);
  if (const auto seconds = seconds_to_share(status)) {
    const auto whole = static_cast<std::int64_t>(std::min(*seconds, seconds_shown_max));
    line += fmt::format(" | a share in about {}", duration_text(std::chrono::seconds(whole)));
  }
  if (c.blocks_accepted > 0) {
    line +=
        fmt::format(" | {} proof block{}", c.blocks_accepted, c.blocks_accepted == 1 ? "" : "s");
  }
  return line + (status.work
                     ? fmt::format(" | coherence job {}", printable(status.work->job_id, 16))
                     : " | no coherence job");
}

std::string coherence_json(const CoherenceStatus& status) {
  const CoherenceCounters& c = status.counters;
  std::string json = fmt::format(
      R"({{"threads":{},"kernel":{},"rounds_per_second":{:.0f},"attempts_per_second":{:.3f},)"
      R"("rounds":{},"attempts":{},"blooms":{},"wrong_blooms":{},"best_round":{},"best_r":{},)",
      status.threads, json_string(status.kernel), status.rounds_per_second,
      status.attempts_per_second, status.rounds, status.attempts, status.blooms,
      status.wrong_blooms, status.best_round, order_text(status.best_r_q));
  json += fmt::format(
      R"("accepted":{},"rejected":{},"unanswered":{},"unanswered_lost":{},"retries":{},)"
      R"("dropped_stale":{},"dropped_full":{},"dropped_repeat":{},"dropped_busy":{},)"
      R"("blocks_found":{},"blocks_accepted":{},"work_accepted":{:.0f},"jobs":{},)",
      c.accepted, c.rejected, status.unanswered, c.unanswered_lost, c.retries, c.dropped_stale,
      c.dropped_full, c.dropped_repeat, c.dropped_busy, c.blocks_found, c.blocks_accepted,
      c.work_accepted, c.jobs);
  if (!status.work) {
    return json + R"("job_id":null,"height":null,"level":null,"hash_difficulty":null,)"
                  R"("seconds_to_share":null})";
  }
  const CoherenceWork& work = *status.work;
  return json + fmt::format(R"("job_id":{},"height":{},"level":{},"hash_difficulty":{:.3f},)"
                            R"("seconds_to_share":{}}})",
                            json_string(work.job_id),
                            work.height ? std::to_string(*work.height) : "null", work.level,
                            hash_difficulty(work.target), optional_json(seconds_to_share(status)));
}

std::string coherence_totals(const CoherenceStatus& status, std::chrono::seconds uptime) {
  const CoherenceCounters& c = status.counters;
  const double rate = static_cast<double>(status.rounds) /
                      static_cast<double>(std::max<std::int64_t>(1, uptime.count()));
  std::string text =
      fmt::format("coherence: {} rounds/s on average with {} x {}, {} attempts, {} blooms\n",
                  count_text(rate), status.threads, status.kernel, status.attempts, status.blooms);
  text += fmt::format("proofs: {} accepted ({} rounds of work), {} rejected", c.accepted,
                      count_text(c.work_accepted), c.rejected);
  if (c.unanswered_lost > 0) text += fmt::format(", {} never answered", c.unanswered_lost);
  text += fmt::format("\nproof chain blocks: {} found, {} accepted\n", c.blocks_found,
                      c.blocks_accepted);
  if (status.wrong_blooms > 0) {
    text += fmt::format("kernel {} was wrong {} times: please report it\n", status.kernel,
                        status.wrong_blooms);
  }
  return text;
}

std::string progress_json(std::uint32_t round, std::uint16_t r_q) {
  return fmt::format(R"({{"round":{},"r":{}}})", round, order_text(r_q));
}

}  // namespace miner
