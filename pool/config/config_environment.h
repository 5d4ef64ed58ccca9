// The environment's part of the configuration: which variables are set, and for which places.
// Thread: pure functions; the environment is an argument.
#pragma once

#include "pool/config/config.h"

#include <rapidjson/document.h>

#include <string>
#include <string_view>
#include <vector>

namespace pool {

struct EnvironmentValue {
  std::string variable;  // "PHASEPOOL_STRATUM_SHARDS"
  std::string pointer;   // "/stratum/shards"
  std::string text;
  const rapidjson::Value* entry = nullptr;  // the place's entry in the schema
};

// "/nodes/0/rpc" to "PHASEPOOL_NODES_0_RPC".
std::string environment_variable(std::string_view pointer);
// Every variable that is set, in the schema's order. Entries of a list are looked up from 0 to the
// schema's maxItems.
std::vector<EnvironmentValue> environment_values(const GetEnv& getenv);
// The JSON value that `text` stands for at `entry`: a number or true/false where the schema has
// one, a list split at commas, else a string. What can't be read stays a string, which the schema
// then refuses.
rapidjson::Value environment_json(std::string_view text, const rapidjson::Value& entry,
                                  rapidjson::Document::AllocatorType& allocator);

}  // namespace pool
