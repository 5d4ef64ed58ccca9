#include "pool/node/node_asker.h"

#include "common/uv/clock.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace pool {

NodeAsker::NodeAsker(rpc::RpcEndpoint endpoint, std::chrono::milliseconds deadline)
    : client_(loop_, std::move(endpoint)), until_(uv::read_clock().mono + deadline) {}

rpc::RpcClient::Answer NodeAsker::ask(std::string_view method, std::string params_json) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(until_ - uv::read_clock().mono);
  std::optional<rpc::RpcClient::Answer> answer;
  client_.call(method, std::move(params_json), std::max(left, std::chrono::milliseconds{1}),
               [&](rpc::RpcClient::Answer said) {
                 answer = std::move(said);
                 loop_.stop();
               });
  while (!answer) loop_.run();
  return std::move(*answer);
}

std::string NodeAsker::name() const {
  return fmt::format("{}:{}", endpoint().host, endpoint().port);
}

}  // namespace pool
