// A found block's proof record, as /api/v1/blocks/{hash}/proof gives it, and whether it is true.
//
//   {"type":"block_proof","version":1,"network":"mainnet","hash":…,"height":…,"time_us":…,
//    "header":…,"target":…,"coinbase":…,"merkle_branch":[…],"reward_sats":…,"address":…,"worker":…}
//
// The 80 bytes of the header are the proof: they can't be changed without doing their work again.
// All else is held against them. The header hashes to `hash`, which is not above the target that
// its nbits stand for; `target` is that one, and the network allows it; coinbase and branch fold to
// the header's merkle root; the coinbase begins with `height` (BIP34), and its outputs add up to
// `reward_sats`.
//
// Not in the block, and so not to be judged: who found it and when (address, worker, time_us), and
// whether the chain has it. That the work was worth a block at all, at the network's difficulty of
// that time, a reader sees from the difficulty, or asks a node.
//
// Units:  header and coinbase are bytes in order, in hex, the coinbase without witness; hash is in
//         display order; target is a numeral; hashes of the branch are bytes as they are hashed.
// Errors: one line each, which names the member, its value and what was expected.
// Thread: pure functions.
#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/u256.h"
#include "common/bitcoin/address.h"
#include "common/bitcoin/hash.h"
#include "common/bitcoin/header.h"
#include "common/bitcoin/sats.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

// A coinbase without witness is at most a quarter of a block's weight; ours have less than 4 kB.
inline constexpr std::size_t proof_coinbase_bytes_max = 1'000'000;
// A block has less than 2^15 transactions (of 60 bytes, each of weight 240).
inline constexpr std::size_t proof_branch_hashes_max = 15;
inline constexpr std::size_t block_proof_bytes_max = 2 * proof_coinbase_bytes_max + 16 * 1024;

struct BlockProof {
  bitcoin::Network network = bitcoin::Network::mainnet;
  bitcoin::BlockHash hash;
  std::uint32_t height = 0;
  std::uint64_t time_us = 0;  // since 1970
  bitcoin::HeaderBytes header{};
  base::U256 target;
  base::Bytes coinbase;
  std::vector<bitcoin::Hash256> merkle_branch;
  bitcoin::Sats reward;
  std::string address;
  std::string worker;
};

// Unknown members are ignored; of one given twice the last counts.
[[nodiscard]] base::Result<BlockProof, std::string> parse_block_proof(std::string_view json);

struct ProofOutput {
  bitcoin::Sats value;
  std::string to;  // an address; "data …" or "script …" in hex where there is none
};

struct BlockProofVerdict {
  std::vector<std::string> flaws;    // none: all that it says is true
  double difficulty = 0;             // that the header's nbits stand for; 0: for none
  std::vector<ProofOutput> outputs;  // of the coinbase
};

BlockProofVerdict judge_block_proof(const BlockProof& proof);

}  // namespace pool
