#include "pool/node/node_check.h"

#include "common/mining/block_template.h"
#include "common/rpc/rpc_client.h"
#include "common/uv/clock.h"
#include "common/uv/loop.h"
#include "pool/node/node_answers.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace pool {

namespace {

// RPC calls made one after another, each waited for.
class Asker {
 public:
  Asker(rpc::RpcEndpoint endpoint, std::chrono::milliseconds deadline)
      : client_(loop_, std::move(endpoint)), until_(uv::read_clock().mono + deadline) {}

  rpc::RpcClient::Answer ask(std::string_view method, std::string params) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until_ - uv::read_clock().mono);
    std::optional<rpc::RpcClient::Answer> answer;
    client_.call(method, std::move(params), std::max(left, std::chrono::milliseconds{1}),
                 [&](rpc::RpcClient::Answer said) {
                   answer = std::move(said);
                   loop_.stop();
                 });
    while (!answer) loop_.run();
    return std::move(*answer);
  }
  const rpc::RpcEndpoint& endpoint() const { return client_.endpoint(); }

 private:
  uv::Loop loop_;
  rpc::RpcClient client_;
  const base::MonoTime until_;
};

base::Result<void, std::string> check_template(Asker& asker, const std::string& node,
                                               NodeCheck& found) {
  const auto answer = asker.ask("getblocktemplate", R"([{"rules":["segwit"]}])");
  if (!answer) return base::err(describe_failure(answer.error(), asker.endpoint()));
  const auto parsed = mining::parse_block_template(*answer);
  if (!parsed) {
    return base::err(fmt::format("node {} gave a template that can't be used: {}: {}", node,
                                 parsed.error().field, parsed.error().why));
  }
  found.network_difficulty = parsed->network_target.difficulty();
  found.template_transactions = parsed->txids.size();
  found.coinbase_value = parsed->coinbase_value;
  return {};
}

}  // namespace

base::Result<NodeCheck, std::string> check_node(const NodeConfig& config, bitcoin::Network network,
                                                std::chrono::milliseconds deadline) {
  auto endpoint = rpc::parse_rpc_url(config.rpc);
  if (!endpoint) return base::err(endpoint.error());
  endpoint->user = config.user;
  endpoint->password = config.password;
  endpoint->cookie_file = config.cookie_file;
  const std::string node = fmt::format("{}:{}", endpoint->host, endpoint->port);
  Asker asker(*endpoint, deadline);

  const auto answer = asker.ask("getblockchaininfo", "[]");
  if (!answer) return base::err(describe_failure(answer.error(), *endpoint));
  const auto info = parse_chain_info(*answer);
  if (!info) return base::err(fmt::format("node {}: {}", node, info.error()));
  if (const std::string objection = chain_objection(*info, network); !objection.empty()) {
    return base::err(fmt::format("node {} {}", node, objection));
  }
  NodeCheck found;
  found.chain = info->chain;
  found.height = info->height;
  found.tip = info->tip;
  found.initial_download = info->initial_download;
  if (const auto network_info = asker.ask("getnetworkinfo", "[]")) {
    found.subversion = parse_subversion(*network_info);
  }
  if (auto usable = check_template(asker, node, found); !usable) return base::err(usable.error());
  return found;
}

}  // namespace pool
