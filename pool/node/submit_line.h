// SubmitLine: a node's connection for found blocks. Nothing else uses it, so a block never waits
// behind another question, and it is kept warm, so a block never waits for a connection.
//
// Errors: SubmitReport. A node that says "duplicate" or "inconclusive" is asked where the block
//         stands, since that answers neither yes nor no.
// Thread: the node loop's. After destruction no callback comes.
#pragma once

#include "common/base/time.h"
#include "common/bitcoin/hash.h"
#include "common/rpc/rpc_client.h"
#include "common/uv/loop.h"

#include <functional>
#include <string>

namespace pool {

// What a node says of a block that was sent to it.
struct SubmitReport {
  enum class Kind {
    new_tip,     // it has just made it the tip of its best chain
    in_chain,    // the block is in its best chain already
    side_chain,  // it has the block, but not in its best chain
    rejected,    // invalid, says the node
    not_yet,     // refused for a reason that passes
    failed,      // no answer, or none that tells: try again
  };
  Kind kind = Kind::failed;
  std::string detail;  // the node's words, or why there are none
};

class SubmitLine {
 public:
  using OnDone = std::function<void(SubmitReport)>;

  SubmitLine(uv::Loop& loop, const rpc::RpcEndpoint& endpoint) : rpc_(loop, endpoint) {}
  SubmitLine(const SubmitLine&) = delete;
  SubmitLine& operator=(const SubmitLine&) = delete;

  void submit(const bitcoin::BlockHash& hash, const std::string& block_hex, OnDone on_done);
  // From time to time: opens the connection, and keeps it from being dropped for silence.
  void keep_warm(base::MonoTime now);

 private:
  void on_answer(const bitcoin::BlockHash& hash, const rpc::RpcClient::Answer& answer,
                 const OnDone& on_done);
  void look_up(const bitcoin::BlockHash& hash, std::string reason, OnDone on_done);
  std::string describe(const rpc::RpcError& error) const;

  rpc::RpcClient rpc_;
  int open_calls_ = 0;
  base::MonoTime warm_at_{};
};

}  // namespace pool
