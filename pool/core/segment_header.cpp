#include "pool/core/segment_header.h"

#include "common/base/assert.h"

#include <algorithm>

namespace pool {
namespace {

constexpr std::array<std::uint8_t, 8> segment_magic{'P', 'H', 'P', 'J', 'R', 'N', 'L', '1'};
constexpr std::size_t prefix_bytes = 16;  // magic, version, length: the same in every version
constexpr std::size_t suffix_bytes = 8;   // checksum and zero
constexpr std::size_t reserved_bytes = 24;

}  // namespace

base::Bytes write_segment_header(const SegmentHeader& header) {
  ASSERT(header.version == 1 || header.version == 2);
  base::Bytes out;
  out.reserve(header.bytes());
  base::append(out, segment_magic);
  base::append_le32(out, header.version);
  base::append_le32(out, static_cast<std::uint32_t>(header.bytes()));
  base::append(out, header.journal);
  base::append_le64(out, header.segment);
  base::append_le64(out, header.first_sequence);
  if (header.version == 1) {
    base::append_le64(out, 0);
  } else {
    base::append_le64(out, header.previous.segment);
    base::append_le64(out, header.previous.bytes);
    base::append(out, header.previous.sha256);
    out.insert(out.end(), reserved_bytes, 0);
  }
  base::append_le32(out, crc32c(out));
  base::append_le32(out, 0);
  ASSERT(out.size() == header.bytes());
  return out;
}

base::Result<SegmentHeader, JournalError> parse_segment_header(base::ByteSpan bytes) {
  if (bytes.size() < prefix_bytes) return base::err(JournalError::truncated);
  if (!std::equal(segment_magic.begin(), segment_magic.end(), bytes.begin())) {
    return base::err(JournalError::bad_magic);
  }
  SegmentHeader header;
  header.version = base::read_le32(bytes.subspan(8));
  const std::size_t length = base::read_le32(bytes.subspan(12));
  if ((header.version != 1 && header.version != 2) || length != header.bytes()) {
    return base::err(JournalError::unknown_version);
  }
  if (bytes.size() < length) return base::err(JournalError::truncated);
  const base::ByteSpan checked = bytes.first(length - suffix_bytes);
  if (crc32c(checked) != base::read_le32(bytes.subspan(checked.size()))) {
    return base::err(JournalError::bad_checksum);
  }
  const base::ByteSpan journal = bytes.subspan(16, header.journal.size());
  std::copy(journal.begin(), journal.end(), header.journal.begin());
  header.segment = base::read_le64(bytes.subspan(32));
  header.first_sequence = base::read_le64(bytes.subspan(40));
  if (header.version == 1) return header;
  header.previous.segment = base::read_le64(bytes.subspan(48));
  header.previous.bytes = base::read_le64(bytes.subspan(56));
  const base::ByteSpan sha256 = bytes.subspan(64, header.previous.sha256.size());
  std::copy(sha256.begin(), sha256.end(), header.previous.sha256.begin());
  return header;
}

std::string segment_file_name(std::uint64_t segment) { return base::u64_hex(segment) + ".journal"; }

std::optional<std::uint64_t> parse_segment_file_name(std::string_view name) {
  constexpr std::string_view suffix = ".journal";
  constexpr std::size_t digits = 16;
  if (name.size() != digits + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  std::uint64_t segment = 0;
  for (const char c : name.substr(0, digits)) {
    const bool decimal = c >= '0' && c <= '9';
    const bool letter = c >= 'a' && c <= 'f';
    if (!decimal && !letter) return std::nullopt;
    segment = segment * 16 + static_cast<std::uint64_t>(decimal ? c - '0' : c - 'a' + 10);
  }
  return segment;
}

}  // namespace pool
