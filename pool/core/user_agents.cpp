#include "pool/core/user_agents.h"

#include "common/base/assert.h"

#include <algorithm>

namespace pool {
namespace {

struct Row {
  const char* prefix;
  const char* tier;
  double start;  // 0: the port's
  double min;    // 0: the port's
  bool early = false;
};

// Starts are for about a share in ten seconds; vardiff does the rest.
constexpr Row rows[] = {
    // ESP32 and the like, tens to hundreds of kH/s. A coinbase over 255 bytes is cut off silently,
    // which spoils every share.
    {"NerdMiner", "tiny", 1.0 / 2048, 0},
    {"NMMiner", "tiny", 1.0 / 2048, 0},
    {"SparkMiner", "tiny", 1.0 / 2048, 0},
    {"ESP32", "tiny", 1.0 / 2048, 0},
    // Whole rented farms behind one connection; an order is dropped if the first difficulty is low.
    {"NiceHash", "nicehash", 524288, 524288, true},
    // Stock firmware. Only the plain S21 is known to take more than its forerunners.
    {"Antminer", "antminer", 65536, 0},
    {"Antminer S9", "antminer", 16384, 0},
    {"Antminer S21/", "large", 65536, 0},
    {"bosminer", "large", 65536, 0},
    {"whatsminer", "huge", 65536, 0},
    {"xminer", "vast", 65536, 0},
    {"PowerPlay", "vast", 65536, 0},
    {"LUXminer", "antminer", 65536, 0},
    {"bmminer", "antminer", 16384, 0},
    // Single chips to a handful. Took 6500 bytes in tests, but new firmware is reported to cut
    // parts of the coinbase, so they are kept to what the oldest Antminers take.
    {"bitaxe", "default", 1024, 0},
    {"ESP-Miner", "default", 1024, 0},
    {"mujina", "default", 1024, 0},
    // Reads difficulties as uint32: 0.5 would be 0.
    {"NerdAxe", "default", 512, 1},
    {"NerdQAxe", "default", 2048, 1},
    {"NerdOCTAXE", "default", 8192, 1},
    {"NerdEKO", "default", 2048, 1},
    // USB sticks, Avalons and S9s all call themselves cgminer.
    {"cgminer", "default", 1024, 0},
    {"Avalon", "default", 4096, 0},
    {"bfgminer", "default", 64, 0},
    {"sgminer", "default", 1, 0},
    // Processors, some MH/s to some hundred.
    {"cpuminer", "default", 1.0 / 32, 0},
    {"ccminer", "default", 1, 0},
    {"phaseminer", "default", 1.0 / 32, 0},
    {"", "default", 0, 0},
};

std::optional<bitcoin::Difficulty> difficulty(double value) {
  if (value == 0) return std::nullopt;
  return *bitcoin::Difficulty::from_double(value);
}

bool begins_with(std::string_view text, std::string_view prefix) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return text.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), text.begin(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace

std::vector<CoinbaseTier> default_coinbase_tiers() {
  return {{"tiny", 255},   {"nicehash", 500}, {"antminer", 755}, {"default", 755},
          {"large", 2250}, {"huge", 6500},    {"vast", 16'000}};
}

std::vector<UserAgentRule> default_user_agent_rules() {
  std::vector<UserAgentRule> rules;
  for (const Row& row : rows) {
    rules.push_back({row.prefix, row.tier, difficulty(row.start), difficulty(row.min), std::nullopt,
                     row.early});
  }
  return rules;
}

const UserAgentRule& find_user_agent_rule(std::span<const UserAgentRule> rules,
                                          std::string_view user_agent) {
  const UserAgentRule* found = nullptr;
  for (const UserAgentRule& rule : rules) {
    if (!begins_with(user_agent, rule.prefix)) continue;
    if (found == nullptr || rule.prefix.size() > found->prefix.size()) found = &rule;
  }
  ASSERT(found != nullptr);
  return *found;
}

}  // namespace pool
