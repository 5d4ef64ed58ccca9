#include "pool/tools/stratum_settings.h"

#include <algorithm>
#include <string>
#include <utility>

namespace pool {
namespace {

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace

AddressLimits address_limits(const AddressLimitsConfig& config, std::uint32_t shards) {
  AddressLimits limits;
  limits.connections_per_address = config.connections_per_address;
  limits.handshakes_per_address = config.handshakes_per_address;
  limits.connects_per_minute_per_address = config.connects_per_minute_per_address;
  limits.lines_per_second = config.lines_per_second;
  limits.lines_per_second_per_address = config.lines_per_second_per_address;
  limits.ban_time = std::chrono::seconds(config.ban_seconds);
  limits.shards = shards;
  return limits;
}

DifficultyPolicy difficulty_policy(const DifficultyConfig& usual, const ListenConfig& port) {
  DifficultyPolicy policy;
  policy.start = port.difficulty_start.value_or(usual.start);
  policy.min = port.difficulty_min.value_or(usual.min);
  policy.max = port.difficulty_max ? port.difficulty_max : usual.max;
  policy.vardiff = usual.vardiff;
  policy.shares_per_minute = usual.shares_per_minute;
  policy.power_of_two = usual.power_of_two;
  return policy;
}

std::vector<UserAgentRule> user_agent_rules(const StratumConfig& config) {
  std::vector<UserAgentRule> rules = default_user_agent_rules();
  for (const UserAgentConfig& own : config.user_agents) {
    UserAgentRule rule;
    rule.prefix = own.prefix;
    rule.coinbase = own.coinbase;
    rule.start = own.start;
    rule.min = own.min;
    rule.max = own.max;
    rule.difficulty_at_subscribe = own.early_difficulty;
    const auto same = std::find_if(rules.begin(), rules.end(), [&](const UserAgentRule& other) {
      return lower_case(other.prefix) == lower_case(rule.prefix);
    });
    if (same != rules.end()) rules.erase(same);
    rules.insert(rules.begin(), std::move(rule));  // the last one stays the one for everybody
  }
  return rules;
}

std::vector<CoinbaseTier> coinbase_tiers(const StratumConfig& config) {
  std::vector<CoinbaseTier> tiers = default_coinbase_tiers();
  for (const CoinbaseTierConfig& own : config.coinbase_tiers) {
    const auto same = std::find_if(tiers.begin(), tiers.end(),
                                   [&](const CoinbaseTier& tier) { return tier.name == own.name; });
    if (same != tiers.end()) {
      same->bytes_max = own.bytes_max;
    } else {
      tiers.push_back({own.name, own.bytes_max});
    }
  }
  return tiers;
}

coherence::ChainRules configured_rules(const CoherenceConfig& config) {
  coherence::ChainRules rules;
  rules.block_seconds = config.block_seconds;
  rules.retarget_blocks = config.retarget_blocks;
  rules.initial_bits = config.initial_bits;
  return rules;
}

JobSourceOptions job_source_options(const Config& config) {
  JobSourceOptions options;
  options.payout_script = config.payout_address.script_pubkey;
  options.coinbase_tag = config.coinbase_tag;
  for (const CoinbaseOutputConfig& output : config.coinbase_outputs) {
    options.outputs.push_back({output.address.script_pubkey, output.ppm});
  }
  for (const CoinbaseTier& tier : coinbase_tiers(config.stratum)) {
    options.tier_bytes_max.push_back(tier.bytes_max);
  }
  options.network = config.network;
  options.empty_first = config.templates.empty_first;
  options.refresh = std::chrono::seconds(config.templates.refresh_seconds);
  options.fee_check = std::chrono::seconds(config.templates.fee_check_seconds);
  options.fee_rise_ppm = config.templates.fee_rise_percent * 10'000;
  options.keepalive = std::chrono::seconds(config.stratum.keepalive_seconds);
  options.version_mask = config.stratum.version_mask;
  return options;
}

}  // namespace pool
