// SubmitLine: a node's connection for found blocks. It is kept warm, so a block need not wait for a
// connection; while something else is open on it (another block, a short question of this class),
// the next block takes a connection of its own, so it waits behind nothing.
//
// Errors: SubmitReport. A node that says "duplicate" or "inconclusive" is asked where the block
//         stands, since that answers neither yes nor no. One that has it on another branch is asked
//         to prefer it (preciousblock) where the caller wants that: against a block of equal work
//         the node then goes by ours, against more work it does nothing.
// Thread: the node loop's. After destruction no callback comes.
#pragma once

#include "common/base/time.h"
#include "common/bitcoin/hash.h"
#include "common/rpc/rpc_client.h"
#include "common/uv/loop.h"
#include "pool/core/block_report.h"

#include <functional>
#include <list>
#include <string>

namespace pool {

class SubmitLine {
 public:
  using OnDone = std::function<void(SubmitReport)>;

  SubmitLine(uv::Loop& loop, const rpc::RpcEndpoint& endpoint);
  SubmitLine(const SubmitLine&) = delete;
  SubmitLine& operator=(const SubmitLine&) = delete;

  void submit(const bitcoin::BlockHash& hash, const std::string& block_hex, bool prefer,
              OnDone on_done);
  // From time to time: opens the connection, and keeps it from being dropped for silence.
  void keep_warm(base::MonoTime now);

 private:
  struct Line {
    Line(uv::Loop& loop, const rpc::RpcEndpoint& endpoint) : rpc(loop, endpoint) {}
    rpc::RpcClient rpc;
    int open_calls = 0;
  };

  struct Question {  // of one block, on its way
    bitcoin::BlockHash hash;
    bool may_prefer = false;
    bool preferred = false;
    std::string reason;  // what the node said to the block
    OnDone on_done;
  };

  Line& idle_line();
  void on_answer(Line& line, Question asked, const rpc::RpcClient::Answer& answer);
  void look_up(Line& line, Question asked);
  void on_header(Line& line, Question asked, const rpc::RpcClient::Answer& answer);
  void ask_to_prefer(Line& line, Question asked);
  std::string describe(const rpc::RpcError& error) const;

  uv::Loop& loop_;
  const rpc::RpcEndpoint endpoint_;
  std::list<Line> lines_;  // the first is kept warm, the others last while they are needed
  base::MonoTime warm_at_{};
  bool knows_preciousblock_ = true;  // until the node says otherwise
};

}  // namespace pool
