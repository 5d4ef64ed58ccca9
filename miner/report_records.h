// What --report-dir writes, as text, and where each belongs.
//
//   Mining/System/System_Reports/Miners/Hourly/YYYY/MM/DD/HH/system_report_ID.json
//   Mining/System/Error_Reports/Miners/Hourly/YYYY/MM/DD/HH/errors_ID.jsonl
//   Mining/Math_Proofs/YYYY/MM/DD/HH/block_HASH.json, coherence_HASH.jsonl
//   Mining/Ledgers/Miners/YYYY/MM/DD/HH/ledger_ID.jsonl
//
// The hours are those of UTC. ID tells miners apart that write below one folder. A block's record
// is what `phasepool verify proof` checks, a coherence proof's what `phasepool verify coherence`
// does: neither needs anything else.
//
// Units:  hashes in display order but where said otherwise, work and rates as in the status.
// Thread: pure.
#pragma once

#include "common/base/time.h"
#include "miner/client_event.h"
#include "miner/coherence_work.h"
#include "miner/status.h"
#include "miner/work.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace miner {

enum class ReportKind { system, errors, proofs, ledger };

// Below the report folder, with '/' at the end; of the hour that the time is in.
std::string report_folder(ReportKind kind, std::int64_t unix_seconds);
// "2026-11-22T05:00:00Z"
std::string utc_text(std::int64_t unix_seconds);

// What an hour came to: the difference of two statuses.
struct ReportPeriod {
  std::int64_t from = 0;  // unix seconds
  std::int64_t to = 0;
  Status at_start;
  Status at_end;
  std::uint64_t lines_left_out = 0;  // of the ledger and the errors, beyond what an hour may have
};
// One JSON object with a newline.
std::string system_report(std::string_view id, const ReportPeriod& period);

enum class Severity { critical, high, medium, low, info };
std::string_view name_of(Severity severity);

struct ErrorReport {
  std::int64_t unix_seconds = 0;
  std::uint32_t number = 0;  // since the start; four hex digits of it end the id
  Severity severity = Severity::medium;
  std::string_view component;
  std::string_view message;
  std::string_view pool;
  std::string_view job_id;
  std::string_view recovery_action;
};
// A line.
std::string error_line(const ErrorReport& error);

// Lines of the ledger.
std::string attempt_line(const Work& work, std::uint64_t hashes, std::int64_t unix_seconds);
std::string attempt_line(const CoherenceWork& work, std::uint64_t rounds,
                         std::int64_t unix_seconds);
// REQUIRES: the event says what was accepted or rejected.
std::string submission_line(const ClientEvent& event, std::int64_t unix_seconds);
std::string session_line(std::string_view what, const Status& status, std::int64_t unix_seconds);

// `username` is what the pool was told: address, dot, worker.
std::string block_proof(const FoundShare& block, std::string_view username, std::int64_t unix_us);
// Replays the attempt for its certificate: a few milliseconds.
std::string coherence_proof(const FoundProof& proof);

}  // namespace miner
