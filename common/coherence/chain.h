// The proof chain's rules: a block's header, what it commits to, which target the next one has.
//
// A block's id is its work hash. Height 0 has a prev_hash of zeros. Every block's header says its
// level (beside it, in params) and its bits; those of the next follow from the ones before.
//
// Units:  times in seconds since 1970; hashes as SHA-256 gives them.
// Thread: pure.
// Source: docs/coherence.md, section 14.
#pragma once

#include "common/base/u256.h"
#include "common/bitcoin/hash.h"
#include "common/coherence/attempt.h"
#include "common/coherence/difficulty.h"

#include <cstdint>
#include <span>

namespace coherence {

inline constexpr std::uint32_t header_version = 1;

struct HeaderFields {
  std::uint32_t version = header_version;
  crypto::Digest prev_hash{};
  crypto::Digest merkle_root{};
  std::uint32_t time = 0;
  std::uint32_t bits = 0;
  friend bool operator==(const HeaderFields&, const HeaderFields&) = default;
};
Header76 encode_header(const HeaderFields& fields);
HeaderFields decode_header(const Header76& header);
// What a block's work hash must be less than; zero for bits that have no target.
base::U256 target_of_bits(std::uint32_t bits);

// A stretch of one pool's journal: records `first` to `last`, and the journal's chain head after
// the last: SHA-256 of that segment's file from its start to the end of that record.
struct Stretch {
  std::uint32_t pool = 0;  // the pool's instance number
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  crypto::Digest head{};
  friend bool operator==(const Stretch&, const Stretch&) = default;
};
crypto::Digest tip_leaf(const bitcoin::BlockHash& bitcoin_tip);
crypto::Digest stretch_leaf(const Stretch& stretch);
// REQUIRES: stretches are ordered by pool, each pool once.
crypto::Digest merkle_root_of(const bitcoin::BlockHash& bitcoin_tip,
                              std::span<const Stretch> stretches);

// What a chain is run with, fixed for its life.
struct ChainRules {
  std::uint32_t block_seconds = 420;
  std::uint32_t retarget_blocks = 123;
  std::uint32_t initial_bits = 0x1e080000;
  std::uint32_t start_time = 0;  // what the first block's time is counted from
  friend bool operator==(const ChainRules&, const ChainRules&) = default;
};

// What the next block depends on.
struct ChainTip {
  std::uint32_t height = 0;
  crypto::Digest hash{};
  std::uint32_t time = 0;
  std::uint32_t bits = 0;
  std::uint32_t level = 0;
  // Time of the last block before this one's epoch (start_time in the first epoch): the epoch's
  // block times add up to `time` less this.
  std::uint32_t epoch_start_time = 0;
  friend bool operator==(const ChainTip&, const ChainTip&) = default;
};

// What the header of the block after `tip` must say (null: of the first block). The level becomes
// `wanted_level` at an epoch's first block only; the target is scaled so that a block's expected
// rounds stay.
struct NextBlock {
  std::uint32_t height = 0;
  crypto::Digest prev_hash{};
  std::uint32_t bits = 0;
  std::uint32_t level = 0;
  std::uint32_t time_least = 0;
  friend bool operator==(const NextBlock&, const NextBlock&) = default;
};
NextBlock next_block(const ChainRules& rules, const ChainTip* tip, std::uint32_t wanted_level);
// The tip that a block makes of the one before it.
ChainTip extend(const ChainRules& rules, const ChainTip* tip, const HeaderFields& header,
                std::uint32_t level, const crypto::Digest& hash);

}  // namespace coherence
