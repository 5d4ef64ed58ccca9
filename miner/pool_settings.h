// PoolSettings: one pool, as the options name it. Thread: plain data.
#pragma once

#include <cstdint>
#include <string>

namespace miner {

struct PoolSettings {
  std::string host;
  std::uint16_t port = 0;
  std::string username;
  std::string password = "x";
};

}  // namespace miner
