#include "miner/status.h"

#include "miner/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace miner {
namespace {

constexpr std::chrono::seconds window{10};

double average_rate(const Status& status) {
  const auto seconds = std::max<std::int64_t>(1, status.uptime.count());
  return static_cast<double>(status.hashes) / static_cast<double>(seconds);
}

// False where nothing but coherence work is mined.
bool hashes(const Status& status) { return status.threads > 0 || !status.coherence; }

}  // namespace

void RateMeter::sample(std::uint64_t count, base::MonoTime now) {
  samples_.push_back({count, now});
  while (samples_.size() > 2 && now - samples_.front().at > window) samples_.pop_front();
}

double RateMeter::per_second() const {
  if (samples_.size() < 2) return 0;
  const std::chrono::duration<double> passed = samples_.back().at - samples_.front().at;
  if (passed.count() <= 0) return 0;
  return static_cast<double>(samples_.back().count - samples_.front().count) / passed.count();
}

std::string_view name_of(LinkState state) {
  switch (state) {
    case LinkState::connecting:
      return "connecting";
    case LinkState::handshake:
      return "handshake";
    case LinkState::mining:
      return "mining";
    case LinkState::waiting_for_job:
      return "waiting_for_job";
    case LinkState::disconnected:
      return "disconnected";
  }
  return "";
}

namespace {

constexpr std::size_t threads_shown_max = 8;
constexpr std::size_t reason_bytes_max = 40;

// " (11.40, 11.41)": each thread's rate, in the unit of the sum where that is one; with many of
// them the least and the greatest.
std::string threads_text(const Status& status) {
  if (status.per_thread.size() < 2) return "";
  std::vector<double> rates;
  for (const ThreadStatus& thread : status.per_thread) rates.push_back(thread.hash_rate);
  std::string text;
  if (rates.size() > threads_shown_max) {
    const auto [least, most] = std::minmax_element(rates.begin(), rates.end());
    return fmt::format(" ({} x {} to {})", rates.size(), hash_rate_text(*least),
                       hash_rate_text(*most));
  }
  for (const double rate : rates) text += (text.empty() ? "" : ", ") + hash_rate_text(rate);
  return " (" + text + ")";
}

// " (2 x stale, 1 x low difficulty)": most frequent first.
std::string reasons_text(const RejectReasons& reasons, std::size_t most) {
  std::vector<std::pair<std::uint64_t, std::string>> sorted;
  for (const auto& [reason, count] : reasons.counts()) sorted.emplace_back(count, reason);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text;
  for (std::size_t i = 0; i < std::min(most, sorted.size()); ++i) {
    text += fmt::format("{}{} x {}", i == 0 ? "" : ", ", sorted[i].first,
                        printable(sorted[i].second, reason_bytes_max));
  }
  if (sorted.size() > most) text += ", ...";
  return text.empty() ? "" : " (" + text + ")";
}

std::string hashing_line(const Status& status) {
  const ClientCounters& counters = status.counters;
  std::string line = fmt::format(
      "{}{} | {} accepted, {} rejected{}", hash_rate_text(status.hash_rate), threads_text(status),
      counters.accepted, counters.rejected, reasons_text(counters.reject_reasons, 1));
  if (!status.job_id.empty()) {
    line += fmt::format(" | difficulty {}", difficulty_text(status.difficulty));
  }
  if (counters.best_share > 0) {
    line += fmt::format(" | best {}", difficulty_text(counters.best_share));
  }
  if (counters.blocks_accepted > 0) {
    line += fmt::format(" | {} block{}", counters.blocks_accepted,
                        counters.blocks_accepted == 1 ? "" : "s");
  }
  return line;
}

// "stratum+tcp://pool.example:3333"; empty: none is mined for.
std::string_view active_pool(const Status& status) {
  for (const PoolStatus& pool : status.pools) {
    if (pool.active) return pool.url;
  }
  return "";
}

std::string reasons_json(const RejectReasons& reasons) {
  std::string json;
  for (const auto& [reason, count] : reasons.counts()) {
    json += fmt::format("{}{}:{}", json.empty() ? "" : ",", json_string(reason), count);
  }
  return "{" + json + "}";
}

std::string thread_rates_json(const Status& status) {
  std::string json;
  for (const ThreadStatus& thread : status.per_thread) {
    json += fmt::format("{}{:.0f}", json.empty() ? "" : ",", thread.hash_rate);
  }
  return "[" + json + "]";
}

}  // namespace

std::string status_line(const Status& status) {
  std::string line;
  if (hashes(status)) line = hashing_line(status) + " | ";
  if (status.coherence) line += coherence_line(*status.coherence) + " | ";
  if (status.link == LinkState::waiting_for_job) {
    line += "waiting for a job | ";
  } else if (status.link != LinkState::mining) {
    line +=
        fmt::format("{}, not {} | ", name_of(status.link), status.coherence ? "mining" : "hashing");
  }
  line += duration_text(status.uptime);
  // What is the same for hours comes last, where a narrow terminal cuts.
  if (!active_pool(status).empty()) line += fmt::format(" | {}", active_pool(status));
  if (!status.job_id.empty()) line += fmt::format(" | job {}", printable(status.job_id, 16));
  return line;
}

std::string status_json(const Status& status, bool final) {
  const ClientCounters& c = status.counters;
  std::string json = fmt::format(
      R"({{"state":"{}","final":{},"uptime_s":{},"hash_rate":{:.0f},"hash_rate_average":{:.0f},)"
      R"("hashes":{},"threads":{},"kernel":{},"accepted":{},"rejected":{},"unanswered":{},)",
      name_of(status.link), final, status.uptime.count(), status.hash_rate, average_rate(status),
      status.hashes, status.threads, json_string(status.kernel), c.accepted, c.rejected,
      status.unanswered);
  json += fmt::format(
      R"("unanswered_lost":{},"resubmitted":{},"resubmitted_known":{},"dropped_stale":{},)"
      R"("dropped_full":{},"dropped_repeat":{},)"
      R"("blocks_found":{},"blocks_accepted":{},"difficulty":{},"difficulty_accepted":{},)",
      c.unanswered_lost, c.resubmitted, c.resubmitted_known, c.dropped_stale, c.dropped_full,
      c.dropped_repeat, c.blocks_found, c.blocks_accepted, status.difficulty,
      c.difficulty_accepted);
  json += fmt::format(
      R"("job_id":{},"jobs":{},"reconnects":{},"lines_not_understood":{},"wrong_proposals":{},)",
      json_string(status.job_id), c.jobs, status.reconnects, c.lines_not_understood,
      status.wrong_proposals);
  json +=
      fmt::format(R"("pool":{},"best_share":{},"reject_reasons":{},"thread_hash_rates":{},)"
                  R"("switch_us_max":{})",
                  json_string(active_pool(status)), c.best_share, reasons_json(c.reject_reasons),
                  thread_rates_json(status), status.switch_time_max.count());
  if (status.coherence) json += ",\"coherence\":" + coherence_json(*status.coherence);
  return json + "}";
}

std::string totals_text(const Status& status) {
  const ClientCounters& c = status.counters;
  std::string text = fmt::format("ran {}", duration_text(status.uptime));
  if (hashes(status)) {
    text += fmt::format(
        ", {} on average with {} x {}\nshares: {} accepted (difficulty {} in all), "
        "{} rejected{}",
        hash_rate_text(average_rate(status)), status.threads, status.kernel, c.accepted,
        difficulty_text(c.difficulty_accepted), c.rejected,
        reasons_text(c.reject_reasons, RejectReasons::reasons_max + 1));
    if (c.unanswered_lost > 0) text += fmt::format(", {} never answered", c.unanswered_lost);
    if (c.best_share > 0) {
      text += fmt::format("\nbest share: difficulty {}", difficulty_text(c.best_share));
    }
    text += fmt::format("\nblocks: {} found, {} accepted", c.blocks_found, c.blocks_accepted);
  }
  text += "\n";
  if (status.wrong_proposals > 0) {
    text += fmt::format("kernel {} was wrong {} times: please report it\n", status.kernel,
                        status.wrong_proposals);
  }
  if (status.coherence) text += coherence_totals(*status.coherence, status.uptime);
  return text;
}

bool LineLimiter::allow(base::MonoTime now, std::uint64_t& held_back) {
  if (now - window_start_ >= window) {
    window_start_ = now;
    in_window_ = 0;
  }
  if (in_window_ == lines_) {
    ++held_back_;
    return false;
  }
  ++in_window_;
  held_back = std::exchange(held_back_, 0);
  return true;
}

}  // namespace miner
