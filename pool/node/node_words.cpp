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

// A failed call's message names the endpoint and the method; what is added here is what to do.
std::string describe_failure(const rpc::RpcError& error, const rpc::RpcEndpoint& endpoint) {
  const auto with = [&](std::string_view remedy) {
    return fmt::format("node {}{}{}", error.message, remedy.empty() ? "" : ": ", remedy);
  };
  using Kind = rpc::RpcError::Kind;
  switch (error.kind) {
    case Kind::unreachable:
      return with("is bitcoind running there with server=1?");
    case Kind::timeout:
      return with("is the node overloaded, or is another program on that port?");
    case Kind::unauthorized:
      return with(endpoint.user.empty() ? "check \"cookie_file\", or set \"user\" and \"password\""
                                        : "compare \"user\" and \"password\" with the node's");
    case Kind::cookie:
      return with("is bitcoind running, and may this user read the file?");
    case Kind::bad_answer:
      return with("is \"rpc\" the node's RPC port?");
    case Kind::cancelled:
      return with({});
    case Kind::node_error:
      break;
  }
  switch (error.code) {
    case node::rpc_in_warmup:
      return with("the node is starting up, wait a moment");
    case node::rpc_client_not_connected:
      return with("the node has no peers: wait, or check its network");
    case node::rpc_client_in_initial_download:
      return with("wait until the node has caught up");
    case node::rpc_method_not_found:
      return with("Bitcoin Core 25 or newer is expected");
    default:
      return with({});
  }
}

}  // namespace pool
