// What an export needs of the database: payout runs as they are stored, and which records of which
// journals they were computed from.
//
// Errors: one line for the operator, with the server's hint where it has one.
// Thread: the caller's, which it blocks.
#pragma once

#include "common/base/result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace pool {

struct ExportedCredit {  // pps_credits
  std::uint32_t height = 0;
  std::string address;
  std::string before_work;
};

struct ExportedRun {
  std::int64_t id = 0;
  std::string state;
  std::string digest;  // hex
  std::string text;    // canonical
  // Of its block, in hex; empty for PPS runs.
  std::string header;
  std::string coinbase;
  std::vector<std::string> merkle_branch;
  std::vector<ExportedCredit> credits;
};

struct ExportedSegment {  // journal_segments
  std::uint64_t segment = 0;
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  std::uint64_t bytes = 0;
  std::string sha256;  // hex
};

struct ExportedJournal {
  std::int64_t number = 0;  // journal_positions.id
  std::string uuid;         // 32 hex digits
  // Records of it that are wanted; with `all`, every one that is left: their shares are not single
  // in the database any more.
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  bool all = false;
  std::vector<ExportedSegment> closed;  // those that hold them, as the database knows them
};

struct PayoutExport {
  std::vector<ExportedRun> runs;
  std::vector<ExportedJournal> journals;
};

// Either runs by their ids, or a period (as PostgreSQL reads times): all runs whose window ends in
// it, and all shares in it.
struct ExportQuestion {
  std::vector<std::int64_t> runs;
  std::string from;
  std::string to;
};
[[nodiscard]] base::Result<PayoutExport, std::string> read_payout_export(
    const std::string& database, const ExportQuestion& question);

}  // namespace pool
