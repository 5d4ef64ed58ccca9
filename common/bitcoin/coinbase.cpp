#include "common/bitcoin/coinbase.h"

#include "common/base/assert.h"
#include "common/bitcoin/merkle.h"
#include "common/bitcoin/script.h"
#include "common/crypto/sha256.h"

#include <algorithm>

namespace bitcoin {
namespace {

// The extranonce stands behind a single-byte push, and a commitment header behind OP_RETURN 0x24.
constexpr std::size_t extranonce_bytes_max = 75;
constexpr std::size_t extra_push_bytes_max = 40;
constexpr std::array<std::uint8_t, 6> commitment_prefix = {0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed};
constexpr std::array<std::uint8_t, 32> witness_reserved_value{};

// What stands before the extranonce in the scriptSig, with the push that the extranonce completes.
base::Bytes script_sig_head(const CoinbaseSpec& spec) {
  base::Bytes script = bip34_height_push(spec.height);
  std::array<std::uint8_t, 8> unique;
  base::write_le64(unique, spec.unique);
  append_push(script, unique);
  if (!spec.extra_push.empty()) append_push(script, spec.extra_push);
  script.push_back(static_cast<std::uint8_t>(spec.extranonce_bytes));
  return script;
}

base::Bytes script_sig_tail(const CoinbaseSpec& spec) {
  base::Bytes script;
  if (!spec.tag.empty()) append_push(script, base::as_bytes(spec.tag));
  return script;
}

void append_output(base::Bytes& out, Sats value, base::ByteSpan script_pubkey) {
  base::append_le64(out, static_cast<std::uint64_t>(value.value));
  append_compact_size(out, script_pubkey.size());
  base::append(out, script_pubkey);
}

}  // namespace

base::Result<CoinbaseParts, CoinbaseError> build_coinbase(const CoinbaseSpec& spec) {
  ASSERT(spec.extranonce_bytes > 0 && spec.extranonce_bytes <= extranonce_bytes_max);
  ASSERT(spec.extra_push.size() <= extra_push_bytes_max);
  if (spec.height == 0) return base::err(CoinbaseError::no_height);
  if (spec.outputs.empty()) return base::err(CoinbaseError::no_output);
  if (spec.tag.size() > script_sig_bytes_max) return base::err(CoinbaseError::script_sig_too_long);
  const base::Bytes head = script_sig_head(spec);
  const base::Bytes tail = script_sig_tail(spec);
  const std::size_t script_sig_bytes = head.size() + spec.extranonce_bytes + tail.size();
  if (script_sig_bytes > script_sig_bytes_max) {
    return base::err(CoinbaseError::script_sig_too_long);
  }

  CoinbaseParts parts;
  base::Bytes& coinb1 = parts.coinb1;
  base::append_le32(coinb1, 2);           // version
  append_compact_size(coinb1, 1);         // one input, which spends nothing:
  coinb1.resize(coinb1.size() + 32);      // a zero hash
  base::append_le32(coinb1, 0xffffffff);  // and the highest index
  append_compact_size(coinb1, script_sig_bytes);
  // Behind the height's push and the length byte of its own.
  parts.unique_at = coinb1.size() + bip34_height_push(spec.height).size() + 1;
  base::append(coinb1, head);

  base::Bytes& coinb2 = parts.coinb2;
  base::append(coinb2, tail);
  base::append_le32(coinb2, 0xffffffff);  // sequence
  append_compact_size(coinb2, spec.outputs.size() + (spec.witness_commitment_script ? 1 : 0));
  for (const TxOut& output : spec.outputs)
    append_output(coinb2, output.value, output.script_pubkey);
  if (spec.witness_commitment_script)
    append_output(coinb2, Sats{0}, *spec.witness_commitment_script);
  base::append_le32(coinb2, 0);  // lock_time
  return parts;
}

CoinbaseParts with_unique(CoinbaseParts parts, std::uint64_t unique) {
  ASSERT(parts.unique_at != 0 && parts.unique_at + 8 <= parts.coinb1.size());
  base::write_le64(std::span<std::uint8_t, 8>(parts.coinb1.data() + parts.unique_at, 8), unique);
  return parts;
}

// coinb1 ends with the push that they complete.
std::size_t extranonce_bytes(const CoinbaseParts& parts) {
  ASSERT(parts.unique_at != 0 && !parts.coinb1.empty());
  return parts.coinb1.back();
}

base::Bytes assemble_coinbase(const CoinbaseParts& parts, base::ByteSpan extranonce1,
                              base::ByteSpan extranonce2) {
  base::Bytes coinbase;
  coinbase.reserve(parts.coinb1.size() + extranonce1.size() + extranonce2.size() +
                   parts.coinb2.size());
  base::append(coinbase, parts.coinb1);
  base::append(coinbase, extranonce1);
  base::append(coinbase, extranonce2);
  base::append(coinbase, parts.coinb2);
  return coinbase;
}

base::Bytes coinbase_with_witness(base::ByteSpan legacy) {
  constexpr std::size_t version_bytes = 4;
  constexpr std::size_t lock_time_bytes = 4;
  ASSERT(legacy.size() > version_bytes + lock_time_bytes);
  const std::size_t body_bytes = legacy.size() - version_bytes - lock_time_bytes;
  base::Bytes full;
  full.reserve(legacy.size() + 2 + 2 + witness_reserved_value.size());
  base::append(full, legacy.first(version_bytes));
  full.push_back(0x00);  // marker
  full.push_back(0x01);  // flag
  base::append(full, legacy.subspan(version_bytes, body_bytes));
  append_compact_size(full, 1);  // one witness item
  append_compact_size(full, witness_reserved_value.size());
  base::append(full, witness_reserved_value);
  base::append(full, legacy.last(lock_time_bytes));
  return full;
}

base::Bytes witness_commitment_script(std::span<const Wtxid> wtxids) {
  std::vector<Hash256> leaves(1);  // the coinbase's wtxid counts as zero
  leaves.reserve(1 + wtxids.size());
  for (const Wtxid& wtxid : wtxids) leaves.push_back(Hash256{wtxid.bytes});
  const Hash256 root = merkle_root(std::move(leaves));
  base::Bytes script(commitment_prefix.begin(), commitment_prefix.end());
  base::append(script, crypto::sha256d_pair(root.bytes, witness_reserved_value));
  return script;
}

}  // namespace bitcoin
