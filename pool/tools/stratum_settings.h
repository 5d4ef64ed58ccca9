// What the configuration says of Stratum and of jobs, in the words of pool/core.
// Thread: pure functions.
#pragma once

#include "common/coherence/chain.h"
#include "pool/config/config.h"
#include "pool/core/address_guard.h"
#include "pool/core/difficulty_control.h"
#include "pool/core/job_source.h"
#include "pool/core/user_agents.h"

#include <cstdint>
#include <vector>

namespace pool {

AddressLimits address_limits(const AddressLimitsConfig& config, std::uint32_t shards);
// A port's own settings over the pool's.
DifficultyPolicy difficulty_policy(const DifficultyConfig& usual, const ListenConfig& port);
// The built-in tables, with the operator's entries over them: those with the same prefix, or the
// same name, are replaced.
std::vector<UserAgentRule> user_agent_rules(const StratumConfig& config);
std::vector<CoinbaseTier> coinbase_tiers(const StratumConfig& config);
// Of a proof chain that this pool begins, or is to match; without a start time.
coherence::ChainRules configured_rules(const CoherenceConfig& config);
// What jobs are made of. Ids begin at the default: whoever gives jobs to miners sets them.
JobSourceOptions job_source_options(const Config& config);

}  // namespace pool
