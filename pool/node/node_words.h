// What the pool says of a node to its operator: what is wrong, and what to do.
//
// Thread: pure functions.
#pragma once

#include "common/bitcoin/address.h"
#include "common/node/answers.h"
#include "common/rpc/rpc_client.h"

#include <string>

namespace pool {

// Why a node of this chain can't be mined on, with the remedy; empty: it can. On regtest, and on a
// signet of which it has all the blocks that it has heard of, a node that says it is in initial
// download is mined on all the same: such a chain leaves that state by its next block.
std::string chain_objection(const node::ChainInfo& info, bitcoin::Network network);

// A failed call, for the operator: what happened, where, and what to do.
std::string describe_failure(const rpc::RpcError& error, const rpc::RpcEndpoint& endpoint);

}  // namespace pool
