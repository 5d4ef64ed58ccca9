// Refused shares in words: what happened, and what the miner can do about it.
// Thread: pure functions.
#pragma once

#include "pool/http/json_view.h"

#include <string>
#include <string_view>

namespace pool {

// One sentence or two about a member of /api/v1/shares' `rejects`. Plain text.
std::string reject_advice(const JsonView& reject);
// Rows of the miner page's table.
std::string reject_explanations(const JsonView& rejects, std::string_view trouble);

}  // namespace pool
