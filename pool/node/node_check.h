// check_node: one node, looked at once, before any thread starts. `phasepool run` refuses to start
// on what it finds, `phasepool check` shows it.
//
// Errors: one line for the operator: what, where, and what to do.
// Thread: the caller's, which it blocks for at most `deadline`.
#pragma once

#include "common/base/result.h"
#include "common/bitcoin/address.h"
#include "common/bitcoin/hash.h"
#include "common/bitcoin/sats.h"
#include "pool/config/config.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace pool {

struct NodeCheck {
  std::string chain;
  std::string subversion;  // empty when the node does not tell
  std::uint32_t height = 0;
  bitcoin::BlockHash tip;
  bool initial_download = false;  // only on regtest, where it does not matter
  // Of the template that it gave.
  double network_difficulty = 0;
  std::uint64_t template_transactions = 0;
  bitcoin::Sats coinbase_value;
};

[[nodiscard]] base::Result<NodeCheck, std::string> check_node(const NodeConfig& config,
                                                              bitcoin::Network network,
                                                              std::chrono::milliseconds deadline);

}  // namespace pool
