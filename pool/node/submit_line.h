// SubmitLine: a node's connection for found blocks. It is kept warm, so a block need not wait for a
// connection; while something else is open on it (another block, a short question of this class),
// the next block takes a connection of its own, so it waits behind nothing.
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
#include <list>
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

  SubmitLine(uv::Loop& loop, const rpc::RpcEndpoint& endpoint);
  SubmitLine(const SubmitLine&) = delete;
  SubmitLine& operator=(const SubmitLine&) = delete;

  void submit(const bitcoin::BlockHash& hash, const std::string& block_hex, OnDone on_done);
  // From time to time: opens the connection, and keeps it from being dropped for silence.
  void keep_warm(base::MonoTime now);

 private:
  struct Line {
    Line(uv::Loop& loop, const rpc::RpcEndpoint& endpoint) : rpc(loop, endpoint) {}
    rpc::RpcClient rpc;
    int open_calls = 0;
  };

  Line& idle_line();
  void on_answer(Line& line, const bitcoin::BlockHash& hash, const rpc::RpcClient::Answer& answer,
                 const OnDone& on_done);
  void look_up(Line& line, const bitcoin::BlockHash& hash, std::string reason, OnDone on_done);
  std::string describe(const rpc::RpcError& error) const;

  uv::Loop& loop_;
  const rpc::RpcEndpoint endpoint_;
  std::list<Line> lines_;  // the first is kept warm, the others last while they are needed
  base::MonoTime warm_at_{};
};

}  // namespace pool
