// An attempt: a job and a number give 63 phases, which turn until they bloom, or don't.
//
// Everything that enters is fixed before the attempt is chosen, so an attempt has one outcome.
// Thread: pure.
// Source: docs/coherence.md, sections 2, 4 and 10.
#pragma once

#include "common/coherence/kuramoto.h"
#include "common/crypto/sha256.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

namespace coherence {

// version u32 | prev_hash 32 | merkle_root 32 | time u32 | bits u32, all little-endian.
using Header76 = std::array<std::uint8_t, 76>;
using Header80 = std::array<std::uint8_t, 80>;  // and the attempt's nonce u32

inline constexpr std::uint32_t params_version = 0x00010000;  // COH1; the low half is the level
std::uint32_t params_of(std::uint32_t level);
// None: not COH1, or no such level.
std::optional<std::uint32_t> level_of(std::uint32_t params);

// What a miner is given, but for the target.
struct Job {
  Header76 header{};
  std::uint64_t extranonce = 0;  // the connection's
  std::uint32_t params = params_version;
  friend bool operator==(const Job&, const Job&) = default;
};

Header80 header80(const Header76& header, std::uint64_t attempt);
crypto::Digest seed_of(const Job& job, std::uint64_t attempt);
Phases phases_of(const crypto::Digest& seed);

struct Bloom {
  std::uint32_t start = 0;                   // the first of the coherent states
  std::uint32_t end = 0;                     // start + 6
  std::array<Order, bloom_states> orders{};  // of states start … end
  Phases phases{};                           // of state end
  friend bool operator==(const Bloom&, const Bloom&) = default;
};

// Told of each state as it is reached: its number, its order, its phases.
using Watch = std::function<void(std::uint32_t, const Order&, const Phases&)>;

// The first bloom among the states 0 … `last_state` (at most R - 1); none: void so far.
// REQUIRES: level < levels.
std::optional<Bloom> run(Phases phases, std::uint32_t level,
                         std::uint32_t last_state = states_per_attempt - 1,
                         const Watch& watch = {});

}  // namespace coherence
