// Questions to the schema of pool.json, for error lines and for the environment: what is expected
// at a place, which keys exist there, which of them was probably meant.
//
// A place is a JSON pointer into a configuration ("/stratum/listen/0/port"). Beside draft 4's own
// keywords an entry has "title" ("a port"), and "expected" where type, range and enum do not say
// it. Thread: pure functions over one constant, the embedded schema.
#pragma once

#include <rapidjson/document.h>

#include <string>
#include <string_view>
#include <vector>

namespace pool {

// The embedded schema, parsed.
const rapidjson::Document& schema_document();

// The steps of a JSON pointer, unescaped.
std::vector<std::string> pointer_steps(std::string_view pointer);
// "/stratum/listen/0/port" as people write it: "stratum.listen[0].port".
std::string readable_path(std::string_view pointer);

// The schema entry for a place; nullptr for a key the schema does not know.
const rapidjson::Value* schema_at(std::string_view pointer);
// "an integer from 1 to 65535": what a value there has to be.
std::string expected_text(const rapidjson::Value& entry);
// "did you mean "port"?", "it belongs into stratum", or the keys that are known there.
std::string hint_for_unknown_key(std::string_view pointer);

}  // namespace pool
