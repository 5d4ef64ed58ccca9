// Coherence proofs, the proof chain's rules and its blocks as lines of JSON: what `phasepool
// export` writes and `phasepool verify coherence` and `verify chain` read.
//
//   {"type":"coherence","header92":…,"extranonce":…,"attempt":…,"params":…,"target":…,
//    "certificate":…,"work_hash":…}
//   {"type":"coherence_rules","block_seconds":420,"retarget_blocks":123,"initial_bits":…,
//    "start_time":…}
//   {"type":"coherence_block","height":…,"hash":…,"header":…,"params":…,"bitcoin_tip":…,
//    "stretches":[{"pool":…,"journal":…,"first":…,"last":…,"head":…},…]}
//
// A proof says some things twice (the nonce, r and psi also follow from the rest), so that whoever
// checks one can say what does not fit: parsing only sees to it that every field has its form.
//
// Units:  header92, header, certificate, hashes, head and journal are bytes in order, in hex;
//         extranonce, attempt, params, bits and target are big-endian numerals in hex of full
//         width; bitcoin_tip is display hex, as Bitcoin software shows it.
// Errors: one line that names the field, its value and what was expected. Unknown fields are
//         ignored; of a field given twice the last counts.
// Thread: pure.
// Source: docs/coherence.md, sections 13 and 14.
#pragma once

#include "common/base/result.h"
#include "common/coherence/certificate.h"
#include "common/coherence/chain.h"
#include "pool/core/records.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace pool {

// Longer lines are none of ours: a proof has less than 1,500 bytes, and a block has less than 260
// for each of the 256 pools that may be.
inline constexpr std::size_t coherence_proof_line_bytes_max = 4096;
inline constexpr std::size_t coherence_block_line_bytes_max = 128 * 1024;

// All that is needed to check a proof without anything else.
struct CoherenceProof {
  coherence::Header92 header92{};
  std::uint64_t extranonce = 0;
  std::uint64_t attempt = 0;
  std::uint32_t params = 0;
  base::U256 target;
  coherence::CertificateBytes certificate{};
  crypto::Digest work_hash{};
  friend bool operator==(const CoherenceProof&, const CoherenceProof&) = default;
};
// REQUIRES: the record's certificate is one (every journalled one is).
CoherenceProof proof_of(const CoherenceProofRecord& record);

// Without a newline.
std::string write_coherence_proof(const CoherenceProof& proof);
std::string write_coherence_rules(const coherence::ChainRules& rules);
// time_us is not written.
std::string write_coherence_block(const CoherenceBlockRecord& block);

[[nodiscard]] base::Result<CoherenceProof, std::string> parse_coherence_proof(
    std::string_view line);
[[nodiscard]] base::Result<coherence::ChainRules, std::string> parse_coherence_rules(
    std::string_view line);
// Its stretches are ordered by pool, each pool once. time_us is 0.
[[nodiscard]] base::Result<CoherenceBlockRecord, std::string> parse_coherence_block(
    std::string_view line);

}  // namespace pool
