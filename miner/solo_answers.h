// What a solo miner makes of its node's answers, and what it says of them.
//
// Errors: one line for the person who watches.
// Thread: pure functions.
#pragma once

#include "common/base/result.h"
#include "common/bitcoin/address.h"
#include "common/rpc/rpc_client.h"
#include "miner/solo_client.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace miner {

struct SoloChain {
  bitcoin::Network network = bitcoin::Network::mainnet;
  std::uint32_t height = 0;
};
// getblockchaininfo.
[[nodiscard]] base::Result<SoloChain, std::string> parse_chain(std::string_view json);

// submitblock. A block that the node may take later is not answered; one that it holds for valid,
// but not for the best, is refused: another was first.
SoloAnswer parse_submit_answer(std::string_view json);
// getblocktemplate in proposal mode. What it says of a proposal without work, or on a tip that is
// one no more, is no refusal of the block.
SoloAnswer parse_proposal_answer(std::string_view json);
// Of a call that failed: the node has refused the block, or has not looked at it.
SoloAnswer answer_of(const rpc::RpcError& error);

// A failed call: what happened, where, and what to do.
std::string describe_failure(const rpc::RpcError& error);

}  // namespace miner
