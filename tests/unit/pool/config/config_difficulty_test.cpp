#include "pool/config/config_difficulty.h"

#include <doctest/doctest.h>

#include <string>

namespace {

base::Result<pool::Config, pool::ConfigError> parse(const std::string& members) {
  const std::string json =
      "{ \"payout_address\": \"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4\",\n" + members + "\n}";
  return pool::parse_config(json, "pool.json", [](const std::string&) { return std::nullopt; });
}

std::string error_of(const std::string& members) {
  const auto config = parse(members);
  return config ? "(no error)" : config.error().why;
}

}  // namespace

TEST_CASE("a port and a kind of miner have difficulties of their own") {
  const auto config = parse(R"("stratum": {
    "difficulty": {"start": 64, "min": 8, "max": 4096, "power_of_two": false},
    "listen": [{"port": 3333}, {"port": 3334, "difficulty": {"start": 1e5, "min": 5e4, "max": 1e6}}],
    "coinbase_tiers": [{"name": "mine", "bytes_max": 300}],
    "user_agents": [{"prefix": "MyRig/", "coinbase": "mine", "start": 0.5, "min": 0.25, "max": 2,
                     "early_difficulty": true}, {"prefix": "Other"}]})");
  REQUIRE(config.has_value());
  const pool::StratumConfig& stratum = config->stratum;
  CHECK_FALSE(stratum.difficulty.power_of_two);
  CHECK_FALSE(stratum.listen[0].difficulty_start);
  CHECK_EQ(stratum.listen[1].difficulty_start->value(), 1e5);
  CHECK_EQ(stratum.listen[1].difficulty_min->value(), 5e4);
  CHECK_EQ(stratum.listen[1].difficulty_max->value(), 1e6);
  REQUIRE_EQ(stratum.user_agents.size(), 2);
  CHECK_EQ(stratum.user_agents[0].prefix, "MyRig/");
  CHECK_EQ(stratum.user_agents[0].coinbase, "mine");
  CHECK_EQ(stratum.user_agents[0].start->value(), 0.5);
  CHECK_EQ(stratum.user_agents[0].min->value(), 0.25);
  CHECK_EQ(stratum.user_agents[0].max->value(), 2);
  CHECK(stratum.user_agents[0].early_difficulty);
  CHECK_EQ(stratum.user_agents[1].coinbase, "default");
  CHECK_FALSE(stratum.user_agents[1].start);
  REQUIRE_EQ(stratum.coinbase_tiers.size(), 1);
  CHECK_EQ(stratum.coinbase_tiers[0].bytes_max, 300);
}

TEST_CASE("every built-in coinbase tier has a name that a miner's entry can use") {
  for (const std::string tier :
       {"tiny", "nicehash", "antminer", "default", "large", "huge", "vast"}) {
    CAPTURE(tier);
    CHECK_EQ(
        error_of(R"("stratum": {"user_agents": [{"prefix": "x", "coinbase": ")" + tier + R"("}]})"),
        "(no error)");
  }
}

TEST_CASE("difficulties that do not fit each other are refused where they stand") {
  struct Row {
    const char* why;
    const char* members;
    const char* error;
  };
  const Row rows[] = {
      {"a port's ceiling below the pool's floor",
       R"("stratum": {"listen": [{"difficulty": {"max": 0.0001}}]})",
       "pool.json:2: stratum.listen[0].difficulty.max: 0.0001 is below min, 0.001"},
      {"a port's floor above the pool's start",
       R"("stratum": {"listen": [{"difficulty": {"min": 5000}}]})",
       "pool.json:2: stratum.listen[0].difficulty.start: 1024 is below min, 5000"},
      {"a port's start above the pool's ceiling",
       R"("stratum": {"difficulty": {"max": 2048}, "listen": [{"difficulty": {"start": 4096}}]})",
       "pool.json:2: stratum.listen[0].difficulty.start: 4096 is above max, 2048"},
      {"too small to be a difficulty", R"("stratum": {"listen": [{"difficulty": {"min": 1e-30}}]})",
       "pool.json:2: stratum.listen[0].difficulty.min: 1e-30 is not a difficulty (expected 0, or a "
       "number from 2.3283064365386963e-10 (2^-32) to 2^63)"},
      {"a miner's ceiling below its floor",
       R"("stratum": {"user_agents": [{"prefix": "x", "min": 2, "max": 1}]})",
       "pool.json:2: stratum.user_agents[0].max: 1 is below min, 2"},
      {"a tier that nobody made",
       R"("stratum": {"user_agents": [{"prefix": "x", "coinbase": "smal"}]})",
       "pool.json:2: stratum.user_agents[0].coinbase: \"smal\" is no coinbase tier (expected tiny, "
       "nicehash, antminer, default, large, huge, vast, or one of stratum.coinbase_tiers)"},
      {"more than the reward",
       R"("coinbase_outputs": [{"address": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "ppm": 600000},
 {"address": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "ppm": 400001}])",
       "pool.json:3: coinbase_outputs[1].ppm: the outputs up to this one take 1000001 ppm, more "
       "than the whole reward (1000000)"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK_EQ(error_of(row.members), row.error);
  }
}
