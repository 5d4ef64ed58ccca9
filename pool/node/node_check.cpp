#include "pool/node/node_check.h"

#include "common/node/answers.h"
#include "common/uv/clock.h"
#include "pool/node/node_words.h"

#include <memory>
#include <utility>

#include <fmt/format.h>

namespace pool {

namespace {

base::Result<void, std::string> check_template(NodeAsker& asker, bitcoin::Network network,
                                               NodeCheck& found) {
  found.template_asked = uv::read_clock();
  auto answer = asker.ask("getblocktemplate", node::template_params(network));
  found.template_came = uv::read_clock();
  if (!answer) return base::err(describe_failure(answer.error(), asker.endpoint()));
  auto parsed = node::read_template(*answer, network);
  if (!parsed) return base::err(fmt::format("node {} {}", asker.name(), parsed.error()));
  found.network_difficulty = parsed->network_target.difficulty();
  found.template_transactions = parsed->txids.size();
  found.coinbase_value = parsed->coinbase_value;
  found.block_template = std::make_shared<const mining::BlockTemplate>(std::move(*parsed));
  return {};
}

}  // namespace

base::Result<rpc::RpcEndpoint, std::string> endpoint_of(const NodeConfig& config) {
  auto endpoint = rpc::parse_rpc_url(config.rpc);
  if (!endpoint) return endpoint;
  endpoint->user = config.user;
  endpoint->password = config.password;
  endpoint->cookie_file = config.cookie_file;
  return endpoint;
}

base::Result<NodeCheck, std::string> check_node(const NodeConfig& config, bitcoin::Network network,
                                                std::chrono::milliseconds deadline) {
  auto endpoint = endpoint_of(config);
  if (!endpoint) return base::err(endpoint.error());
  NodeAsker asker(std::move(*endpoint), deadline);
  return check_node(asker, network);
}

base::Result<NodeCheck, std::string> check_node(NodeAsker& asker, bitcoin::Network network) {
  const std::string node = asker.name();
  const auto answer = asker.ask("getblockchaininfo", "[]");
  if (!answer) return base::err(describe_failure(answer.error(), asker.endpoint()));
  const auto info = node::parse_chain_info(*answer);
  if (!info) return base::err(fmt::format("node {}: {}", node, info.error()));
  if (const std::string objection = chain_objection(*info, network); !objection.empty()) {
    return base::err(fmt::format("node {} {}", node, objection));
  }
  NodeCheck found;
  found.chain = info->chain;
  found.height = info->height;
  found.tip = info->tip;
  found.initial_download = info->initial_download;
  found.headers = info->headers;
  if (const auto network_info = asker.ask("getnetworkinfo", "[]")) {
    found.subversion = node::parse_subversion(*network_info);
  }
  if (auto usable = check_template(asker, network, found); !usable)
    return base::err(usable.error());
  return found;
}

}  // namespace pool
