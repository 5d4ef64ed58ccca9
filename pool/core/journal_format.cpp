#include "pool/core/journal_format.h"

#include "common/base/assert.h"
#include "pool/core/limits.h"
#include "pool/core/record_codec.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

namespace pool {
namespace {

constexpr std::size_t length_bytes = 4;
constexpr std::size_t crc_bytes = 4;
constexpr std::size_t type_and_sequence_bytes = 1 + 8;

// Slicing-by-8 (Kounavis, Berry, "A Systematic Approach to Building High Performance Software-Based
// CRC Generators", 2005): table k advances a byte past k more bytes of zeros.
using CrcTables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr CrcTables make_crc_tables() {
  constexpr std::uint32_t castagnoli_reflected = 0x82f63b78;  // RFC 3720, section 12.1
  CrcTables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 1U) != 0 ? (crc >> 1U) ^ castagnoli_reflected : crc >> 1U;
    }
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < tables.size(); ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8U) ^ tables[0][before & 0xffU];
    }
  }
  return tables;
}

constexpr CrcTables crc_tables = make_crc_tables();

void overwrite_le32(base::Bytes& out, std::size_t at, std::uint32_t value) {
  base::write_le32(std::span(out).subspan(at, 4), value);
}

}  // namespace

std::string_view describe(JournalError error) {
  switch (error) {
    case JournalError::bad_magic:
      return "not a journal segment";
    case JournalError::unknown_version:
      return "a journal version this program does not know";
    case JournalError::bad_checksum:
      return "checksum mismatch";
    case JournalError::truncated:
      return "cut short";
    case JournalError::bad_payload:
      return "malformed record";
    case JournalError::too_long:
      return "record longer than any the journal writes";
  }
  return "unknown journal error";
}

std::uint32_t crc32c(base::ByteSpan bytes, std::uint32_t seed) {
  const CrcTables& t = crc_tables;
  std::uint32_t crc = ~seed;
  while (bytes.size() >= 8) {
    const std::uint64_t word = base::read_le64(bytes) ^ crc;
    crc = t[7][word & 0xffU] ^ t[6][(word >> 8U) & 0xffU] ^ t[5][(word >> 16U) & 0xffU] ^
          t[4][(word >> 24U) & 0xffU] ^ t[3][(word >> 32U) & 0xffU] ^ t[2][(word >> 40U) & 0xffU] ^
          t[1][(word >> 48U) & 0xffU] ^ t[0][word >> 56U];
    bytes = bytes.subspan(8);
  }
  for (const std::uint8_t byte : bytes) crc = (crc >> 8U) ^ t[0][(crc ^ byte) & 0xffU];
  return ~crc;
}

void append_payload(base::Bytes& out, const JournalRecord& record) {
  const std::size_t start = out.size();
  base::append_le32(out, 0);
  append_record(out, record);
  const std::size_t length = out.size() - start - length_bytes;
  ASSERT(length + frame_overhead_bytes <= limits::journal_record_bytes_max);
  overwrite_le32(out, start, static_cast<std::uint32_t>(length));
}

std::uint64_t append_frames(base::Bytes& out, base::ByteSpan payloads,
                            std::uint64_t first_sequence) {
  std::uint64_t count = 0;
  while (!payloads.empty()) {
    ASSERT(payloads.size() > length_bytes);
    const std::size_t length = base::read_le32(payloads);
    ASSERT(length >= 1);
    ASSERT(length <= payloads.size() - length_bytes);
    const base::ByteSpan type_and_payload = payloads.subspan(length_bytes, length);
    const std::size_t start = out.size();
    base::append_le32(out, static_cast<std::uint32_t>(length + 8));
    out.push_back(type_and_payload[0]);
    base::append_le64(out, first_sequence + count);
    base::append(out, type_and_payload.subspan(1));
    base::append_le32(out, crc32c(base::ByteSpan(out).subspan(start)));
    payloads = payloads.subspan(length_bytes + length);
    ++count;
  }
  return count;
}

base::Result<ParsedFrame, JournalError> parse_frame(base::ByteSpan bytes) {
  if (bytes.size() < length_bytes) return base::err(JournalError::truncated);
  const std::size_t length = base::read_le32(bytes);
  if (length < type_and_sequence_bytes) return base::err(JournalError::bad_payload);
  if (length > limits::journal_record_bytes_max) return base::err(JournalError::too_long);
  const std::size_t total = length_bytes + length + crc_bytes;
  if (bytes.size() < total) return base::err(JournalError::truncated);
  const base::ByteSpan checked = bytes.first(length_bytes + length);
  if (crc32c(checked) != base::read_le32(bytes.subspan(checked.size()))) {
    return base::err(JournalError::bad_checksum);
  }
  const std::uint8_t type = checked[length_bytes];
  const std::uint64_t sequence = base::read_le64(checked.subspan(length_bytes + 1));
  auto record = parse_record(type, checked.subspan(length_bytes + type_and_sequence_bytes));
  if (!record) return base::err(JournalError::bad_payload);
  return ParsedFrame{sequence, total, std::move(*record)};
}

}  // namespace pool
