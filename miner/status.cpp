#include "miner/status.h"

#include "miner/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

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

std::string hashing_line(const Status& status) {
  const ClientCounters& counters = status.counters;
  std::string line = fmt::format("{} | {} accepted, {} rejected", hash_rate_text(status.hash_rate),
                                 counters.accepted, counters.rejected);
  if (!status.job_id.empty()) {
    line += fmt::format(" | difficulty {} | job {}", difficulty_text(status.difficulty),
                        printable(status.job_id, 16));
  }
  if (counters.blocks_accepted > 0) {
    line += fmt::format(" | {} block{}", counters.blocks_accepted,
                        counters.blocks_accepted == 1 ? "" : "s");
  }
  return line;
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
  return line + duration_text(status.uptime);
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
      R"("unanswered_lost":{},"dropped_stale":{},"dropped_full":{},"dropped_repeat":{},)"
      R"("blocks_found":{},"blocks_accepted":{},"difficulty":{},"difficulty_accepted":{},)",
      c.unanswered_lost, c.dropped_stale, c.dropped_full, c.dropped_repeat, c.blocks_found,
      c.blocks_accepted, status.difficulty, c.difficulty_accepted);
  json += fmt::format(
      R"("job_id":{},"jobs":{},"reconnects":{},"lines_not_understood":{},"wrong_proposals":{})",
      json_string(status.job_id), c.jobs, status.reconnects, c.lines_not_understood,
      status.wrong_proposals);
  if (status.coherence) json += ",\"coherence\":" + coherence_json(*status.coherence);
  return json + "}";
}

std::string totals_text(const Status& status) {
  const ClientCounters& c = status.counters;
  std::string text = fmt::format("ran {}", duration_text(status.uptime));
  if (hashes(status)) {
    text += fmt::format(
        ", {} on average with {} x {}\nshares: {} accepted (difficulty {} in all), "
        "{} rejected",
        hash_rate_text(average_rate(status)), status.threads, status.kernel, c.accepted,
        difficulty_text(c.difficulty_accepted), c.rejected);
    if (c.unanswered_lost > 0) text += fmt::format(", {} never answered", c.unanswered_lost);
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
