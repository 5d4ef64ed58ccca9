// What a node's answers mean, and how it is asked for templates: for the pool and for solo mining.
//
// bcoin's answers differ a little from Bitcoin Core's (no initialblockdownload, reasons behind
// "rejected: "); what is not there is left at its default.
//
// Errors: one line that names the method and what was wrong with the answer.
// Thread: pure functions.
// Source: BIP22 (submitblock, long polling), BIP23 (proposals), BIP145 (rules); Bitcoin Core,
//         rpc/mining.cpp and rpc/protocol.h.
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

namespace node {

// What a node gives as an error's code.
inline constexpr int rpc_misc_error = -1;
inline constexpr int rpc_type_error = -3;
inline constexpr int rpc_wallet_error = -4;
inline constexpr int rpc_invalid_address_or_key = -5;  // getblockheader: no such block
inline constexpr int rpc_invalid_parameter = -8;  // a height out of range; a mode it does not know
inline constexpr int rpc_client_not_connected = -9;
inline constexpr int rpc_client_in_initial_download = -10;
inline constexpr int rpc_wallet_unlock_needed = -13;
inline constexpr int rpc_wallet_not_found = -18;
inline constexpr int rpc_deserialization_error = -22;
inline constexpr int rpc_verify_error = -25;
inline constexpr int rpc_verify_rejected = -26;
inline constexpr int rpc_verify_already_in_chain = -27;
inline constexpr int rpc_in_warmup = -28;
inline constexpr int rpc_method_not_found = -32601;

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
  bool is_garbled = false;  // it was no answer to the question, and the verdict is unsure
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
  std::string reason;       // one line
  bool is_garbled = false;  // as above
};
ProposalAnswer parse_proposal_answer(std::string_view json);

// The params of getblocktemplate: the rules that we obey there (BIP145, BIP325), with further
// members in front, each with its comma.
std::string template_params(bitcoin::Network network, std::string_view members = {});
// The member that makes it a long-poll, with its comma. The id is the node's own text: what could
// break out of a JSON string does not go back, nor more than 512 bytes. Empty for no id.
std::string long_poll_member(std::string_view id);
// The members that make it a proposal, with their commas.
std::string proposal_members(std::string_view block_hex);
// getblocktemplate's answer, which is used up; the error completes "node … ".
[[nodiscard]] base::Result<mining::BlockTemplate, std::string> read_template(
    rpc::RpcResult& answer, bitcoin::Network network);

// What a person can do about settings, in the words of the program that has them.
struct FailureRemedies {
  std::string_view unauthorized;
  std::string_view cookie;
  std::string_view bad_answer;
};
// A failed call: what happened, where, and what to do. The error's message names endpoint and
// method.
std::string describe_failure(const rpc::RpcError& error, const FailureRemedies& remedies);

}  // namespace node
