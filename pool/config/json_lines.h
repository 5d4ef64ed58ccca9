// JsonLines: for each value of a JSON text, its line and, for a number, its digits as written.
//
// A SAX pass beside the DOM parse: RapidJSON's documents know neither where a value stood nor how
// a number was spelled, and the operator's error line and exact decimals need both. The pass is
// also what refuses texts that the recursive code behind it should not see: too deep, or with a key
// given twice.
//
// Comments (// and /* */) are allowed; trailing commas are not.
// Thread: pure functions.
#pragma once

#include "common/base/result.h"

#include <map>
#include <string>
#include <string_view>

namespace pool {

struct JsonPlace {
  int line = 0;        // from 1
  std::string number;  // as written; empty when the value is not a number
};

// By JSON pointer: "/stratum/listen/0/port". The root is "".
using JsonLines = std::map<std::string, JsonPlace, std::less<>>;

struct JsonTextError {
  int line = 0;
  std::string why;  // "a comma or '}' is missing after a member", …
};

inline constexpr std::size_t json_depth_max = 32;

[[nodiscard]] base::Result<JsonLines, JsonTextError> locate_json(std::string_view text);

// One more step down a JSON pointer, escaped as RFC 6901 says.
std::string pointer_step(std::string_view parent, std::string_view key);
// 1 + the newlines before `offset`.
int line_at(std::string_view text, std::size_t offset);

}  // namespace pool
