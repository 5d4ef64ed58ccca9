// TemplateFeed: a node's block templates, asked for and pushed.
//
// Two connections take requests, so that one asked for an older tip does not hold up the next; a
// third holds the long-poll, which the node answers when it has something new. A node that answers
// every long-poll at once, without news, is asked less and less often.
//
// A template's height goes into every coinbase, and the node refuses a block with a wrong one. So
// where the height is not the one that follows the last template's, the node is asked for that of
// the block before it, and a template that contradicts it is no use.
//
// Errors: error(), one line for the operator; logged when it begins and when it is over, not at
//         each retry.
// Thread: the node loop's. After destruction no event comes.
// Source: BIP22 (long polling), BIP23 (expires), BIP145 (rules).
#pragma once

#include "common/base/time.h"
#include "common/bitcoin/address.h"
#include "common/bitcoin/hash.h"
#include "common/mining/block_template.h"
#include "common/rpc/rpc_client.h"
#include "common/uv/loop.h"
#include "pool/core/histogram.h"
#include "pool/core/job_source.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace pool {

class TemplateFeed {
 public:
  struct Events {
    std::function<void(mining::BlockTemplate, TemplateOrigin)> on_template;
    std::function<void()> on_failed;  // a request's, never the long-poll's
  };

  TemplateFeed(uv::Loop& loop, const rpc::RpcEndpoint& endpoint, std::string node_name,
               bitcoin::Network network, Events events);
  TemplateFeed(const TemplateFeed&) = delete;
  TemplateFeed& operator=(const TemplateFeed&) = delete;

  void request();
  // Begins a long-poll if none is open and one is due.
  void long_poll(base::MonoTime now);
  // What was requested until now is not reported any more. An open long-poll stays open; its answer
  // counts if it comes when templates are asked for again, since it is then as new as any.
  void forget();
  // The node came (back) up: earlier bad experience with its long-poll is forgotten.
  void on_node_up(base::MonoTime now);

  const std::string& error() const { return error_; }
  // From a request to the template that it brought, read; what did not bring one has no time.
  const LatencyHistogram& times() const { return times_; }

 private:
  struct Line {
    rpc::RpcClient rpc;
    int open_calls = 0;
  };

  Line& least_busy_line();
  void on_answer(Line& line, rpc::RpcClient::Answer answer, base::MonoTime asked_at);
  void on_long_poll_answer(rpc::RpcClient::Answer answer, base::MonoTime asked_at);
  std::optional<mining::BlockTemplate> read(rpc::RpcClient::Answer& answer);
  void deliver(mining::BlockTemplate made, TemplateOrigin origin);
  bool height_follows(const mining::BlockTemplate& made) const;
  void ask_height(mining::BlockTemplate made, TemplateOrigin origin);
  void accept(mining::BlockTemplate made, TemplateOrigin origin);
  void set_error(std::string error);

  const std::string name_;
  const bitcoin::Network network_;
  const Events events_;
  std::array<Line, JobSource::requests_in_flight_max> lines_;
  std::uint64_t epoch_ = 0;  // of the requests that are still wanted
  std::string error_;
  LatencyHistogram times_;
  std::optional<bitcoin::BlockHash> accepted_on_;  // the block before the last template's
  std::uint32_t accepted_height_ = 0;              // of that template

  rpc::RpcClient long_poll_line_;
  std::string long_poll_id_;
  std::optional<bitcoin::BlockHash> tip_;  // of the last template
  bool long_polling_ = false;
  bool resting_ = false;  // nothing was asked since forget()
  int quick_answers_ = 0;
  base::MonoTime long_poll_not_before_{};
};

}  // namespace pool
