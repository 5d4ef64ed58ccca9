// The difficulty settings of a configuration: of the pool, of each port, of each kind of miner;
// each read, and held together. Thread: pure functions.
#pragma once

#include "pool/config/config.h"
#include "pool/config/config_document.h"

namespace pool {

// Fills in stratum.difficulty's start, min and max, and each listener's own.
[[nodiscard]] base::Result<void, ConfigError> check_difficulty(const ConfigDocument& document,
                                                               StratumConfig& stratum);
// Fills in the difficulties of stratum.user_agents, and checks that their coinbase tiers exist.
[[nodiscard]] base::Result<void, ConfigError> check_user_agents(const ConfigDocument& document,
                                                                StratumConfig& stratum);

}  // namespace pool
