#include "pool/core/journal_format.h"

#include "common/base/assert.h"
#include "pool/core/limits.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

namespace pool {
namespace {

constexpr std::size_t length_bytes = 4;
constexpr std::size_t crc_bytes = 4;
constexpr std::size_t type_and_sequence_bytes = 1 + 8;
// Longer texts are cut when they are written: an event's four still fit one record.
constexpr std::size_t text_bytes_max = 8 * 1024;
constexpr std::size_t branch_hashes_max = 64;

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

void append_i64(base::Bytes& out, std::int64_t value) {
  base::append_le64(out, std::bit_cast<std::uint64_t>(value));
}

void append_double(base::Bytes& out, double value) {
  base::append_le64(out, std::bit_cast<std::uint64_t>(value));
}

void append_text(base::Bytes& out, std::string_view text) {
  text = text.substr(0, text_bytes_max);
  base::append_le16(out, static_cast<std::uint16_t>(text.size()));
  base::append(out, base::as_bytes(text));
}

void append_fields(base::Bytes& out, const ShareRecord& share) {
  append_i64(out, share.time_us);
  append_text(out, share.address);
  append_text(out, share.worker_name);
  base::append_le32(out, share.height);
  base::append_le64(out, share.job_id);
  append_double(out, share.difficulty);
  for (const std::uint64_t limb : share.work.limbs) base::append_le64(out, limb);
  append_double(out, share.share_difficulty);
  base::append(out, share.hash.bytes);
}

void append_fields(base::Bytes& out, const BlockCandidateRecord& block) {
  ASSERT(block.merkle_branch.size() <= branch_hashes_max);
  append_i64(out, block.time_us);
  append_text(out, block.address);
  append_text(out, block.worker_name);
  base::append_le32(out, block.height);
  base::append(out, block.hash.bytes);
  base::append(out, block.header);
  append_i64(out, block.reward.value);
  append_double(out, block.network_difficulty);
  append_double(out, block.share_difficulty);
  base::append_le32(out, static_cast<std::uint32_t>(block.coinbase.size()));
  base::append(out, block.coinbase);
  base::append_le16(out, static_cast<std::uint16_t>(block.merkle_branch.size()));
  for (const bitcoin::Hash256& hash : block.merkle_branch) base::append(out, hash.bytes);
}

void append_fields(base::Bytes& out, const BlockOutcomeRecord& outcome) {
  append_i64(out, outcome.time_us);
  base::append(out, outcome.hash.bytes);
  out.push_back(static_cast<std::uint8_t>(outcome.status));
  append_text(out, outcome.detail);
}

void append_fields(base::Bytes& out, const EventRecord& event) {
  append_i64(out, event.time_us);
  append_text(out, event.severity);
  append_text(out, event.component);
  append_text(out, event.message);
  append_text(out, event.context_json);
}

void append_fields(base::Bytes& out, const BlockSubmissionRecord& submission) {
  append_i64(out, submission.time_us);
  base::append(out, submission.hash.bytes);
  append_text(out, submission.node);
  out.push_back(static_cast<std::uint8_t>(submission.answer));
  append_text(out, submission.detail);
}

void append_fields(base::Bytes& out, const BlockStateRecord& state) {
  append_i64(out, state.time_us);
  base::append(out, state.hash.bytes);
  out.push_back(static_cast<std::uint8_t>(state.state));
  base::append_le32(out, state.height);
}

void append_fields(base::Bytes& out, const ChainTipRecord& tip) {
  append_i64(out, tip.time_us);
  base::append_le32(out, tip.height);
  base::append(out, tip.hash.bytes);
  base::append(out, tip.prev_hash.bytes);
}

RecordType type_of(const JournalRecord& record) {
  struct Visitor {
    RecordType operator()(const ShareRecord&) const { return RecordType::share; }
    RecordType operator()(const BlockCandidateRecord&) const { return RecordType::block_candidate; }
    RecordType operator()(const BlockOutcomeRecord&) const { return RecordType::block_outcome; }
    RecordType operator()(const EventRecord&) const { return RecordType::event; }
    RecordType operator()(const BlockSubmissionRecord&) const {
      return RecordType::block_submission;
    }
    RecordType operator()(const BlockStateRecord&) const { return RecordType::block_state; }
    RecordType operator()(const ChainTipRecord&) const { return RecordType::chain_tip; }
  };
  return std::visit(Visitor{}, record);
}

// Takes fields off the front of a payload. After the first field that is not there, ok() is false
// and everything reads as zero: callers check once, at the end.
class PayloadReader {
 public:
  explicit PayloadReader(base::ByteSpan bytes) : rest_(bytes) {}

  base::ByteSpan take(std::size_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const base::ByteSpan taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  template <std::size_t N>
  void take_into(std::array<std::uint8_t, N>& out) {
    const base::ByteSpan taken = take(N);
    if (taken.size() == N) std::copy(taken.begin(), taken.end(), out.begin());
  }
  std::uint8_t u8() {
    const base::ByteSpan taken = take(1);
    return taken.empty() ? std::uint8_t{0} : taken[0];
  }
  std::uint16_t u16() {
    const base::ByteSpan taken = take(2);
    return taken.empty() ? std::uint16_t{0} : base::read_le16(taken);
  }
  std::uint32_t u32() {
    const base::ByteSpan taken = take(4);
    return taken.empty() ? 0 : base::read_le32(taken);
  }
  std::uint64_t u64() {
    const base::ByteSpan taken = take(8);
    return taken.empty() ? 0 : base::read_le64(taken);
  }
  std::int64_t i64() { return std::bit_cast<std::int64_t>(u64()); }
  double f64() { return std::bit_cast<double>(u64()); }
  // An enumeration whose enumerators run from 0 to `last`.
  template <class Enum>
  Enum enumerator(Enum last) {
    const std::uint8_t value = u8();
    if (value > static_cast<std::uint8_t>(last)) fail();
    return static_cast<Enum>(value);
  }
  std::string text() {
    const std::size_t size = u16();
    return std::string(base::as_text(take(size)));
  }
  // Every field was there and nothing is left over.
  bool ok() const { return ok_ && rest_.empty(); }
  void fail() { ok_ = false; }

 private:
  base::ByteSpan rest_;
  bool ok_ = true;
};

ShareRecord read_share(PayloadReader& in) {
  ShareRecord share;
  share.time_us = in.i64();
  share.address = in.text();
  share.worker_name = in.text();
  share.height = in.u32();
  share.job_id = in.u64();
  share.difficulty = in.f64();
  for (std::uint64_t& limb : share.work.limbs) limb = in.u64();
  share.share_difficulty = in.f64();
  in.take_into(share.hash.bytes);
  return share;
}

BlockCandidateRecord read_candidate(PayloadReader& in) {
  BlockCandidateRecord block;
  block.time_us = in.i64();
  block.address = in.text();
  block.worker_name = in.text();
  block.height = in.u32();
  in.take_into(block.hash.bytes);
  in.take_into(block.header);
  block.reward = bitcoin::Sats{in.i64()};
  block.network_difficulty = in.f64();
  block.share_difficulty = in.f64();
  const base::ByteSpan coinbase = in.take(in.u32());
  block.coinbase.assign(coinbase.begin(), coinbase.end());
  const std::size_t hashes = in.u16();
  if (hashes > branch_hashes_max) {
    in.fail();
    return block;
  }
  block.merkle_branch.resize(hashes);
  for (bitcoin::Hash256& hash : block.merkle_branch) in.take_into(hash.bytes);
  return block;
}

BlockOutcomeRecord read_outcome(PayloadReader& in) {
  BlockOutcomeRecord outcome;
  outcome.time_us = in.i64();
  in.take_into(outcome.hash.bytes);
  outcome.status = in.enumerator(BlockStatus::rejected);
  outcome.detail = in.text();
  return outcome;
}

EventRecord read_event(PayloadReader& in) {
  EventRecord event;
  event.time_us = in.i64();
  event.severity = in.text();
  event.component = in.text();
  event.message = in.text();
  event.context_json = in.text();
  return event;
}

BlockSubmissionRecord read_submission(PayloadReader& in) {
  BlockSubmissionRecord submission;
  submission.time_us = in.i64();
  in.take_into(submission.hash.bytes);
  submission.node = in.text();
  submission.answer = in.enumerator(SubmissionAnswer::unreachable);
  submission.detail = in.text();
  return submission;
}

BlockStateRecord read_state(PayloadReader& in) {
  BlockStateRecord state;
  state.time_us = in.i64();
  in.take_into(state.hash.bytes);
  state.state = in.enumerator(BlockState::confirmed);
  state.height = in.u32();
  return state;
}

ChainTipRecord read_tip(PayloadReader& in) {
  ChainTipRecord tip;
  tip.time_us = in.i64();
  tip.height = in.u32();
  in.take_into(tip.hash.bytes);
  in.take_into(tip.prev_hash.bytes);
  return tip;
}

base::Result<JournalRecord, JournalError> parse_record(std::uint8_t type, base::ByteSpan payload) {
  PayloadReader in(payload);
  JournalRecord record;
  switch (static_cast<RecordType>(type)) {
    case RecordType::share:
      record = read_share(in);
      break;
    case RecordType::block_candidate:
      record = read_candidate(in);
      break;
    case RecordType::block_outcome:
      record = read_outcome(in);
      break;
    case RecordType::event:
      record = read_event(in);
      break;
    case RecordType::block_submission:
      record = read_submission(in);
      break;
    case RecordType::block_state:
      record = read_state(in);
      break;
    case RecordType::chain_tip:
      record = read_tip(in);
      break;
    default:
      return base::err(JournalError::bad_payload);
  }
  if (!in.ok()) return base::err(JournalError::bad_payload);
  return record;
}

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
  out.push_back(static_cast<std::uint8_t>(type_of(record)));
  std::visit([&out](const auto& fields) { append_fields(out, fields); }, record);
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
  if (!record) return base::err(record.error());
  return ParsedFrame{sequence, total, std::move(*record)};
}

}  // namespace pool
