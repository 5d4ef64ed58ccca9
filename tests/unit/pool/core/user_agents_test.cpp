#include "pool/core/user_agents.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using pool::find_user_agent_rule;
using pool::UserAgentRule;

TEST_CASE("the built-in rules know the miners of the field") {
  const auto rules = pool::default_user_agent_rules();
  const auto tiers = pool::default_coinbase_tiers();
  const auto bytes_max = [&](const std::string& name) {
    const auto tier = std::find_if(tiers.begin(), tiers.end(),
                                   [&](const pool::CoinbaseTier& t) { return t.name == name; });
    REQUIRE(tier != tiers.end());
    return tier->bytes_max;
  };
  struct Row {
    const char* user_agent;
    std::size_t coinbase_bytes_max;
  };
  const Row rows[] = {
      {"NerdMinerV2/V1.8.3", 255},
      {"NiceHash/1.0.0", 500},
      {"Antminer S19 Pro/Tue Nov 2 2021", 755},
      {"Antminer S21/Thu Jan 1 2025", 2250},
      {"Antminer S21 Pro/Thu Jan 1 2025", 755},  // another firmware: not known to take more
      {"bosminer-plus-tuner 0.2.0", 2250},
      {"whatsminer/v1.0", 6500},
      {"bitaxe/BM1370/v2.9.0", 755},
      {"xminer-1.2.6", 16'000},
      {"PowerPlay-BM/1.0", 16'000},
      {"cgminer/4.11.1", 755},
      {"bmminer/2.0.0", 755},
      {"cpuminer/2.5.1", 755},
      {"cpuminer-opt-26.1-x64L", 755},
      {"nobody has heard of it", 755},
      {"", 755},
  };
  for (const Row& row : rows) {
    CAPTURE(row.user_agent);
    CHECK_EQ(bytes_max(find_user_agent_rule(rules, row.user_agent).coinbase),
             row.coinbase_bytes_max);
  }
}

TEST_CASE("the built-in rules say what a kind of miner can't do") {
  const auto rules = pool::default_user_agent_rules();
  const UserAgentRule& nicehash = find_user_agent_rule(rules, "NiceHash/1.0.0");
  CHECK(nicehash.difficulty_at_subscribe);
  CHECK_EQ(nicehash.start->value(), 524288);
  CHECK_EQ(nicehash.min->value(), 524288);
  // NerdQAxe reads a uint32: below 1 it would get 0.
  CHECK_EQ(find_user_agent_rule(rules, "NerdQAxe++/BM1370/v1.0.36").min->value(), 1);
  CHECK(find_user_agent_rule(rules, "NerdMinerV2/V1.8.3").start->value() < 0.001);
  const UserAgentRule& other = find_user_agent_rule(rules, "?");
  CHECK(other.prefix.empty());
  CHECK_FALSE(other.start);
  CHECK_FALSE(other.difficulty_at_subscribe);
}

TEST_CASE("the built-in tables hold together") {
  const auto rules = pool::default_user_agent_rules();
  std::set<std::string> tiers;
  std::size_t before = 0;
  for (const pool::CoinbaseTier& tier : pool::default_coinbase_tiers()) {
    CHECK(tiers.insert(tier.name).second);
    CHECK(tier.bytes_max >= before);
    before = tier.bytes_max;
  }
  std::set<std::string> prefixes;
  for (const UserAgentRule& rule : rules) {
    CAPTURE(rule.prefix);
    CHECK(tiers.contains(rule.coinbase));
    CHECK(prefixes.insert(rule.prefix).second);
    if (rule.start && rule.min) CHECK(*rule.min <= *rule.start);
  }
  CHECK(rules.back().prefix.empty());
}

TEST_CASE("the longest prefix wins, whatever its case, and the first of equals") {
  std::vector<UserAgentRule> rules(5);
  rules[0].prefix = "abc";
  rules[1].prefix = "AB";
  rules[2].prefix = "ABC";
  rules[3].prefix = "abcde";
  CHECK_EQ(&find_user_agent_rule(rules, "aBcX"), &rules[0]);
  CHECK_EQ(&find_user_agent_rule(rules, "abX"), &rules[1]);
  CHECK_EQ(&find_user_agent_rule(rules, "ABCDEF"), &rules[3]);
  CHECK_EQ(&find_user_agent_rule(rules, "abcd"), &rules[0]);
  CHECK_EQ(&find_user_agent_rule(rules, "xabc"), &rules[4]);
  CHECK_EQ(&find_user_agent_rule(rules, "a"), &rules[4]);
}
