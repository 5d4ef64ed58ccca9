// How answers of cgminer's API are written: as JSON, or as its own "name=value,…|" text.
//
// Values that are a peer's (a pool's URL, a user's name) can't end a field of the text: ',', '|',
// '=' and '\' in them get a '\' before them, as cgminer does it.
//
// Thread: pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace miner {

using ApiValue = std::variant<std::string_view, std::uint64_t, double, bool>;
using ApiSection = std::vector<std::pair<std::string_view, ApiValue>>;

struct ApiStatus {
  char severity = 'S';  // S: success, E: error
  int code = 0;
  std::string message;
};

struct ApiReply {
  ApiStatus status;
  std::string_view name;  // of the sections; empty: there are none
  std::vector<ApiSection> sections;
};

std::string api_json(const ApiReply& reply, std::int64_t unix_seconds);
std::string api_plain_text(const ApiReply& reply, std::int64_t unix_seconds);

}  // namespace miner
