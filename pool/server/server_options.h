// What the configuration says, in the words of each loop. What only the running pool knows
// (indices, random numbers, what the machine allows) is left at its default.
//
// REQUIRES: the configuration was read by read_config(), which checks it.
// Thread: pure functions.
#pragma once

#include "pool/config/config.h"
#include "pool/http/http_loop.h"
#include "pool/journal/journal_loop.h"
#include "pool/net/shard_loop.h"
#include "pool/node/node_loop.h"
#include "pool/store/store_loop.h"
#include "pool/store/upkeep_loop.h"

#include <cstdint>

namespace pool {

JournalLoop::Options journal_options(const Config& config);
// Without TLS, the admin listener and the version.
HttpLoop::Options http_options(const Config& config);
// One of `shards`.
ShardOptions shard_options(const Config& config, std::uint32_t shards);
ShardLoop::Endpoint endpoint_of(const ListenConfig& listen);
NodeLoop::Options node_options(const Config& config);
// Without the journal's id.
StoreLoop::Options store_options(const Config& config);
UpkeepLoop::Options upkeep_options(const Config& config);

}  // namespace pool
