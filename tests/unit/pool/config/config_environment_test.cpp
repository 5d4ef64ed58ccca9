#include "pool/config/config_environment.h"

#include "pool/config/config_schema.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

using namespace pool;

TEST_CASE("a variable's name is the key's path in capitals") {
  CHECK_EQ(environment_variable("/stratum/difficulty/shares_per_minute"),
           "PHASEPOOL_STRATUM_DIFFICULTY_SHARES_PER_MINUTE");
  CHECK_EQ(environment_variable("/nodes/12/rpc"), "PHASEPOOL_NODES_12_RPC");
}

TEST_CASE("no two keys share a variable, and each is asked for") {
  std::vector<std::string> asked;
  const auto values = environment_values([&](const std::string& name) {
    asked.push_back(name);
    return std::optional<std::string>("x");
  });
  CHECK_EQ(values.size(), asked.size());
  std::sort(asked.begin(), asked.end());
  CHECK(std::adjacent_find(asked.begin(), asked.end()) == asked.end());
  CHECK(std::binary_search(asked.begin(), asked.end(), "PHASEPOOL_NODES_15_ZMQ"));
  CHECK_FALSE(std::binary_search(asked.begin(), asked.end(), "PHASEPOOL_NODES_16_ZMQ"));
  CHECK_FALSE(std::binary_search(asked.begin(), asked.end(), "PHASEPOOL_$SCHEMA"));
}

TEST_CASE("a text becomes the JSON that its place has") {
  rapidjson::Document document;
  auto& allocator = document.GetAllocator();
  const auto json = [&](const char* pointer, std::string_view text) {
    return environment_json(text, *schema_at(pointer), allocator);
  };
  CHECK(json("/stratum/shards", "7").IsUint());
  CHECK(json("/stratum/shards", " 7").IsUint());
  CHECK(json("/stratum/shards", "seven").IsString());
  CHECK(json("/stratum/shards", "\"7\"").IsString());
  CHECK(json("/stratum/difficulty/start", "1.5").IsDouble());
  CHECK(json("/stratum/difficulty/vardiff", "1").IsTrue());
  CHECK(json("/stratum/difficulty/vardiff", "false").IsFalse());
  CHECK(json("/stratum/difficulty/vardiff", "TRUE").IsString());
  CHECK(json("/data_dir", "123").IsString());
  const auto list = json("/stratum/listen/0/proxy_from", " ::1 ,10.0.0.1");
  REQUIRE(list.IsArray());
  REQUIRE_EQ(list.Size(), 2);
  CHECK_EQ(std::string(list[0].GetString()), "::1");
  CHECK_EQ(json("/stratum/listen/0/proxy_from", "").Size(), 0);
}
