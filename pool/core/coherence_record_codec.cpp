#include "pool/core/coherence_record_codec.h"

#include "common/base/assert.h"
#include "pool/core/limits.h"

namespace pool {
namespace {

constexpr std::size_t stretch_bytes = 4 + 8 + 8 + 32 + 16;
constexpr std::size_t largest_block_bytes = 8 + 4 + 32 + sizeof(coherence::Header76) + 4 + 32 + 2 +
                                            limits::stretches_per_block_max * stretch_bytes;
constexpr std::size_t largest_proof_bytes = 8 + 2 * (2 + text_bytes_max) + 4 +
                                            sizeof(coherence::Header76) + 8 + 8 + 4 + 32 + 32 + 8 +
                                            coherence::certificate_bytes + 32;
constexpr std::size_t frame_and_type_bytes = 32;  // more than either takes
static_assert(largest_block_bytes + frame_and_type_bytes < limits::journal_record_bytes_max);
static_assert(largest_proof_bytes + frame_and_type_bytes < limits::journal_record_bytes_max);

void append_u256(base::Bytes& out, const base::U256& value) {
  for (const std::uint64_t limb : value.limbs) base::append_le64(out, limb);
}

base::U256 read_u256(PayloadReader& in) {
  base::U256 value;
  for (std::uint64_t& limb : value.limbs) limb = in.u64();
  return value;
}

void append_stretch(base::Bytes& out, const JournalStretch& of) {
  base::append_le32(out, of.stretch.pool);
  base::append_le64(out, of.stretch.first_sequence);
  base::append_le64(out, of.stretch.last_sequence);
  base::append(out, of.stretch.head);
  base::append(out, of.journal);
}

JournalStretch read_stretch(PayloadReader& in) {
  JournalStretch of;
  of.stretch.pool = in.u32();
  of.stretch.first_sequence = in.u64();
  of.stretch.last_sequence = in.u64();
  in.take_into(of.stretch.head);
  in.take_into(of.journal);
  return of;
}

}  // namespace

void append_fields(base::Bytes& out, const CoherenceProofRecord& proof) {
  append_i64(out, proof.time_us);
  append_text(out, proof.address);
  append_text(out, proof.worker_name);
  base::append_le32(out, proof.chain_height);
  base::append(out, proof.header);
  base::append_le64(out, proof.extranonce);
  base::append_le64(out, proof.attempt);
  base::append_le32(out, proof.params);
  append_u256(out, proof.target);
  append_u256(out, proof.work);
  append_i64(out, proof.took_us);
  base::append(out, proof.certificate);
  base::append(out, proof.work_hash);
}

void append_fields(base::Bytes& out, const CoherenceBlockRecord& block) {
  ASSERT(block.stretches.size() <= limits::stretches_per_block_max);
  append_i64(out, block.time_us);
  base::append_le32(out, block.height);
  base::append(out, block.hash);
  base::append(out, block.header);
  base::append_le32(out, block.params);
  base::append(out, block.bitcoin_tip.bytes);
  base::append_le16(out, static_cast<std::uint16_t>(block.stretches.size()));
  for (const JournalStretch& stretch : block.stretches) append_stretch(out, stretch);
}

CoherenceProofRecord read_coherence_proof(PayloadReader& in) {
  CoherenceProofRecord proof;
  proof.time_us = in.i64();
  proof.address = in.text();
  proof.worker_name = in.text();
  proof.chain_height = in.u32();
  in.take_into(proof.header);
  proof.extranonce = in.u64();
  proof.attempt = in.u64();
  proof.params = in.u32();
  proof.target = read_u256(in);
  proof.work = read_u256(in);
  proof.took_us = in.i64();
  in.take_into(proof.certificate);
  in.take_into(proof.work_hash);
  return proof;
}

CoherenceBlockRecord read_coherence_block(PayloadReader& in) {
  CoherenceBlockRecord block;
  block.time_us = in.i64();
  block.height = in.u32();
  in.take_into(block.hash);
  in.take_into(block.header);
  block.params = in.u32();
  in.take_into(block.bitcoin_tip.bytes);
  const std::size_t stretches = in.u16();
  if (stretches > limits::stretches_per_block_max) {
    in.fail();
    return block;
  }
  block.stretches.resize(stretches);
  for (JournalStretch& stretch : block.stretches) stretch = read_stretch(in);
  return block;
}

}  // namespace pool
