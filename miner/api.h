// cgminer's API, the part that only reads: one request, one answer, as text.
//
//   summary                   STATUS=S,When=…,Code=11,Msg=Summary,Description=…|SUMMARY,Elapsed=…|
//   {"command":"summary"}     {"STATUS":[{"STATUS":"S",…}],"SUMMARY":[{…}],"id":1}
//
// Several commands may be joined by '+'; the answer is then JSON with one member for each. The
// commands are version, config, summary, devs and pools. Whatever would change something is
// refused.
//
// "MHS 5s" is the rate of the last ten seconds: no shorter one is kept.
//
// Errors: the API's own: STATUS E and its code.
// Thread: pure.
// Source: cgminer's API-README, version 3.7 of the API.
#pragma once

#include "miner/status.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace miner {

struct ApiFacts {
  Status status;
  std::int64_t unix_seconds = 0;
};

inline constexpr std::size_t api_request_bytes_max = 1024;
inline constexpr std::size_t api_commands_max = 8;  // joined by '+'

// The request that these bytes are, as soon as they are one: a line, a command that is known, or a
// whole JSON object. None: more may follow. What stands behind it is passed over.
std::optional<std::string_view> complete_api_request(std::string_view bytes);

// Without the NUL that ends it on the wire.
std::string answer_api(std::string_view request, const ApiFacts& facts);

}  // namespace miner
