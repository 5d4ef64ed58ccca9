#include "miner/report_records.h"

#include "miner/text.h"
#include "miner/version.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace miner {
namespace {

std::tm utc_of(std::int64_t unix_seconds) {
  const auto seconds = static_cast<std::time_t>(unix_seconds);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return utc;
}

constexpr std::string_view folders[] = {"Mining/System/System_Reports/Miners/Hourly/",
                                        "Mining/System/Error_Reports/Miners/Hourly/",
                                        "Mining/Math_Proofs/", "Mining/Ledgers/Miners/"};

double per_second(std::uint64_t count, std::int64_t seconds) {
  return static_cast<double>(count) / static_cast<double>(std::max<std::int64_t>(1, seconds));
}

std::string active_pool(const Status& status) {
  for (const PoolStatus& pool : status.pools) {
    if (pool.active) return json_string(pool.url);
  }
  return "null";
}

std::string reasons_since(const RejectReasons& before, const RejectReasons& now) {
  std::string json;
  for (const auto& [reason, count] : now.counts()) {
    const auto old = before.counts().find(reason);
    const std::uint64_t more = count - (old == before.counts().end() ? 0 : old->second);
    if (more == 0) continue;
    json += fmt::format("{}{}:{}", json.empty() ? "" : ",", json_string(reason), more);
  }
  return "{" + json + "}";
}

// "null" where nothing was done.
std::string optional_number(bool there, double value) {
  return there ? fmt::format("{:.6g}", value) : "null";
}

std::string shares_json(const ClientCounters& before, const ClientCounters& now) {
  const std::uint64_t accepted = now.accepted - before.accepted;
  const std::uint64_t rejected = now.rejected - before.rejected;
  const std::uint64_t answered = accepted + rejected;
  return fmt::format(
      R"("accepted":{},"rejected":{},"reject_reasons":{},"success_rate":{},)"
      R"("difficulty_accepted":{},"best_share":{},"blocks_found":{},"blocks_accepted":{},)"
      R"("jobs":{},"dropped_stale":{})",
      accepted, rejected, reasons_since(before.reject_reasons, now.reject_reasons),
      optional_number(answered > 0, per_second(accepted, static_cast<std::int64_t>(answered))),
      now.difficulty_accepted - before.difficulty_accepted, now.best_share,
      now.blocks_found - before.blocks_found, now.blocks_accepted - before.blocks_accepted,
      now.jobs - before.jobs, now.dropped_stale - before.dropped_stale);
}

std::string coherence_json_of(const CoherenceStatus& before, const CoherenceStatus& now,
                              std::int64_t seconds) {
  return fmt::format(
      R"({{"threads":{},"kernel":{},"rounds":{},"rounds_per_second":{:.0f},"attempts":{},)"
      R"("blooms":{},"accepted":{},"rejected":{},"reject_reasons":{},"blocks_found":{},)"
      R"("blocks_accepted":{}}})",
      now.threads, json_string(now.kernel), now.rounds - before.rounds,
      per_second(now.rounds - before.rounds, seconds), now.attempts - before.attempts,
      now.blooms - before.blooms, now.counters.accepted - before.counters.accepted,
      now.counters.rejected - before.counters.rejected,
      reasons_since(before.counters.reject_reasons, now.counters.reject_reasons),
      now.counters.blocks_found - before.counters.blocks_found,
      now.counters.blocks_accepted - before.counters.blocks_accepted);
}

}  // namespace

std::string report_folder(ReportKind kind, std::int64_t unix_seconds) {
  return fmt::format("{}{:%Y/%m/%d/%H/}", folders[static_cast<std::size_t>(kind)],
                     utc_of(unix_seconds));
}

std::string utc_text(std::int64_t unix_seconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", utc_of(unix_seconds));
}

std::string system_report(std::string_view id, const ReportPeriod& period) {
  const Status& before = period.at_start;
  const Status& now = period.at_end;
  const std::int64_t seconds = std::max<std::int64_t>(0, period.to - period.from);
  const std::uint64_t hashes = now.hashes - before.hashes;
  const double rate = per_second(hashes, seconds);
  std::string json =
      fmt::format(R"({{"report":"miner_system","miner":{},"version":"{}","from":"{}","to":"{}",)"
                  R"("seconds":{},"uptime_s":{},"state":"{}","pool":{},"threads":{},"kernel":{},)",
                  json_string(id), program_version, utc_text(period.from), utc_text(period.to),
                  seconds, now.uptime.count(), name_of(now.link), active_pool(now), now.threads,
                  json_string(now.kernel));
  json +=
      fmt::format(R"("hashes":{},"hashes_total":{},"hash_rate":{:.0f},"seconds_per_hash":{},{},)"
                  R"("reconnects":{},"wrong_proposals":{},"lines_left_out":{})",
                  hashes, now.hashes, rate, optional_number(hashes > 0, 1 / rate),
                  shares_json(before.counters, now.counters), now.reconnects - before.reconnects,
                  now.wrong_proposals - before.wrong_proposals, period.lines_left_out);
  if (now.coherence) {
    json += ",\"coherence\":" + coherence_json_of(before.coherence.value_or(CoherenceStatus()),
                                                  *now.coherence, seconds);
  }
  return json + "}\n";
}

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::critical:
      return "critical";
    case Severity::high:
      return "high";
    case Severity::medium:
      return "medium";
    case Severity::low:
      return "low";
    case Severity::info:
      return "info";
  }
  return "";
}

std::string error_line(const ErrorReport& error) {
  return fmt::format(
      R"({{"id":"miner_err_{:%Y%m%d_%H%M%S}_{:04X}","time":"{}","severity":"{}",)"
      R"("component":{},"message":{},"context":{{"pool":{},"job_id":{}}},"recovery_action":{}}})"
      "\n",
      utc_of(error.unix_seconds), error.number & 0xffff, utc_text(error.unix_seconds),
      name_of(error.severity), json_string(error.component), json_string(error.message),
      json_string(error.pool), json_string(error.job_id), json_string(error.recovery_action));
}

std::string session_line(std::string_view what, const Status& status, std::int64_t unix_seconds) {
  return fmt::format(
      R"({{"time":"{}","type":{},"hashes":{},"accepted":{},"rejected":{},"blocks_found":{}}})"
      "\n",
      utc_text(unix_seconds), json_string(what), status.hashes, status.counters.accepted,
      status.counters.rejected, status.counters.blocks_found);
}

}  // namespace miner
