// The command line: cpuminer's flags where it has them, and what else the miner can do.
//
// Errors: one line that names the option, its value and what was expected; exit code 2.
// Thread: pure, but for CLI11's own parsing state.
#pragma once

#include "common/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace miner {

enum class Command { mine, bench, selftest };

struct Options {
  Command command = Command::mine;
  std::string host;
  std::uint16_t port = 0;
  std::string username;
  std::string password = "x";
  std::uint32_t threads = 0;  // 0: one per core
  std::string kernel;         // empty: the fastest that works
  bool quiet = false;
  bool json = false;
  std::uint32_t retry_pause_seconds = 30;   // longest pause between connection attempts
  std::int64_t retries = -1;                // attempts in a row before giving up; -1: never
  std::uint32_t shares_per_second_max = 0;  // 0: no cap
  std::uint32_t bench_seconds = 3;          // for each kernel
};

// Instead of Options: what to print, and how to end.
struct OptionsExit {
  int code = 0;      // 0 after --help and --version, 2 after a mistake
  std::string text;  // for stdout when code is 0, else for stderr
};

inline constexpr std::uint32_t threads_max = 1024;

// `arguments` without the program's name.
[[nodiscard]] base::Result<Options, OptionsExit> parse_options(std::vector<std::string> arguments);

struct PoolAddress {
  std::string host;
  std::uint16_t port = 0;
};
// "stratum+tcp://host:port", "tcp://host:port", "host:port", "host", "[::1]:3333"; the port is 3333
// when missing. The error says what was expected.
[[nodiscard]] base::Result<PoolAddress, std::string> parse_pool_url(std::string_view url);

}  // namespace miner
