// NodeLink: one node, with everything that is said to it and heard from it.
//
// A node has five connections, so that nothing waits behind something slow: two for templates (one
// asked for an older tip does not hold up the next), one for the long-poll, one for the poll and
// other small questions, one for submissions, kept warm so that a found block does not first have
// to connect. Its ZMQ publisher is listened to where the config names one.
//
// The poll doubles as the health check: a node is up when it answers, is on the right chain and has
// caught up. Only the link in use (set_in_use) asks for templates, long-polls and tells of tips;
// the others are looked at every few seconds.
//
// Errors: state().error, one line for the operator; each change of state is logged once.
// Thread: the node loop's. Events come from the loop, never from inside a call. A link outlives
//         its callbacks' captures: after its destruction none comes.
#pragma once

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/bitcoin/address.h"
#include "common/bitcoin/hash.h"
#include "common/mining/block_template.h"
#include "common/uv/loop.h"
#include "pool/config/config.h"
#include "pool/core/job_source.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace pool {

struct NodeState {
  bool up = false;
  bool known = false;          // an answer, good or bad, has come since the start
  std::string error;           // why it is not up
  std::string template_error;  // why its last template was no use; empty when it was
  std::string chain;
  std::string version;
  std::uint32_t height = 0;
  bitcoin::BlockHash tip;
  double network_hashrate = 0;
  base::MonoTime up_since{};
};

// What a node says of a block that was sent to it.
struct SubmitReport {
  enum class Kind {
    accepted,    // in its best chain
    side_chain,  // it has the block, but not in its best chain
    rejected,    // invalid, says the node; `detail` is its reason
    failed,      // no answer, or none that tells: try again
  };
  Kind kind = Kind::failed;
  std::string detail;
};

class NodeLink {
 public:
  struct Events {
    std::function<void()> on_state;  // up or down
    std::function<void(const bitcoin::BlockHash&)> on_tip;
    std::function<void(mining::BlockTemplate, TemplateOrigin)> on_template;
    std::function<void()> on_template_failed;
  };
  using OnSubmitted = std::function<void(SubmitReport)>;

  NodeLink(uv::Loop& loop, const NodeConfig& config, bitcoin::Network network, Events events);
  ~NodeLink();
  NodeLink(const NodeLink&) = delete;
  NodeLink& operator=(const NodeLink&) = delete;

  // A few times a second: polls, long-polls and keeps the submit connection warm as they are due.
  void on_tick(base::Instant now);
  // Taking a link out of use, or into use again, forgets the templates it was asked for.
  void set_in_use(bool in_use);
  void request_template();
  // Asks for the best block now, without waiting for the next poll.
  void poll_now();
  void submit(const bitcoin::BlockHash& hash, const std::string& block_hex, OnSubmitted on_done);
  // No more questions from here on, except submissions.
  void quiesce();

  const NodeState& state() const;
  const std::string& name() const;  // "127.0.0.1:18443"

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace pool
