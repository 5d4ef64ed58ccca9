// What is known of kinds of miners, by the beginning of the user agent they subscribe with: how
// large a coinbase they can hash, which difficulty suits them at first, and what they can't do.
//
// Two tables, both editable by configuration: a rule names a tier, a tier bounds the coinbase. The
// longest prefix that fits counts, upper and lower case alike; of two equal ones the first. What
// nothing else fits has the rule with the empty prefix.
//
// Units:  bytes_max is the whole coinbase in its legacy serialisation, as the miner assembles it.
// Source: stratum practice (docs/stratum.md); figures for closed firmware are other pools' reports.
// Thread: pure functions.
#pragma once

#include "common/bitcoin/target.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

struct CoinbaseTier {
  std::string name;
  std::size_t bytes_max = 0;
};

struct UserAgentRule {
  std::string prefix;
  std::string coinbase = "default";  // a tier's name
  std::optional<bitcoin::Difficulty> start;
  std::optional<bitcoin::Difficulty> min;  // bounded by the network's, which may be lower
  std::optional<bitcoin::Difficulty> max;
  // Wants its difficulty right after the answer to subscribe, before authorize.
  bool difficulty_at_subscribe = false;
};

std::vector<CoinbaseTier> default_coinbase_tiers();  // by rising bytes_max
// The last one is for every other miner: its prefix is empty.
std::vector<UserAgentRule> default_user_agent_rules();

// REQUIRES: a rule with an empty prefix is among them.
const UserAgentRule& find_user_agent_rule(std::span<const UserAgentRule> rules,
                                          std::string_view user_agent);

}  // namespace pool
