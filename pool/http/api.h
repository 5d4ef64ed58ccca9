// /api/v1/…: a PoolSnapshot as JSON, with the members of web/openapi.json.
//
// A figure that is not known is null, never 0. Numbers are plain JSON numbers; satoshis integers.
// Thread: pure functions.
#pragma once

#include "pool/http/snapshot.h"

#include <string>
#include <string_view>
#include <vector>

namespace pool {

// GET /api/v1/pool
std::string pool_json(const PoolSnapshot& snapshot);
// GET /api/v1/nodes
std::string nodes_json(const PoolSnapshot& snapshot);
// GET /api/v1/rejects?user=… and /api/v1/shares?address=…: {"user":…,"rejects":[…]}, the newest
// first; `name` is that of the first member. Numbers of the protocol are hex digits as miners write
// them.
std::string rejects_json(std::string_view name, std::string_view asked_for,
                         const std::vector<RejectedSubmit>& rejects);
// {"error":{"code":"not_found","message":"…","hint":"…"}}; the hint is left out when empty.
std::string error_json(std::string_view code, std::string_view message, std::string_view hint);

// GET /readyz: what is missing, one line each; empty when the pool is ready to serve miners.
std::vector<std::string> unreadiness(const PoolSnapshot& snapshot);

}  // namespace pool
