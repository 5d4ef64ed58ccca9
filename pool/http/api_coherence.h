// /api/v1/coherence, and what /api/v1/pool says of coherence work.
//
// Hashes of this work are hex of the bytes as headers hold them, Bitcoin's in display order. Work
// is whole rounds, as decimal text: it outgrows JSON's numbers. Thread: pure functions.
#pragma once

#include "pool/http/snapshot.h"

#include <optional>
#include <string>
#include <string_view>

namespace pool {

class Members;

// GET /api/v1/coherence
std::string coherence_json(const PoolSnapshot& snapshot);
// The members of "coherence" in GET /api/v1/pool.
void write_coherence_summary(Members& json, const PoolSnapshot& snapshot);

// The query thread's answer (pool/messages.h, StatsQuery): the chain's newest blocks as the API
// shows them, checked and written anew. nullopt: not of that form.
std::optional<std::string> parse_chain_blocks(std::string_view json);

}  // namespace pool
