#include "miner/solo_answers.h"

#include "common/node/answers.h"
#include "miner/text.h"

#include <fmt/format.h>

#include <utility>

namespace miner {

base::Result<SoloChain, std::string> parse_chain(std::string_view json) {
  const auto info = node::parse_chain_info(json);
  if (!info) return base::err(info.error());
  SoloChain found{.height = info->height};
  if (!bitcoin::network_from_name(info->chain, found.network)) {
    return base::err(fmt::format(
        "the node's chain is \"{}\": expected one of main, test, testnet4, signet, regtest",
        printable(info->chain, 40)));
  }
  return found;
}

SoloAnswer parse_submit_answer(std::string_view json) {
  using Kind = SoloAnswer::Kind;
  node::SubmitAnswer answer = node::parse_submit_answer(json);
  switch (answer.verdict) {
    case node::SubmitVerdict::accepted:
      return {Kind::accepted, {}};
    case node::SubmitVerdict::not_yet:
      return {Kind::unanswered, std::move(answer.reason)};
    case node::SubmitVerdict::rejected:
      return {Kind::refused, std::move(answer.reason)};
    case node::SubmitVerdict::unsure:
      break;
  }
  if (answer.is_garbled) return {Kind::unanswered, std::move(answer.reason)};
  // The block was sent before, and its answer was lost.
  if (answer.reason == "duplicate") return {Kind::accepted, {}};
  return {Kind::refused, std::move(answer.reason)};  // inconclusive
}

SoloAnswer parse_proposal_answer(std::string_view json) {
  using Kind = SoloAnswer::Kind;
  node::ProposalAnswer answer = node::parse_proposal_answer(json);
  if (answer.is_garbled) return {Kind::unanswered, std::move(answer.reason)};
  if (answer.verdict != node::ProposalVerdict::refused) return {Kind::accepted, {}};
  return {Kind::refused, std::move(answer.reason)};
}

SoloAnswer answer_of(const rpc::RpcError& error) {
  const bool refused = error.kind == rpc::RpcError::Kind::node_error &&
                       error.code == node::rpc_deserialization_error;
  return {refused ? SoloAnswer::Kind::refused : SoloAnswer::Kind::unanswered,
          describe_failure(error)};
}

std::string describe_failure(const rpc::RpcError& error) {
  return node::describe_failure(
      error,
      {.unauthorized = "compare the user and password in --solo (or --cookie-file) with the node's",
       .cookie = "is the node running, and may this user read --cookie-file?",
       .bad_answer = "is the port in --solo the node's RPC port?"});
}

}  // namespace miner
