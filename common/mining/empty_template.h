// empty_template: what can be mined on a new block before the node has made a template for it: a
// block with nothing but its coinbase, from the new tip's header and the template before it.
//
// It is made only where every field of the next header is certain. None is where
//   - a retarget falls due at the new height, whose bits depend on the times of 2016 blocks;
//   - the chain allows blocks of minimum difficulty (testnet3, testnet4): their bits depend on the
//     time of the block to be mined. Regtest allows them too, but there every block is one;
//   - the header does not fit the known template: it is of another retarget period, its bits or its
//     place in the chain are not what the template says, or its hash misses its own target;
//   - the header's time is so far ahead of `now` that work on top of it might not be taken.
//
// Units:  amounts in satoshis, times in seconds since 1970.
// Thread: pure.
// Source: BIP34, BIP113, BIP141 (the commitment of a block whose only transaction is the coinbase);
//         Bitcoin Core, pow.cpp GetNextWorkRequired, validation.cpp GetBlockSubsidy.
#pragma once

#include "common/bitcoin/address.h"
#include "common/bitcoin/header.h"
#include "common/mining/block_template.h"

#include <cstdint>
#include <optional>

namespace mining {

// A block that the next one goes on top of.
struct TipBlock {
  bitcoin::Header header;
  std::uint32_t height = 0;
  // The median time of the eleven blocks that end with it, where somebody said it.
  std::optional<std::uint32_t> median_time;
};

// `known` is a template of the same chain: for the tip's own height, or a little before or after.
[[nodiscard]] std::optional<BlockTemplate> empty_template(const BlockTemplate& known,
                                                          const TipBlock& tip,
                                                          bitcoin::Network network,
                                                          std::int64_t now);

// What a block of this height may create, without fees.
bitcoin::Sats block_subsidy(std::uint32_t height, bitcoin::Network network);

}  // namespace mining
