// The command line: cpuminer's flags where it has them, and what else the miner can do; and the
// configuration file that it may name.
//
// Errors: one line that names the option, its value and what was expected; exit code 2.
// Thread: main's; reads nothing but the configuration file.
#pragma once

#include "common/base/result.h"
#include "common/coherence/attempt.h"
#include "common/rpc/rpc_client.h"
#include "miner/machine.h"
#include "miner/pool_settings.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace miner {

enum class Command { mine, bench, selftest, coherence_attempt };
// The kinds of work (docs/stratum.md): hashes of Bitcoin headers, coherence work, both at once.
enum class Algorithm { sha256d, coherence, both };

// Mining without a pool: getblocktemplate and submitblock of a node.
struct SoloSettings {
  rpc::RpcEndpoint node;
  std::string address;  // who gets the reward; an address of some network, checked against the
                        // node's when that is known
  std::string coinbase_tag = "/phaseminer/";
  bool dry_run = false;  // everything but submitblock
};

// Where cgminer's API is answered.
struct ApiSettings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 4028;
};

struct Options {
  Command command = Command::mine;
  Algorithm algorithm = Algorithm::sha256d;
  // Where the work comes from: pools in order of preference, or a node. Exactly one of them is
  // there where command is `mine`; where it is `selftest`, what is to be tested too.
  std::vector<PoolSettings> pools;
  std::optional<SoloSettings> solo;
  double suggest_difficulty = 0;       // 0: the pool decides
  bool version_rolling = true;         // ask for it
  bool redirect = true;                // follow client.reconnect
  bool protocol_dump = false;          // every line from and to the pool, on stderr
  std::uint32_t timeout_seconds = 90;  // without a word from the pool: disconnected
  // Of `bench`: empty, unless orders are to be compared.
  std::string nonce_order = "sequential";
  std::uint32_t threads = 0;                // 0: one per core
  std::uint32_t coherence_threads = 0;      // of `threads`, where both kinds are mined; 0: half
  std::string kernel;                       // of its kind; empty: the fastest that works
  std::uint32_t reserved_cores = 0;         // where threads is 0
  std::vector<std::uint32_t> cpu_affinity;  // empty: the system decides
  int nice = nice_default;
  std::uint64_t memory_bytes_max = 0;    // 0: no limit
  bool auto_detect = false;              // the fastest kernel is measured
  std::uint32_t time_limit_seconds = 0;  // 0: none
  std::optional<ApiSettings> api;
  std::string report_dir;  // empty: no reports
  bool debug = false;
  bool quiet = false;
  bool json = false;
  bool progress = false;
  std::string witness_path;                 // empty: no witness log
  std::uint32_t retry_pause_seconds = 30;   // longest pause between connection attempts
  std::int64_t retries = -1;                // attempts in a row before giving up; -1: never
  std::uint32_t shares_per_second_max = 0;  // 0: no cap
  std::uint32_t bench_seconds = 3;          // for each kernel
  bool network = false;                     // selftest asks the pool, too
  // coherence-attempt's.
  coherence::Job job;
  std::uint64_t attempt = 0;
};

// Instead of Options: what to print, and how to end.
struct OptionsExit {
  int code = 0;      // 0 after --help and --version, 2 after a mistake
  std::string text;  // for stdout when code is 0, else for stderr
};

inline constexpr std::uint32_t threads_max = 1024;

// `arguments` without the program's name.
[[nodiscard]] base::Result<Options, OptionsExit> parse_options(std::vector<std::string> arguments);

struct ThreadSplit {
  std::uint32_t sha256d = 0;
  std::uint32_t coherence = 0;
};
// Who mines what. `cores`, less those reserved, count where no number of threads was given; a
// memory limit may leave fewer. With both kinds each has at least one thread, so one thread for
// both becomes two.
ThreadSplit split_threads(const Options& options, std::uint32_t cores);

struct PoolAddress {
  std::string host;
  std::uint16_t port = 0;
  bool tls = false;
  std::optional<std::string> username;  // as the URL had it, percent-decoded
  std::optional<std::string> password;
};
// "stratum+tcp://host:port", "stratum+ssl://user:password@host:port", "host:port", "host",
// "[::1]:3333"; the port is 3333 when missing, 3443 with TLS. The error says what was expected.
[[nodiscard]] base::Result<PoolAddress, std::string> parse_pool_url(std::string_view url);

}  // namespace miner
