// The configuration file: a JSON object, comments allowed, whose keys are the long options.
//
//   { "pools": [ { "url": "stratum+tcp://pool.example:3333", "user": "bc1q….rig", "pass": "x" } ],
//     "threads": 2, "quiet": true }
//
// and whose keys may also be those of the source document's config.json: bitcoin_rpc (username,
// password, host, port), payout_address, cpu_cores_reserved, max_memory_gb, auto_detect.
//
// Errors: one line that names the file, the key, its value and what was expected.
// Thread: pure, but for read_config_file.
#pragma once

#include "common/base/result.h"
#include "miner/options_table.h"

#include <set>
#include <string>
#include <string_view>

namespace miner {

inline constexpr std::size_t config_bytes_max = 256 * 1024;

// What the file says, as if it had been on the command line.
[[nodiscard]] base::Result<Texts, std::string> parse_config(std::string_view json);
// Likewise; the error names the file.
[[nodiscard]] base::Result<Texts, std::string> read_config_file(const std::string& path);

// Fills in what the command line left out; the keys of what was. Another source of work on the
// command line (--url or
// --solo) replaces the file's wholly, but for the logins where it names pools and no user.
std::set<std::string_view> merge_config(Texts file, Texts& command_line);

}  // namespace miner
