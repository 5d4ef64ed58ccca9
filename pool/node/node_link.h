// NodeLink: one node, with everything that is said to it and heard from it.
//
// It has seven connections, so that nothing waits behind something slow: three for templates
// (TemplateFeed), one for found blocks (SubmitLine), one for the poll, one for other small
// questions, one for large ones. The node's ZMQ publisher is listened to where the config names
// one.
//
// The poll doubles as the health check: a node is up when it answers, is on the right chain and has
// caught up; it is answering while it does so without delay. Only the link in use (set_in_use) asks
// for templates and long-polls, and it is polled more often than the others.
//
// Errors: state().error, one line for the operator; each change of state is logged once.
// Thread: the node loop's. Events come from the loop, and from announce(). After destruction none
//         comes. Events may call the link but not destroy it.
#pragma once

#include "common/base/time.h"
#include "common/bitcoin/address.h"
#include "common/bitcoin/hash.h"
#include "common/rpc/rpc_client.h"
#include "common/uv/loop.h"
#include "pool/config/config.h"
#include "pool/core/stats.h"
#include "pool/core/tip.h"
#include "pool/node/submit_line.h"
#include "pool/node/template_feed.h"
#include "pool/node/zmq_subscriber.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pool {

struct NodeState {
  bool up = false;
  bool known = false;  // an answer, good or bad, has come since the start
  std::string error;   // why it is not up
  std::string chain;
  std::string version;
  std::uint32_t height = 0;
  bitcoin::BlockHash tip;
  double network_hashrate = 0;
  bool answering = false;  // no question of the poll is open for longer than node_patience
  std::int64_t response_us = -1;
  std::array<std::uint64_t, node_failure_count> failures{};
};

class NodeLink {
 public:
  struct Events {
    std::function<void()> on_state;  // up or down, answering or not
    std::function<void(const TipNews&)> on_tip;
    std::function<void(mining::BlockTemplate, TemplateOrigin)> on_template;
    std::function<void()> on_template_failed;
  };

  NodeLink(uv::Loop& loop, const NodeConfig& config, bitcoin::Network network, Events events);
  NodeLink(const NodeLink&) = delete;
  NodeLink& operator=(const NodeLink&) = delete;

  // A few times a second: polls, long-polls and keeps the submit connection warm as they are due.
  void on_tick(base::Instant now);
  // Taking a link out of use, or into use again, forgets the templates it was asked for.
  void set_in_use(bool in_use);
  void request_template() { templates_.request(); }
  // Asks for the best block now, without waiting for the next poll.
  void poll_now();
  // This block is known to be the node's tip by now: on_tip, as if the node had announced it.
  void announce(const TipNews& news);
  void submit(const bitcoin::BlockHash& hash, const std::string& block_hex, bool prefer,
              SubmitLine::OnDone on_done);
  // A small question of somebody else's. `params` is a JSON array.
  void ask(std::string_view method, std::string params, std::chrono::milliseconds deadline,
           rpc::RpcClient::OnAnswer on_answer);
  // One that may take the node its time, on a connection where nothing else waits.
  void ask_at_leisure(std::string_view method, std::string params,
                      std::chrono::milliseconds deadline, rpc::RpcClient::OnAnswer on_answer) {
    leisure_line_.call(method, std::move(params), deadline, std::move(on_answer));
  }
  // Of ask(): those that have no answer yet.
  int open_questions() const { return open_questions_; }
  void count(NodeFailure failure) { ++state_.failures[static_cast<std::size_t>(failure)]; }
  // No more questions and events from here on, except for submissions.
  void quiesce();

  const NodeState& state() const { return state_; }
  // Why the last template was no use; empty when it was.
  const std::string& template_error() const { return templates_.error(); }
  const LatencyHistogram& template_times() const { return templates_.times(); }
  const LatencyHistogram& submit_times() const { return submit_times_; }
  const std::string& name() const { return name_; }  // "127.0.0.1:18443"

 private:
  struct Setup;  // what the config comes to
  NodeLink(uv::Loop& loop, Setup setup, bitcoin::Network network, Events events);

  void connect_zmq(uv::Loop& loop, const std::string& endpoint);
  void poll(base::MonoTime now);
  void ask_chain_info();
  void ask_best_block();
  void ask_version();
  void ask_hashrate();
  void on_chain_info(const rpc::RpcClient::Answer& answer, std::uint64_t tips_heard_before);
  void on_best_block(const rpc::RpcClient::Answer& answer, std::uint64_t tips_heard_before);
  void on_poll_failed(const rpc::RpcError& error);
  void poll_done();
  static bool came(const rpc::RpcClient::Answer& answer);
  void note_response();
  void look_at_patience(base::MonoTime now);
  void set_answering(bool answering);
  void set_up();
  void set_down(std::string error, int cause);

  const rpc::RpcEndpoint endpoint_;
  const std::string name_;
  const bitcoin::Network network_;
  const Events events_;
  NodeState state_;
  bool usable_ = true;  // false: the config's URL is none
  bool in_use_ = false;
  bool quiet_ = false;
  bool was_slow_ = false;
  int down_cause_ = 0;

  TemplateFeed templates_;
  SubmitLine submit_line_;
  LatencyHistogram submit_times_;
  rpc::RpcClient poll_line_;
  rpc::RpcClient question_line_;
  rpc::RpcClient leisure_line_;
  int open_questions_ = 0;
  bool polling_ = false;
  bool poll_again_ = false;
  bool height_stale_ = false;  // the tip was heard of without its height
  std::uint64_t tips_heard_ = 0;
  base::MonoTime poll_at_{};
  base::MonoTime polled_at_{};  // when the open question went out
  base::MonoTime hashrate_at_{};
  std::vector<std::unique_ptr<ZmqSubscriber>> zmq_;
};

}  // namespace pool
