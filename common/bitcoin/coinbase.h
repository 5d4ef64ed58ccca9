// The coinbase transaction, cut in two for Stratum: coinb1 | extranonce1 | extranonce2 | coinb2.
//
//   scriptSig = BIP34 height | push(unique) | push(extranonce1 extranonce2) | push(tag)
//
// `unique` (8 bytes, little-endian) differs from job to job, so that two jobs over the same
// template never share a coinbase: miners restart extranonce2 at zero with every job, and equal
// coinbases would make them find the same shares again. Both halves are in legacy serialisation
// (no witness), since the txid, not the wtxid, enters the merkle tree.
//
// Units:  amounts in satoshis.
// Source: BIP34 (height), BIP141 (commitment output and witness reserved value).
#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/bitcoin/hash.h"
#include "common/bitcoin/transaction.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bitcoin {

struct CoinbaseSpec {
  std::uint32_t height = 0;
  std::uint64_t unique = 0;
  std::size_t extranonce_bytes = 12;                     // extranonce1 and extranonce2 together
  std::string tag;                                       // e.g. "/phasepool/"
  std::vector<TxOut> outputs;                            // in order
  std::optional<base::Bytes> witness_commitment_script;  // appended as a last output of value 0
  // Further data (0 to 40 bytes) pushed between `unique` and the extranonce; empty: no push.
  base::Bytes extra_push;
};

enum class CoinbaseError { script_sig_too_long, no_height, no_output };

struct CoinbaseParts {
  base::Bytes coinb1;
  base::Bytes coinb2;
  std::size_t unique_at = 0;  // where in coinb1 the 8 bytes of `unique` stand; 0: nowhere
};

// Longest tag that always fits with the default layout.
inline constexpr std::size_t coinbase_tag_bytes_max = 60;
inline constexpr std::size_t script_sig_bytes_max = 100;

[[nodiscard]] base::Result<CoinbaseParts, CoinbaseError> build_coinbase(const CoinbaseSpec& spec);

// The same coinbase with another `unique`. REQUIRES: build_coinbase() made it.
CoinbaseParts with_unique(CoinbaseParts parts, std::uint64_t unique);

// How many bytes go between the halves. REQUIRES: build_coinbase() made them.
std::size_t extranonce_bytes(const CoinbaseParts& parts);

// The whole transaction in legacy form.
base::Bytes assemble_coinbase(const CoinbaseParts& parts, base::ByteSpan extranonce1,
                              base::ByteSpan extranonce2);
// The same transaction as a block carries it when it commits to witnesses: marker, flag, and the
// 32 zero bytes of the witness reserved value. REQUIRES: `legacy` is an assembled coinbase.
base::Bytes coinbase_with_witness(base::ByteSpan legacy);

// The commitment script OP_RETURN 0x24 aa21a9ed | sha256d(witness root | 32 zero bytes), where
// the witness root is over the coinbase's zero wtxid and then `wtxids` in block order.
base::Bytes witness_commitment_script(std::span<const Wtxid> wtxids);

}  // namespace bitcoin
