// The program's version, and how it introduces itself to pools.
#pragma once

#include <string_view>

namespace miner {

inline constexpr std::string_view program_version = "0.1.0";
inline constexpr std::string_view user_agent = "phaseminer/0.1.0";

}  // namespace miner
