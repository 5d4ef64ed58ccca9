#include "pool/config/config_difficulty.h"

#include <rapidjson/pointer.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

namespace pool {
namespace {

using Checked = base::Result<void, ConfigError>;

const rapidjson::Value* at(const ConfigDocument& document, const std::string& pointer) {
  return rapidjson::Pointer(pointer.data(), pointer.size()).Get(document.json());
}

constexpr std::string_view builtin_tiers[] = {"tiny",  "nicehash", "antminer", "default",
                                              "large", "huge",     "vast"};

// 0 and a missing key both mean: nothing of its own.
Checked read_difficulty(const ConfigDocument& document, const std::string& pointer,
                        std::optional<bitcoin::Difficulty>& out) {
  const rapidjson::Value* given = at(document, pointer);
  if (given == nullptr || given->GetDouble() == 0) return {};
  const auto difficulty = bitcoin::Difficulty::from_double(given->GetDouble());
  if (!difficulty) return base::err(document.complain_of_value(pointer));
  out = *difficulty;
  return {};
}

// start, min and max in force at one place of the configuration, and whether they fit each other.
Checked check_bounds(const ConfigDocument& document, const std::string& here,
                     bitcoin::Difficulty start, bitcoin::Difficulty min,
                     std::optional<bitcoin::Difficulty> max) {
  const auto complain = [&](const std::string& key, const std::string& why) {
    return base::err(document.complain(here + key, why));
  };
  if (max && *max < min) return complain("/max", max->text() + " is below min, " + min.text());
  if (max && *max < start)
    return complain("/start", start.text() + " is above max, " + max->text());
  if (start < min) return complain("/start", start.text() + " is below min, " + min.text());
  return {};
}

}  // namespace

Checked check_difficulty(const ConfigDocument& document, StratumConfig& stratum) {
  const std::string here = "/stratum/difficulty";
  DifficultyConfig& usual = stratum.difficulty;
  std::optional<bitcoin::Difficulty> start, min;
  if (auto ok = read_difficulty(document, here + "/start", start); !ok) return ok;
  if (auto ok = read_difficulty(document, here + "/min", min); !ok) return ok;
  if (auto ok = read_difficulty(document, here + "/max", usual.max); !ok) return ok;
  usual.start = start.value_or(*bitcoin::Difficulty::from_double(1024));
  usual.min = min.value_or(*bitcoin::Difficulty::from_double(0.001));
  if (auto ok = check_bounds(document, here, usual.start, usual.min, usual.max); !ok) return ok;
  for (std::size_t i = 0; i < stratum.listen.size(); ++i) {
    const std::string port = "/stratum/listen/" + std::to_string(i) + "/difficulty";
    ListenConfig& own = stratum.listen[i];
    if (auto ok = read_difficulty(document, port + "/start", own.difficulty_start); !ok) return ok;
    if (auto ok = read_difficulty(document, port + "/min", own.difficulty_min); !ok) return ok;
    if (auto ok = read_difficulty(document, port + "/max", own.difficulty_max); !ok) return ok;
    if (!own.difficulty_start && !own.difficulty_min && !own.difficulty_max) continue;
    const auto max = own.difficulty_max ? own.difficulty_max : usual.max;
    if (auto ok = check_bounds(document, port, own.difficulty_start.value_or(usual.start),
                               own.difficulty_min.value_or(usual.min), max);
        !ok) {
      return ok;
    }
  }
  return {};
}

Checked check_user_agents(const ConfigDocument& document, StratumConfig& stratum) {
  const auto is_tier = [&](const std::string& name) {
    return std::find(std::begin(builtin_tiers), std::end(builtin_tiers), name) !=
               std::end(builtin_tiers) ||
           std::any_of(stratum.coinbase_tiers.begin(), stratum.coinbase_tiers.end(),
                       [&](const CoinbaseTierConfig& tier) { return tier.name == name; });
  };
  for (std::size_t i = 0; i < stratum.user_agents.size(); ++i) {
    const std::string here = "/stratum/user_agents/" + std::to_string(i);
    UserAgentConfig& miner = stratum.user_agents[i];
    if (!is_tier(miner.coinbase)) {
      return base::err(document.complain(
          here + "/coinbase", "\"" + miner.coinbase +
                                  "\" is no coinbase tier (expected tiny, nicehash, antminer, "
                                  "default, large, huge, vast, or one of stratum.coinbase_tiers)"));
    }
    if (auto ok = read_difficulty(document, here + "/start", miner.start); !ok) return ok;
    if (auto ok = read_difficulty(document, here + "/min", miner.min); !ok) return ok;
    if (auto ok = read_difficulty(document, here + "/max", miner.max); !ok) return ok;
    if (miner.min && miner.max && *miner.max < *miner.min) {
      return base::err(document.complain(
          here + "/max", miner.max->text() + " is below min, " + miner.min->text()));
    }
  }
  return {};
}

}  // namespace pool
