// A second reading of the lines that we write: RapidJSON's own tree, which shares no code with
// json_tokens.h. Stricter than JSON asks: one line, valid UTF-8, no key of an object twice.
#pragma once

#include "tests/fuzz/fuzz_check.h"

#include <rapidjson/document.h>

#include <string_view>

namespace fuzz {

inline bool keys_are_unique(const rapidjson::Value& value) {
  if (value.IsArray()) {
    for (const auto& item : value.GetArray()) {
      if (!keys_are_unique(item)) return false;
    }
  }
  if (!value.IsObject()) return true;
  for (auto member = value.MemberBegin(); member != value.MemberEnd(); ++member) {
    if (!keys_are_unique(member->value)) return false;
    for (auto later = member + 1; later != value.MemberEnd(); ++later) {
      if (later->name == member->name) return false;
    }
  }
  return true;
}

// `line` is one object and ends with its only newline.
inline rapidjson::Document read_line(std::string_view line) {
  FUZZ_CHECK(line.size() > 1 && line.find('\n') == line.size() - 1);
  FUZZ_CHECK(line.find('\r') == std::string_view::npos);
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag |
                 rapidjson::kParseNumbersAsStringsFlag>(line.data(), line.size() - 1);
  FUZZ_CHECK(!document.HasParseError() && document.IsObject());
  FUZZ_CHECK(keys_are_unique(document));
  return document;
}

// An answer has its three keys, and its id is `id_json` to the letter. `id_json` is valid JSON.
inline rapidjson::Document read_answer(std::string_view line, std::string_view id_json) {
  constexpr std::string_view before_id = "{\"id\":";
  FUZZ_CHECK(line.starts_with(before_id));
  FUZZ_CHECK(line.substr(before_id.size()).starts_with(id_json));
  FUZZ_CHECK(line.substr(before_id.size() + id_json.size()).starts_with(",\"result\":"));
  rapidjson::Document answer = read_line(line);
  FUZZ_CHECK(answer.MemberCount() == 3 && answer.HasMember("error"));
  return answer;
}

}  // namespace fuzz
