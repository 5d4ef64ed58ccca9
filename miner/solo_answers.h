// What a solo miner reads out of its node's answers, and what it says of them. Bitcoin Core's and
// bcoin's differ a little (bcoin puts "rejected: " before a reason).
//
// Errors: one line for the person who watches.
// Thread: pure functions.
// Source: BIP22 (submitblock, long polling), BIP23 (proposals), BIP145 (rules).
#pragma once

#include "common/base/result.h"
#include "common/bitcoin/address.h"
#include "common/bitcoin/hash.h"
#include "common/mining/block_template.h"
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

// getbestblockhash.
[[nodiscard]] base::Result<bitcoin::BlockHash, std::string> parse_best_block(std::string_view json);

// submitblock.
SoloAnswer parse_submit_answer(std::string_view json);
// getblocktemplate in proposal mode. What it says of a proposal without work, or on a tip that is
// one no more, is no refusal of the block.
SoloAnswer parse_proposal_answer(std::string_view json);
// Of a call that failed: the node has refused the block, or has not looked at it.
SoloAnswer answer_of(const rpc::RpcError& error);

// The params of getblocktemplate: the rules that we obey; with an id, it is a long-poll.
std::string template_params(bitcoin::Network network, std::string_view long_poll_id);
// Those of a proposal.
std::string proposal_params(std::string_view block_hex);

// getblocktemplate's answer, which is used up.
[[nodiscard]] base::Result<mining::BlockTemplate, std::string> read_template(
    rpc::RpcResult& answer, bitcoin::Network network);

// A failed call: what happened, where, and what to do.
std::string describe_failure(const rpc::RpcError& error);

}  // namespace miner
