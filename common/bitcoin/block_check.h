// What of a block is wrong, as far as its bytes alone tell: proof of work, merkle root, coinbase,
// witness commitment, weight. Inputs, scripts and the chain around it are a node's to judge.
//
// Source: Bitcoin Core, validation.cpp (CheckBlock, ContextualCheckBlock); BIP34; BIP141.
// Thread: pure functions.
#pragma once

#include "common/bitcoin/block.h"
#include "common/bitcoin/sats.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace bitcoin {

inline constexpr std::size_t block_weight_max = 4'000'000;

enum class BlockFlaw : std::uint8_t {
  bad_bits,                // nbits is no target
  high_hash,               // the hash does not meet it
  bad_merkle_root,         // not of these transactions
  duplicate_transactions,  // a row of the merkle tree repeats itself (CVE-2012-2459)
  no_coinbase,
  several_coinbases,
  no_height,               // the coinbase does not begin with one, as BIP34 demands
  bad_witness_reserved,    // a commitment, but not one witness item of 32 bytes in the coinbase
  bad_witness_commitment,  // not of these witnesses
  unexpected_witness,      // a witness, and no commitment to it
  too_heavy
};
// "its hash does not meet its target"
std::string_view describe(BlockFlaw flaw);

// In the order above; none: the block is whole.
std::vector<BlockFlaw> find_flaws(const Block& block);
// Whether these are the transactions of the header: nothing is missing, nothing was changed.
bool has_its_transactions(const Block& block);

// The height at the start of a coinbase's scriptSig.
std::optional<std::uint32_t> coinbase_height(const Transaction& coinbase);
Sats output_sum(const Transaction& transaction);

}  // namespace bitcoin
