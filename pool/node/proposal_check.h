// ProposalCheck: would this node take the pool's blocks? Asked before one is found, with the whole
// block of the first job and of each new kind of job since (getblocktemplate's proposal mode,
// BIP23). Jobs go out whatever comes of it, and before it is asked.
//
// A node that can't tell at the moment (its tip has changed, it does not answer) is asked with the
// next job; one that knows no proposals is not asked again.
//
// Errors: refusal(), one line for the operator; logged when it begins and when it is over.
// Thread: the node loop's. `on_verdict` comes from the loop, never after destruction.
// Source: BIP22 (reasons), BIP23; Bitcoin Core, rpc/mining.cpp; bcoin, node/rpc.js.
#pragma once

#include "common/bitcoin/address.h"
#include "common/mining/job.h"
#include "common/rpc/rpc_client.h"

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace pool {

class ProposalCheck {
 public:
  using Ask =
      std::function<void(std::string_view method, std::string params,
                         std::chrono::milliseconds deadline, rpc::RpcClient::OnAnswer on_answer)>;
  // A kind of block has passed, or has been refused.
  using OnVerdict = std::function<void(bool accepted)>;

  ProposalCheck(std::string node_name, bitcoin::Network network, Ask ask, OnVerdict on_verdict);
  ProposalCheck(const ProposalCheck&) = delete;
  ProposalCheck& operator=(const ProposalCheck&) = delete;

  // This job, over a template of this node, has gone out.
  void on_job(const mining::Job& job);
  // A template of this node changed nothing: miners keep this job, which may be of another node's
  // template. Asked about once, so that a node taken in place of another is judged at once.
  void on_kept_job(const mining::Job& job);
  // The node has been away, and may be another program by now: everything is asked anew.
  void forget();

  // Why the node would not take the last kind of block that it judged; empty: it would.
  const std::string& refusal() const { return refusal_; }

 private:
  void on_answer(const std::string& kind, const rpc::RpcClient::Answer& answer);
  void accept(const std::string& kind);
  void refuse(const std::string& reason);
  bool has_passed(const std::string& kind) const;
  void note_unsupported();

  const std::string node_name_;
  const bitcoin::Network network_;
  const Ask ask_;
  const OnVerdict on_verdict_;
  std::deque<std::string> passed_;  // kinds, the newest last
  bool asked_ = false;              // anything, since it was forgotten
  bool asking_ = false;
  bool supported_ = true;
  std::string refusal_;
  std::shared_ptr<int> epoch_ = std::make_shared<int>();  // of the answers still wanted
};

}  // namespace pool
