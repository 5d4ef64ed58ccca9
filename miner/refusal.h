// What a pool says when it refuses, made fit to be shown; and what that means for the connection.
// Thread: pure functions.
#pragma once

#include "common/stratum/server_to_client.h"
#include "miner/text.h"

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <string>

namespace miner {

inline constexpr std::size_t peer_text_bytes_max = 200;
// Before the next attempt at a pool that does not want us.
inline constexpr std::chrono::seconds refused_pause{10};

inline std::string reason_text(const stratum::ServerResponse& answer) {
  if (answer.error_text.empty()) return fmt::format("no reason given (code {})", answer.error_code);
  return printable(answer.error_text, peer_text_bytes_max);
}

// Codes 24 and 25: the pool does not know this worker or this connection (any more).
inline bool is_disowned(const stratum::ServerResponse& answer) {
  return answer.error_code == 24 || answer.error_code == 25;
}

}  // namespace miner
