#include "pool/tools/stratum_settings.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace {

bitcoin::Difficulty difficulty(double value) { return *bitcoin::Difficulty::from_double(value); }

}  // namespace

TEST_CASE("a port's difficulties go over the pool's") {
  pool::DifficultyConfig usual;
  usual.start = difficulty(64);
  usual.min = difficulty(2);
  usual.vardiff = false;
  usual.shares_per_minute = 20;
  usual.power_of_two = false;
  pool::ListenConfig port;
  const auto plain = pool::difficulty_policy(usual, port);
  CHECK_EQ(plain.start, usual.start);
  CHECK_EQ(plain.min, usual.min);
  CHECK_FALSE(plain.max);
  CHECK_FALSE(plain.vardiff);
  CHECK_FALSE(plain.power_of_two);
  CHECK_EQ(plain.shares_per_minute, 20);
  usual.max = difficulty(1e6);
  CHECK_EQ(*pool::difficulty_policy(usual, port).max, difficulty(1e6));
  port.difficulty_start = difficulty(512);
  port.difficulty_min = difficulty(256);
  port.difficulty_max = difficulty(1024);
  const auto own = pool::difficulty_policy(usual, port);
  CHECK_EQ(own.start, difficulty(512));
  CHECK_EQ(own.min, difficulty(256));
  CHECK_EQ(*own.max, difficulty(1024));
}

TEST_CASE("an operator's kinds of miners and tiers replace the built-in ones of the same name") {
  pool::StratumConfig config;
  const std::size_t built_in = pool::user_agent_rules(config).size();
  CHECK_EQ(built_in, pool::default_user_agent_rules().size());
  config.user_agents = {{"nicehash/", "tiny", difficulty(7), {}, {}, false},
                        {"MyRig", "mine", {}, {}, {}, true}};
  config.coinbase_tiers = {{"tiny", 250}, {"mine", 333}};
  const auto rules = pool::user_agent_rules(config);
  const auto& nicehash = pool::find_user_agent_rule(rules, "NiceHash/1.0.0");
  CHECK_EQ(nicehash.coinbase, "tiny");
  CHECK_EQ(*nicehash.start, difficulty(7));
  CHECK_FALSE(nicehash.difficulty_at_subscribe);
  CHECK_EQ(pool::find_user_agent_rule(rules, "myrig 2").coinbase, "mine");
  CHECK(pool::find_user_agent_rule(rules, "myrig 2").difficulty_at_subscribe);
  CHECK_EQ(pool::find_user_agent_rule(rules, "nobody knows").coinbase, "default");

  const auto tiers = pool::coinbase_tiers(config);
  CHECK_EQ(tiers.size(), pool::default_coinbase_tiers().size() + 1);
  const auto bytes_of = [&](std::string_view name) {
    const auto found =
        std::find_if(tiers.begin(), tiers.end(),
                     [&](const pool::CoinbaseTier& tier) { return tier.name == name; });
    REQUIRE(found != tiers.end());
    return found->bytes_max;
  };
  CHECK_EQ(bytes_of("tiny"), 250);
  CHECK_EQ(bytes_of("mine"), 333);
}
