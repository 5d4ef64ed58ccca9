// What several pools have counted, as one. Thread: pure functions.
#pragma once

#include "miner/coherence_client.h"
#include "miner/miner_client.h"

namespace miner {

void add(ClientCounters& sum, const ClientCounters& more);
void add(CoherenceCounters& sum, const CoherenceCounters& more);

}  // namespace miner
