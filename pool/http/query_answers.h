// What the query thread answers to the questions that the page asks all the time (pool/messages.h,
// StatsQuery), as values.
//
// Errors: nullopt: not of that form. Members that are absent or of another type stay at their
//         defaults.
// Thread: pure functions.
#pragma once

#include "pool/http/snapshot.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

std::optional<std::vector<BlockRow>> parse_blocks(std::string_view json);
std::optional<std::map<std::string, std::uint64_t>> parse_blocks_by_status(std::string_view json);

struct RoundAnswer {
  std::optional<RoundFigures> round;
  std::optional<BlockBrief> last_block;
};
std::optional<RoundAnswer> parse_round(std::string_view json);

struct LuckAnswer {
  std::optional<LuckFigures> last_10;
  std::optional<LuckFigures> last_100;
};
std::optional<LuckAnswer> parse_luck(std::string_view json);

}  // namespace pool
