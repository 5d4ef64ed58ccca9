// The journal's form on disk; writer, reader, simulator and `phasepool verify` agree on this page.
//
//   segment file  <data_dir>/journal/<segment, 16 hex digits>.journal
//   header  segment_header.h
//   record  length u32 (of type, sequence and payload) | type u8 | sequence u64 | payload | crc32c
//           u32 over everything before it in the record, the length included
//
// All integers little-endian. Sequence numbers rise by one from record to record, across segments.
// A segment ends at its last whole, valid record: what follows a torn write is never read as data.
//
// What stands in a record's payload is record_codec.h's business.
//
// A shard encodes payloads (encode_payload) without knowing sequence numbers; the writer frames
// them (append_frame) as they are written.
// Thread: pure functions.
#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "pool/core/record_codec.h"
#include "pool/core/records.h"

#include <array>
#include <cstdint>
#include <string>

namespace pool {

using JournalUuid = std::array<std::uint8_t, 16>;  // made once per data_dir

inline constexpr std::size_t frame_overhead_bytes = 4 + 1 + 8 + 4;

// Where a record ends: the place to go on reading. Ordered.
struct JournalPosition {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;    // bytes from the start of the segment's file
  std::uint64_t sequence = 0;  // of the last record before this place; 0: none yet
  friend auto operator<=>(const JournalPosition&, const JournalPosition&) = default;
};

enum class JournalError {
  bad_magic,
  unknown_version,
  bad_checksum,
  truncated,
  bad_payload,
  too_long
};
std::string_view describe(JournalError error);

std::uint32_t crc32c(base::ByteSpan bytes, std::uint32_t seed = 0);

// A record without its frame: type byte and payload, appended to `out`; returns the bytes added.
// One JournalAppend carries many of these, each preceded by its u32 length.
void append_payload(base::Bytes& out, const JournalRecord& record);
// Frames every payload in `payloads` (as append_payload made them) from `first_sequence` on, and
// returns how many there were.
std::uint64_t append_frames(base::Bytes& out, base::ByteSpan payloads,
                            std::uint64_t first_sequence);

struct ParsedFrame {
  std::uint64_t sequence = 0;
  std::size_t bytes = 0;  // the frame's whole length
  JournalRecord record;
};
// The frame at the start of `bytes`. truncated: more bytes are needed (or the tail is torn).
[[nodiscard]] base::Result<ParsedFrame, JournalError> parse_frame(base::ByteSpan bytes);

}  // namespace pool
