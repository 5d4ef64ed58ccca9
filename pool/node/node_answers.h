// What the pool reads out of a node's answers, and what it says of them to the operator.
//
// bcoin's answers differ a little from Bitcoin Core's (no initialblockdownload, reasons behind
// "rejected: "); what is not there is left at its default.
//
// Errors: one line that names the method and what was wrong with the answer.
// Thread: pure functions.
#pragma once

#include "common/base/result.h"
#include "common/bitcoin/address.h"
#include "common/bitcoin/hash.h"
#include "common/mining/block_template.h"
#include "common/rpc/rpc_client.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pool {

// getblockchaininfo.
struct ChainInfo {
  std::string chain;  // as the node names it
  std::uint32_t height = 0;
  std::uint32_t headers = 0;  // not less than the height
  bitcoin::BlockHash tip;
  bool initial_download = false;
  double verification_progress = 1;
  std::string signet_challenge;  // in hex; from Bitcoin Core 28 on
};
[[nodiscard]] base::Result<ChainInfo, std::string> parse_chain_info(std::string_view json);

// getbestblockhash.
[[nodiscard]] base::Result<bitcoin::BlockHash, std::string> parse_best_block(std::string_view json);

// subversion of getnetworkinfo; empty when there is none.
std::string parse_subversion(std::string_view json);

// A bare number (getnetworkhashps).
std::optional<double> parse_number(std::string_view json);

// height of getblockheader.
std::optional<std::uint32_t> parse_header_height(std::string_view json);

// confirmations of getblockheader: 1 and more in the best chain, -1 on another branch.
std::optional<std::int64_t> parse_confirmations(std::string_view json);

// submitblock (BIP22): null is acceptance, a string is the reason for anything else.
enum class SubmitVerdict {
  accepted,
  unsure,   // duplicate, inconclusive: the node may know it; its header tells
  not_yet,  // refused for a reason that passes: it may take the block later
  rejected,
};
struct SubmitAnswer {
  SubmitVerdict verdict = SubmitVerdict::rejected;
  std::string reason;
};
SubmitAnswer parse_submit_answer(std::string_view json);

// getblocktemplate in proposal mode (BIP23): null, or the reason against.
enum class ProposalVerdict {
  accepted,
  unsure,  // it can't tell: its tip is another by now, or it has no answer to that question
  refused,
};
struct ProposalAnswer {
  ProposalVerdict verdict = ProposalVerdict::unsure;
  std::string reason;  // one line
};
ProposalAnswer parse_proposal_answer(std::string_view json);

// Why a node of this chain can't be mined on, with the remedy; empty: it can. On regtest, and on a
// signet of which it has all the blocks that it has heard of, a node that says it is in initial
// download is mined on all the same: such a chain leaves that state by its next block.
std::string chain_objection(const ChainInfo& info, bitcoin::Network network);

// The params of getblocktemplate: the rules that we obey there (BIP145, BIP325), with further
// members in front, each with its comma.
std::string template_params(bitcoin::Network network, std::string_view members = {});
// getblocktemplate's answer, which is used up; the error completes "node … ".
[[nodiscard]] base::Result<mining::BlockTemplate, std::string> read_template(
    rpc::RpcResult& answer, bitcoin::Network network);

// A failed call, for the operator: what happened, where, and what to do.
std::string describe_failure(const rpc::RpcError& error, const rpc::RpcEndpoint& endpoint);

}  // namespace pool
