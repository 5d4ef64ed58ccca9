// RpcClient: bitcoind's JSON-RPC over one keep-alive HTTP connection.
//
// Calls go out one at a time in the order made (bitcoind answers in order on a connection); a
// connection lost before any byte of an answer came is made anew and the call sent again, once. A
// node that answers "work queue depth exceeded" (503: it has not looked at the call) is asked again
// until the deadline. Between calls the connection is kept, and made anew when the node drops it
// (bitcoind does after 30 s), so that a block need not wait for one.
// For calls that must not wait behind a long-poll, make another RpcClient.
//
// Auth:   user and password, or a cookie file, read again before each connection and after each
//         401 (bitcoind writes a new cookie at each start).
// Errors: RpcError; never an exception. Nothing is logged here.
// Thread: the loop's. Callbacks come from the loop, never from inside call().
#pragma once

#include "common/base/result.h"
#include "common/rpc/rpc_result.h"
#include "common/uv/loop.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace rpc {

struct RpcError {
  enum class Kind {
    unreachable,  // refused, reset, no route, name not found
    timeout,
    unauthorized,  // 401 or 403
    cookie,        // the cookie file can't be read
    bad_answer,    // not HTTP, not JSON, no result
    node_error,    // the node answered with an error object
    cancelled,     // cancel_all() was called
  };
  Kind kind = Kind::unreachable;
  int code = 0;         // node_error: bitcoind's code (-28 warming up, -10 initial download, …)
  std::string message;  // one line for the operator: names the endpoint and what happened
};

struct RpcEndpoint {
  std::string host;
  std::uint16_t port = 0;
  std::string path = "/";
  std::string user;
  std::string password;
  std::string cookie_file;  // used when user is empty
};

// "http://host:port[/path]", host also as [::1]. The error is one line for the operator. User and
// password in it are not allowed here: they have keys of their own.
[[nodiscard]] base::Result<RpcEndpoint, std::string> parse_rpc_url(std::string_view url);

class RpcClient {
 public:
  using Answer = base::Result<RpcResult, RpcError>;
  using OnAnswer = std::function<void(Answer)>;

  RpcClient(uv::Loop& loop, RpcEndpoint endpoint);
  // No callback comes any more, not even `cancelled`: the owner may be half gone.
  ~RpcClient();
  RpcClient(const RpcClient&) = delete;
  RpcClient& operator=(const RpcClient&) = delete;

  // `params_json` is a JSON array. `deadline` counts from the call's turn: it covers connecting,
  // sending again, and the whole answer. The callback may make calls and destroy the client.
  void call(std::string_view method, std::string params_json, std::chrono::milliseconds deadline,
            OnAnswer on_answer);
  // The next answer is received in the memory of this one, which nobody needs any more: fresh pages
  // cost more than the bytes that go there.
  void reuse(RpcResult&& done);
  // Drops the connection; every open call gets `cancelled`, in order and before this returns.
  void cancel_all();
  const RpcEndpoint& endpoint() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace rpc
