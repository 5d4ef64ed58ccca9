// check_node: one node, looked at once, before any thread starts. `phasepool run` refuses to start
// on what it finds, `phasepool check` shows it.
//
// Errors: one line for the operator: what, where, and what to do.
// Thread: the caller's, which it blocks for at most `deadline`.
#pragma once

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/bitcoin/address.h"
#include "common/bitcoin/hash.h"
#include "common/bitcoin/sats.h"
#include "common/mining/block_template.h"
#include "common/rpc/rpc_client.h"
#include "pool/config/config.h"
#include "pool/node/node_asker.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace pool {

struct NodeCheck {
  std::string chain;
  std::string subversion;  // empty when the node does not tell
  std::uint32_t height = 0;
  bitcoin::BlockHash tip;
  bool initial_download = false;  // only on regtest, where it does not matter
  std::uint32_t headers = 0;      // the height that it knows the headers of
  // Of the template that it gave.
  double network_difficulty = 0;
  std::uint64_t template_transactions = 0;
  bitcoin::Sats coinbase_value;
  std::shared_ptr<const mining::BlockTemplate> block_template;
  // Our clock when it was asked for, and when it was there.
  base::Instant template_asked;
  base::Instant template_came;
};

[[nodiscard]] base::Result<NodeCheck, std::string> check_node(const NodeConfig& config,
                                                              bitcoin::Network network,
                                                              std::chrono::milliseconds deadline);
// The same with questions of one's own before or after it.
[[nodiscard]] base::Result<NodeCheck, std::string> check_node(NodeAsker& asker,
                                                              bitcoin::Network network);
// Where and how the config says that the node is to be asked.
[[nodiscard]] base::Result<rpc::RpcEndpoint, std::string> endpoint_of(const NodeConfig& config);

}  // namespace pool
