// Targets, work and retarget of coherence work, in exact integers.
//
// A work hash, read as a 256-bit little-endian integer, meets a target T when it is less than T
// (Bitcoin's rule is "not more"). Hash difficulty is 2^256 / T: the blooms that a share takes.
//
// Thread: pure.
// Source: docs/coherence.md, section 12.
#pragma once

#include "common/base/u256.h"
#include "common/crypto/sha256.h"

#include <array>
#include <cstdint>

namespace coherence {

// w: expected rounds per bloom at each level; calibrated, frozen.
extern const std::array<std::uint32_t, 6> rounds_per_bloom;

bool meets(const crypto::Digest& work_hash, const base::U256& target);
// Expected rounds of a share: floor(w[level] * 2^256 / T), at most 2^256 - 1. REQUIRES: T > 0.
base::U256 work_of(std::uint32_t level, const base::U256& target);
// T of a hash difficulty: floor(2^256 / h), 2^256 - 1 for h = 1. REQUIRES: h > 0.
base::U256 target_of_hash_difficulty(const base::U256& hash_difficulty);

// f of the specification in 1/65536: by how much the difficulty is multiplied after an epoch that
// took `actual_seconds` where `expected_seconds` (123 * 420 = 51660) were meant.
std::uint32_t retarget_factor(std::uint64_t actual_seconds, std::uint64_t expected_seconds);
// floor(target * 65536 / factor), at most 2^256 - 1. REQUIRES: factor > 0.
base::U256 retargeted(const base::U256& target, std::uint32_t factor);
// The target of the same expected rounds at another level: floor(target * w_new / w_old), capped.
base::U256 relevelled(const base::U256& target, std::uint32_t from_level, std::uint32_t to_level);

}  // namespace coherence
