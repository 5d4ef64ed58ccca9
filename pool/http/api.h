// /api/v1/…: a PoolSnapshot as JSON, and the query thread's JSON as rows. RapidJSON is used here
// and nowhere else in pool/http.
//
// A figure that is not known is null, never 0. Numbers are plain JSON numbers; satoshis integers.
// Thread: pure functions.
#pragma once

#include "pool/http/snapshot.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

// GET /api/v1/pool
std::string pool_json(const PoolSnapshot& snapshot);
// GET /api/v1/blocks: {"blocks":[…], "by_status":{…}, "time":…}
std::string blocks_json(const PoolSnapshot& snapshot);
// GET /api/v1/rejects?user=…: {"user":…,"rejects":[…]}, the newest first. Numbers of the protocol
// are hex digits as miners write them.
std::string rejects_json(std::string_view user, const std::vector<RejectedSubmit>& rejects);
// {"error":{"code":"not_found","message":"…","hint":"…"}}; the hint is left out when empty.
std::string error_json(std::string_view code, std::string_view message, std::string_view hint);

// GET /readyz: what is missing, one line each; empty when the pool is ready to serve miners.
std::vector<std::string> unreadiness(const PoolSnapshot& snapshot);

// The query thread's answers (pool/messages.h, StatsQuery). nullopt: not of that form. Members
// that are absent or of another type stay at their defaults.
std::optional<std::vector<BlockRow>> parse_blocks(std::string_view json);
std::optional<std::map<std::string, std::uint64_t>> parse_blocks_by_status(std::string_view json);

}  // namespace pool
