// /metrics: the pool's figures as Prometheus reads them. What each means: docs/metrics.md.
//
// The number of series is fixed by the configuration: by node, thread, reason, never by miner or
// address, of which anybody can bring more. Nodes go by their place in the configuration.
//
// Units:  base units, as the names say.
// Thread: pure.
#pragma once

#include "pool/http/process_facts.h"
#include "pool/http/snapshot.h"

#include <string>
#include <string_view>

namespace pool {

// As the format's specification has it.
inline constexpr std::string_view metrics_type = "text/plain; version=0.0.4; charset=utf-8";

std::string metrics_page(const PoolSnapshot& snapshot, const ProcessFacts& process);

}  // namespace pool
