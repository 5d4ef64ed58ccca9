// NodeAsker: questions to a node one after another, each waited for; for commands that look at a
// node and end, never for a loop.
//
// Errors: the answer's own RpcError; one that comes after the time for all questions is a timeout.
// Thread: the caller's, which it blocks.
#pragma once

#include "common/base/time.h"
#include "common/rpc/rpc_client.h"
#include "common/uv/loop.h"

#include <chrono>
#include <string>
#include <string_view>

namespace pool {

class NodeAsker {
 public:
  // `deadline` is for all questions together.
  NodeAsker(rpc::RpcEndpoint endpoint, std::chrono::milliseconds deadline);

  rpc::RpcClient::Answer ask(std::string_view method, std::string params_json);
  const rpc::RpcEndpoint& endpoint() const { return client_.endpoint(); }
  std::string name() const;  // "127.0.0.1:8332"

 private:
  uv::Loop loop_;
  rpc::RpcClient client_;
  const base::MonoTime until_;
};

}  // namespace pool
