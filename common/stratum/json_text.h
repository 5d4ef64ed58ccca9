// Text into JSON, and values of peers into the words of an error.
// Thread: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stratum::json {

// A JSON string with its quotes. Bytes that are not valid UTF-8 become '?', so the line is always
// valid JSON.
void append_string(std::string& out, std::string_view text);

// Well-formed UTF-8 throughout.
bool is_utf8(std::string_view text);

// A byte below 0x20 that is neither tab, line feed nor carriage return: never part of JSON.
bool has_control(std::string_view text);

// A peer's value as an error quotes it: printable ASCII, the rest as '?', cut at 40 bytes.
std::string excerpt(std::string_view value);

}  // namespace stratum::json
