// A walk through one segment's file, offline: every record, where the data ends and why, and the
// hash of what counts. For whoever checks a journal or computes from it; the pool itself reads with
// JournalReader.
//
// Errors: one line; only for a file that can't be read. What is wrong with its bytes is in the
// walk. Thread: the caller's, which it blocks. A pool may write to the folder meanwhile.
#pragma once

#include "common/base/result.h"
#include "pool/core/segment_header.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pool {

// Where data ends at the latest: what a later segment's header says.
struct WalkLimit {
  std::uint64_t bytes = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t sequence = std::numeric_limits<std::uint64_t>::max();  // of no record any more
};

struct SegmentWalk {
  base::Result<SegmentHeader, JournalError> header = base::err(JournalError::truncated);
  std::uint64_t end = 0;            // behind the last record; 0 where the header is damaged
  std::uint64_t last_sequence = 0;  // header's first - 1: no records
  crypto::Digest sha256{};          // of the bytes up to `end`
  std::uint64_t file_bytes = 0;
  // Why there is no record at `end`, though the limit has not been reached; neither: the file ends.
  std::optional<JournalError> damage;
  std::optional<std::uint64_t> other_sequence;  // a whole record, but not the one expected there
  std::uint64_t records() const { return header ? last_sequence + 1 - header->first_sequence : 0; }
};

// The journal's chain heads that are looked for, by the record they stand behind: SHA-256 of the
// segment's file from its start to the end of that record. Record first_sequence - 1 stands for the
// header alone, so a record may get two: at its own segment's end, and at the next one's start.
using ChainHeads = std::map<std::uint64_t, std::vector<crypto::Digest>>;

using OnRecord = std::function<void(const ParsedFrame&)>;
// `heads`: those of its keys that the walk passes are added; null: none are wanted.
[[nodiscard]] base::Result<SegmentWalk, std::string> walk_segment(const std::string& path,
                                                                  const WalkLimit& limit,
                                                                  const OnRecord& on_record = {},
                                                                  ChainHeads* heads = nullptr);

// A whole record somewhere behind `from`, with a sequence number above `after`: then the bytes at
// `from` are damaged rather than the end of what was written. Gives its place.
struct RecordBehind {
  std::uint64_t offset = 0;
  std::uint64_t sequence = 0;
};
[[nodiscard]] base::Result<std::optional<RecordBehind>, std::string> find_record_behind(
    const std::string& path, std::uint64_t from, std::uint64_t after);

}  // namespace pool
