#include "pool/node/proposal_check.h"

#include "common/log.h"
#include "common/mining/proposal.h"
#include "common/node/answers.h"
#include "pool/core/limits.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace pool {

namespace {

// bitcoind's error codes. Source: Bitcoin Core, rpc/protocol.h.

// A block with transactions and one without (before a template has come) are two kinds.
std::string kind_of(const mining::Job& job) {
  return (job.block_template->txids.empty() ? "empty " : "full ") + mining::proposal_kind(job);
}

}  // namespace

ProposalCheck::ProposalCheck(std::string node_name, bitcoin::Network network, Ask ask,
                             OnVerdict on_verdict)
    : node_name_(std::move(node_name)),
      network_(network),
      ask_(std::move(ask)),
      on_verdict_(std::move(on_verdict)) {}

void ProposalCheck::on_job(const mining::Job& job) {
  if (asking_ || !supported_) return;
  if (!job.block_template->takes_proposals) return note_unsupported();
  std::string kind = kind_of(job);
  if (has_passed(kind)) {
    if (!refusal_.empty()) accept(kind);
    return;
  }
  asking_ = asked_ = true;
  const std::string members = node::proposal_members(mining::proposal_block_hex(job));
  ask_("getblocktemplate", node::template_params(network_, members), limits::proposal_deadline,
       [this, kind = std::move(kind),
        wanted = std::weak_ptr<int>(epoch_)](const rpc::RpcClient::Answer& answer) {
         if (!wanted.expired()) on_answer(kind, answer);
       });
}

void ProposalCheck::on_kept_job(const mining::Job& job) {
  // What another node's template says of proposals is no word of this node.
  if (!asked_ && job.block_template->takes_proposals) on_job(job);
}

void ProposalCheck::forget() {
  passed_.clear();
  asked_ = false;
  asking_ = false;
  supported_ = true;
  refusal_.clear();
  epoch_ = std::make_shared<int>();
}

void ProposalCheck::on_answer(const std::string& kind, const rpc::RpcClient::Answer& answer) {
  asking_ = false;
  if (!answer) {
    const rpc::RpcError& error = answer.error();
    if (error.kind != rpc::RpcError::Kind::node_error) return;  // the poll sees to its health
    if (error.code == node::rpc_invalid_parameter) return note_unsupported();
    if (error.code == node::rpc_deserialization_error) refuse(error.message);
    return;
  }
  const node::ProposalAnswer said = node::parse_proposal_answer(*answer);
  if (said.verdict == node::ProposalVerdict::accepted) return accept(kind);
  if (said.verdict == node::ProposalVerdict::refused) refuse(said.reason);
}

void ProposalCheck::accept(const std::string& kind) {
  if (!has_passed(kind)) {
    if (passed_.size() == limits::proposal_kinds_max) passed_.pop_front();
    passed_.push_back(kind);
    LOG(info, "proposal_accepted", {"node", node_name_});
  } else {
    LOG(info, "proposal_accepted_again", {"node", node_name_});
  }
  refusal_.clear();
  on_verdict_(true);
}

void ProposalCheck::refuse(const std::string& reason) {
  std::string refusal = fmt::format(
      "node {} would refuse the pool's block: \"{}\" (asked with getblocktemplate's proposal mode)",
      node_name_, reason);
  if (refusal != refusal_) LOG(error, "proposal_refused", {"node", node_name_}, {"reason", reason});
  refusal_ = std::move(refusal);
  on_verdict_(false);
}

bool ProposalCheck::has_passed(const std::string& kind) const {
  return std::find(passed_.begin(), passed_.end(), kind) != passed_.end();
}

void ProposalCheck::note_unsupported() {
  supported_ = false;
  LOG(info, "proposals_unsupported", {"node", node_name_});
}

}  // namespace pool
