// The head of a segment file, which chains it to the one before: whoever knows a later segment's
// hash knows that nothing before it was rewritten.
//
//   version 2  128 bytes: magic "PHPJRNL1" | version u32 | header length u32 | journal id 16 bytes
//              | segment u64 | first sequence number u64 | previous segment u64 | its length u64 |
//              its sha256 32 bytes | zero 24 bytes | crc32c u32 of all before | zero u32
//   version 1  64 bytes: as above up to the first sequence number | zero u64 | crc32c u32 | zero
//   u32
//
// The previous segment's length ends behind its last whole record: a torn tail does not count, and
// the hash is that of the bytes that do, header included. The first segment of a journal has zeros
// there. Version 1, which has no chain, is read and never written.
//
// All integers little-endian.
// Thread: pure functions.
#pragma once

#include "common/crypto/sha256.h"
#include "pool/core/journal_format.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pool {

inline constexpr std::uint32_t segment_version = 2;
inline constexpr std::size_t segment_header_bytes = 128;
inline constexpr std::size_t segment_header_v1_bytes = 64;

// A closed segment, as the next one's header commits to it.
struct SegmentLink {
  std::uint64_t segment = 0;  // 0 with 0 bytes: there is none
  std::uint64_t bytes = 0;    // that count
  crypto::Digest sha256{};    // of those
  bool exists() const { return bytes != 0; }
  friend bool operator==(const SegmentLink&, const SegmentLink&) = default;
};

struct SegmentHeader {
  JournalUuid journal{};
  std::uint64_t segment = 0;
  std::uint64_t first_sequence = 1;
  SegmentLink previous{};  // none in version 1
  std::uint32_t version = segment_version;
  std::size_t bytes() const {
    return version == 1 ? segment_header_v1_bytes : segment_header_bytes;
  }
  friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};

// REQUIRES: version 1 or 2.
base::Bytes write_segment_header(const SegmentHeader& header);
// From the start of `bytes`, which may go on behind it.
[[nodiscard]] base::Result<SegmentHeader, JournalError> parse_segment_header(base::ByteSpan bytes);

std::string segment_file_name(std::uint64_t segment);
std::optional<std::uint64_t> parse_segment_file_name(std::string_view name);

}  // namespace pool
