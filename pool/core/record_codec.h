// A journal record as bytes: its type in one byte, then its struct's fields in the order of
// records.h: integers as wide as they are declared, little-endian; enumerations in a byte, doubles
// as IEEE 754 bits, hashes in internal order, texts as their length (u16) and bytes.
//
// Types are only ever added: a program that meets one it does not know stops there, as at a damaged
// record. Framing, checksums and sequence numbers are journal_format.h's.
// Thread: pure functions.
#pragma once

#include "common/base/bytes.h"
#include "pool/core/records.h"

#include <cstdint>
#include <optional>

namespace pool {

enum class RecordType : std::uint8_t {
  share = 1,
  block_candidate = 2,
  block_outcome = 3,
  event = 4,
  block_submission = 5,
  block_state = 6,
  chain_tip = 7,
  height = 8,
  payout_scheme = 9,
  reject_sum = 10,
  reject = 11,
  coherence_proof = 12,
  coherence_block = 13
};

// Type byte and fields, appended to `out`.
void append_record(base::Bytes& out, const JournalRecord& record);
// The record whose fields are `payload`, without its type byte; nullopt when it is not one.
[[nodiscard]] std::optional<JournalRecord> parse_record(std::uint8_t type, base::ByteSpan payload);

}  // namespace pool
