#include "pool/node/node_words.h"

#include "common/mining/template_network.h"

#include <string_view>

#include <fmt/format.h>

namespace pool {

std::string chain_objection(const node::ChainInfo& info, bitcoin::Network network) {
  const std::string_view wanted = bitcoin::network_name(network);
  bitcoin::Network found{};
  if (!bitcoin::network_from_name(info.chain, found) || found != network) {
    return fmt::format(
        "is on chain \"{}\", but the config's network is \"{}\": change \"network\", or point "
        "\"rpc\" at a {} node",
        info.chain, wanted, wanted);
  }
  if (network == bitcoin::Network::signet && !info.signet_challenge.empty()) {
    const auto challenge = base::from_hex(info.signet_challenge);
    if (!challenge || !mining::needs_no_solution(*challenge)) {
      return fmt::format("is on a signet whose challenge {}", mining::unminable_signet);
    }
  }
  const bool may_be_fresh = network == bitcoin::Network::regtest ||
                            (network == bitcoin::Network::signet && info.height == info.headers);
  if (info.initial_download && !may_be_fresh) {
    return fmt::format(
        "is still in initial block download (height {}, {:.1f} % verified): wait until it has "
        "caught up",
        info.height, info.verification_progress * 100);
  }
  return {};
}

std::string describe_failure(const rpc::RpcError& error, const rpc::RpcEndpoint& endpoint) {
  return node::describe_failure(
      error, {.unauthorized = endpoint.user.empty()
                                  ? "check \"cookie_file\", or set \"user\" and \"password\""
                                  : "compare \"user\" and \"password\" with the node's",
              .cookie = "is bitcoind running, and may this user read the file?",
              .bad_answer = "is \"rpc\" the node's RPC port?"});
}

}  // namespace pool
