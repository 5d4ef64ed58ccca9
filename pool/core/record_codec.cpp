#include "pool/core/record_codec.h"

#include "common/base/assert.h"
#include "pool/core/coherence_record_codec.h"
#include "pool/core/record_fields.h"

#include <optional>

namespace pool {
namespace {

constexpr std::size_t branch_hashes_max = 64;

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

void append_fields(base::Bytes& out, const HeightRecord& height) {
  append_i64(out, height.time_us);
  base::append_le32(out, height.height);
  base::append(out, height.prev_hash.bytes);
  base::append_le32(out, height.nbits);
  append_i64(out, height.subsidy.value);
  append_i64(out, height.coinbase_value.value);
}

void append_fields(base::Bytes& out, const PayoutSchemeRecord& scheme) {
  append_i64(out, scheme.time_us);
  append_text(out, scheme.scheme);
  append_text(out, scheme.pplns_window);
  base::append_le32(out, scheme.fee_ppm);
  base::append_le32(out, scheme.coherence_ppm);
  append_i64(out, scheme.minimum.value);
}

void append_fields(base::Bytes& out, const RejectSumRecord& sum) {
  append_i64(out, sum.time_us);
  append_text(out, sum.address);
  append_text(out, sum.worker_name);
  out.push_back(static_cast<std::uint8_t>(sum.reason));
  base::append_le32(out, sum.count);
}

void append_fields(base::Bytes& out, const RejectRecord& reject) {
  append_i64(out, reject.time_us);
  append_text(out, reject.address);
  append_text(out, reject.worker_name);
  out.push_back(static_cast<std::uint8_t>(reject.reason));
  append_text(out, reject.detail);
  append_text(out, reject.user_agent);
  append_text(out, reject.job_id);
  base::append_le32(out, reject.ntime);
  base::append_le32(out, reject.nonce);
  const auto append_u32 = [&out](std::uint32_t value) { base::append_le32(out, value); };
  append_optional(out, reject.version_bits, append_u32);
  append_optional(out, reject.height, append_u32);
  append_optional(out, reject.stale_ms, [&out](std::int64_t value) { append_i64(out, value); });
  const auto append_ratio = [&out](double value) { append_double(out, value); };
  append_optional(out, reject.difficulty, append_ratio);
  append_optional(out, reject.share_difficulty, append_ratio);
  append_optional(out, reject.hash,
                  [&out](const bitcoin::BlockHash& hash) { base::append(out, hash.bytes); });
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
    RecordType operator()(const HeightRecord&) const { return RecordType::height; }
    RecordType operator()(const PayoutSchemeRecord&) const { return RecordType::payout_scheme; }
    RecordType operator()(const RejectSumRecord&) const { return RecordType::reject_sum; }
    RecordType operator()(const RejectRecord&) const { return RecordType::reject; }
    RecordType operator()(const CoherenceProofRecord&) const { return RecordType::coherence_proof; }
    RecordType operator()(const CoherenceBlockRecord&) const { return RecordType::coherence_block; }
  };
  return std::visit(Visitor{}, record);
}

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

HeightRecord read_height(PayloadReader& in) {
  HeightRecord height;
  height.time_us = in.i64();
  height.height = in.u32();
  in.take_into(height.prev_hash.bytes);
  height.nbits = in.u32();
  height.subsidy = bitcoin::Sats{in.i64()};
  height.coinbase_value = bitcoin::Sats{in.i64()};
  return height;
}

PayoutSchemeRecord read_scheme(PayloadReader& in) {
  PayoutSchemeRecord scheme;
  scheme.time_us = in.i64();
  scheme.scheme = in.text();
  scheme.pplns_window = in.text();
  scheme.fee_ppm = in.u32();
  scheme.coherence_ppm = in.u32();
  scheme.minimum = bitcoin::Sats{in.i64()};
  return scheme;
}

constexpr auto last_reason = static_cast<stratum::RejectReason>(stratum::reject_reason_count - 1);

RejectSumRecord read_reject_sum(PayloadReader& in) {
  RejectSumRecord sum;
  sum.time_us = in.i64();
  sum.address = in.text();
  sum.worker_name = in.text();
  sum.reason = in.enumerator(last_reason);
  sum.count = in.u32();
  return sum;
}

RejectRecord read_reject(PayloadReader& in) {
  RejectRecord reject;
  reject.time_us = in.i64();
  reject.address = in.text();
  reject.worker_name = in.text();
  reject.reason = in.enumerator(last_reason);
  reject.detail = in.text();
  reject.user_agent = in.text();
  reject.job_id = in.text();
  reject.ntime = in.u32();
  reject.nonce = in.u32();
  const auto u32 = [&in] { return in.u32(); };
  const auto f64 = [&in] { return in.f64(); };
  reject.version_bits = in.optional<std::uint32_t>(u32);
  reject.height = in.optional<std::uint32_t>(u32);
  reject.stale_ms = in.optional<std::int64_t>([&in] { return in.i64(); });
  reject.difficulty = in.optional<double>(f64);
  reject.share_difficulty = in.optional<double>(f64);
  reject.hash = in.optional<bitcoin::BlockHash>([&in] {
    bitcoin::BlockHash hash;
    in.take_into(hash.bytes);
    return hash;
  });
  return reject;
}

}  // namespace

std::optional<JournalRecord> parse_record(std::uint8_t type, base::ByteSpan payload) {
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
    case RecordType::height:
      record = read_height(in);
      break;
    case RecordType::payout_scheme:
      record = read_scheme(in);
      break;
    case RecordType::reject_sum:
      record = read_reject_sum(in);
      break;
    case RecordType::reject:
      record = read_reject(in);
      break;
    case RecordType::coherence_proof:
      record = read_coherence_proof(in);
      break;
    case RecordType::coherence_block:
      record = read_coherence_block(in);
      break;
    default:
      return std::nullopt;
  }
  if (!in.ok()) return std::nullopt;
  return record;
}

void append_record(base::Bytes& out, const JournalRecord& record) {
  out.push_back(static_cast<std::uint8_t>(type_of(record)));
  std::visit([&out](const auto& fields) { append_fields(out, fields); }, record);
}

}  // namespace pool
