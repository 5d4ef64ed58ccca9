#include "pool/config/config_coherence.h"

#include <doctest/doctest.h>

#include <string>

namespace {

base::Result<pool::Config, pool::ConfigError> parse(const std::string& network,
                                                    const std::string& members) {
  const std::string address = network == "regtest"  ? "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
                              : network == "signet" ? "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"
                                                    : "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
  const std::string json = "{ \"network\": \"" + network + "\", \"payout_address\": \"" + address +
                           "\",\n" + members + "\n}";
  return pool::parse_config(json, "pool.json", [](const std::string&) { return std::nullopt; });
}

std::string error_of(const std::string& network, const std::string& members) {
  const auto config = parse(network, members);
  return config ? "(no error)" : config.error().why;
}

}  // namespace

TEST_CASE("every coherence setting reaches its member") {
  const auto config = parse("mainnet", R"("coherence": { "initial_bits": "1D00ffff",
    "verify_threads": 3, "start_difficulty": 4096.5, "min_difficulty": 513,
    "shares_per_minute": 0.5 })");
  REQUIRE(config);
  CHECK_EQ(config->coherence.initial_bits, 0x1d00ffff);
  CHECK_EQ(config->coherence.verify_threads, 3);
  CHECK_EQ(config->coherence.start_difficulty, 4096.5);
  CHECK_EQ(config->coherence.min_difficulty, 513);
  CHECK_EQ(config->coherence.shares_per_minute, 0.5);
}

TEST_CASE("a minimum above the usual start raises it, unless a start was given") {
  const auto config = parse("mainnet", R"("coherence": { "min_difficulty": 100000 })");
  REQUIRE(config);
  CHECK_EQ(config->coherence.start_difficulty, 100000);
  CHECK_EQ(
      error_of("mainnet", R"("coherence": { "min_difficulty": 1000, "start_difficulty": 999 })"),
      "pool.json:2: coherence.start_difficulty: 999 is less than min_difficulty");
}

TEST_CASE("what the coherence settings may not be") {
  struct Row {
    const char* why;
    const char* network;
    std::string members;
    std::string error;
  };
  const std::string tag_55 = "\"coinbase_tag\": \"" + std::string(55, 'x') + "\"";
  const std::string tag_56 = "\"coinbase_tag\": \"" + std::string(56, 'x') + "\"";
  const std::string bits_expected =
      "is not a compact target (expected 8 hex digits of a target, such as \"1e080000\")";
  const Row rows[] = {
      {"as verifying is cheap enough", "mainnet", R"("coherence": { "min_difficulty": 512 })",
       "(no error)"},
      {"easier", "mainnet", R"("coherence": { "min_difficulty": 511.5 })",
       "pool.json:2: coherence.min_difficulty: 511.5 is less than 512, which only regtest allows"},
      {"easier, on a test network", "signet", R"("coherence": { "min_difficulty": 1 })",
       "pool.json:2: coherence.min_difficulty: 1 is less than 512, which only regtest allows"},
      {"for tests", "regtest", R"("coherence": { "min_difficulty": 1 })", "(no error)"},
      {"not hex", "mainnet", R"("coherence": { "initial_bits": "1e08000g" })",
       "pool.json:2: coherence.initial_bits: \"1e08000g\" " + bits_expected},
      {"negative", "mainnet", R"("coherence": { "initial_bits": "1e800001" })",
       "pool.json:2: coherence.initial_bits: \"1e800001\" " + bits_expected},
      {"zero", "mainnet", R"("coherence": { "initial_bits": "00000000" })",
       "pool.json:2: coherence.initial_bits: \"00000000\" " + bits_expected},
      {"too large", "mainnet", R"("coherence": { "initial_bits": "ff7fffff" })",
       "pool.json:2: coherence.initial_bits: \"ff7fffff\" " + bits_expected},
      {"not in its shortest form", "mainnet", R"("coherence": { "initial_bits": "1e00080f" })",
       "pool.json:2: coherence.initial_bits: \"1e00080f\" " + bits_expected},
      {"the longest tag beside the tip", "mainnet", tag_55, "(no error)"},
      {"a longer tag", "mainnet", tag_56,
       "pool.json:2: coinbase_tag: 56 characters leave no room for the proof chain's tip: at most "
       "55, or coherence.enabled false"},
      {"a longer tag without coherence work", "mainnet",
       tag_56 + R"(, "coherence": { "enabled": false })", "(no error)"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK_EQ(error_of(row.network, row.members), row.error);
  }
}
