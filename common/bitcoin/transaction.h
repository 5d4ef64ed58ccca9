// Transactions: (de)serialised with and without witness, their ids, and CompactSize.
//
// Errors: parse refuses truncation, trailing bytes, non-canonical CompactSize, superfluous witness
//         flags, and counts that could not fit the remaining bytes (so memory is bounded by input).
// Source: BIP144; Bitcoin Core, primitives/transaction.h and serialize.h.
#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/bitcoin/hash.h"
#include "common/bitcoin/sats.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace bitcoin {

enum class TransactionError {
  truncated,
  trailing_bytes,
  non_canonical_size,
  bad_flag,
  superfluous_witness,
};

struct TxIn {
  Txid prev_txid;
  std::uint32_t prev_index = 0;
  base::Bytes script_sig;
  std::uint32_t sequence = 0xffffffff;
  std::vector<base::Bytes> witness;
  friend bool operator==(const TxIn&, const TxIn&) = default;
};

struct TxOut {
  Sats value;
  base::Bytes script_pubkey;
  friend bool operator==(const TxOut&, const TxOut&) = default;
};

struct Transaction {
  std::uint32_t version = 2;
  std::vector<TxIn> inputs;
  std::vector<TxOut> outputs;
  std::uint32_t lock_time = 0;

  bool has_witness() const;
  base::Bytes serialize_legacy() const;   // what txid hashes
  base::Bytes serialize_witness() const;  // BIP144 form if any input has a witness, else legacy
  Txid txid() const;
  Wtxid wtxid() const;

  [[nodiscard]] static base::Result<Transaction, TransactionError> parse(base::ByteSpan bytes);
  // Reads one from the front of `bytes` and advances it; on an error `bytes` stays.
  [[nodiscard]] static base::Result<Transaction, TransactionError> parse_front(
      base::ByteSpan& bytes);
  friend bool operator==(const Transaction&, const Transaction&) = default;
};

void append_compact_size(base::Bytes& out, std::uint64_t value);
std::size_t compact_size_length(std::uint64_t value);
// Reads one CompactSize from the front of `bytes` and advances it; nullopt when truncated or not
// the shortest form.
std::optional<std::uint64_t> read_compact_size(base::ByteSpan& bytes);

}  // namespace bitcoin
