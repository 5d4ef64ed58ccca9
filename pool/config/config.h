// Config: everything an operator decides, in one struct, parsed and validated before anything
// starts. The shape of pool.json is a promise; its JSON Schema is pool/config/pool.schema.json.
//
// Sources, later ones win: defaults, the file (JSON with comments), environment variables
// (PHASEPOOL_ and the key's path in capitals: PHASEPOOL_STRATUM_DURABILITY).
//
// Errors: ConfigError is one line for the operator: file, line, key, value, what was expected.
#pragma once

#include "common/base/result.h"
#include "common/bitcoin/address.h"
#include "common/bitcoin/target.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

struct NodeConfig {
  std::string rpc = "http://127.0.0.1:8332";  // default port follows the network
  std::string user;
  std::string password;
  std::string password_file;  // load_config() has read it into `password`
  std::string cookie_file;
  std::vector<std::string> zmq;  // endpoints; empty: long-poll and poll only
};

// When miners get which work.
struct TemplatesConfig {
  bool empty_first = true;
  std::uint32_t refresh_seconds = 30;
  std::uint32_t fee_check_seconds = 10;  // 0: with the refresh only
  std::uint32_t fee_rise_percent = 1;    // of the whole reward
  std::uint32_t expire_seconds = 120;
  std::uint32_t reconnect_seconds = 600;  // 0: never
};

struct ListenConfig {
  std::string host = "0.0.0.0";
  std::uint16_t port = 3333;
  std::string tls = "auto";  // "auto", "off", "only"
  std::vector<std::string> proxy_from;
  // What this port changes of the difficulty settings; check_config() has held them together.
  std::optional<bitcoin::Difficulty> difficulty_start;
  std::optional<bitcoin::Difficulty> difficulty_min;
  std::optional<bitcoin::Difficulty> difficulty_max;
};

enum class Durability { fsync, relaxed };

struct DifficultyConfig {
  bitcoin::Difficulty start;               // 1024
  bitcoin::Difficulty min;                 // 0.001
  std::optional<bitcoin::Difficulty> max;  // none: only the network's difficulty bounds it
  bool vardiff = true;
  double shares_per_minute = 6;
  bool power_of_two = true;
};

// What an operator says of a miner, by the beginning of its user agent.
struct UserAgentConfig {
  std::string prefix;
  std::string coinbase = "default";  // a tier's name
  std::optional<bitcoin::Difficulty> start;
  std::optional<bitcoin::Difficulty> min;
  std::optional<bitcoin::Difficulty> max;
  bool early_difficulty = false;
};

struct CoinbaseTierConfig {
  std::string name;
  std::uint32_t bytes_max = 0;
};

struct AddressLimitsConfig {
  std::uint32_t connections_per_address = 10'000;
  std::uint32_t handshakes_per_address = 1000;
  std::uint32_t connects_per_minute_per_address = 6000;
  std::uint32_t lines_per_second = 200;
  std::uint32_t lines_per_second_per_address = 20'000;
  std::uint32_t ban_seconds = 600;  // 0: nobody is banned
  std::uint32_t subscribe_seconds = 30;
  std::uint32_t authorize_seconds = 60;
  std::uint32_t idle_seconds = 3600;
};

struct StratumConfig {
  std::vector<ListenConfig> listen;
  std::string tls_certificate;
  std::string tls_key;
  std::uint32_t shards = 0;  // 0: one per core
  Durability durability = Durability::fsync;
  DifficultyConfig difficulty;
  std::uint32_t version_mask = 0x1fffe000;
  std::uint32_t stale_grace_ms = 0;
  std::uint32_t keepalive_seconds = 45;
  std::uint32_t resume_seconds = 180;
  std::uint32_t instance = 0;
  std::string welcome;
  std::vector<UserAgentConfig> user_agents;        // on top of the built-in ones
  std::vector<CoinbaseTierConfig> coinbase_tiers;  // likewise
  AddressLimitsConfig limits;
};

// A further output of the coinbase: its part of the reward, in parts per million.
struct CoinbaseOutputConfig {
  bitcoin::Address address;
  std::uint32_t ppm = 0;
};

struct HttpLimitsConfig {
  std::uint32_t connections = 4096;
  std::uint32_t connections_per_address = 256;
  std::uint32_t requests_per_second_per_address = 50;
  std::uint32_t watchers = 3072;
};

struct HttpConfig {
  std::string listen = "127.0.0.1:8080";
  std::string admin_listen = "127.0.0.1:8081";
  std::string tls = "auto";  // "auto", "off", "only"
  std::string tls_certificate;
  std::string tls_key;
  std::uint32_t hsts_seconds = 365 * 86'400;  // where tls is "only"; 0: not sent
  std::vector<std::string> proxy_from;
  HttpLimitsConfig limits;
};

struct CoherenceConfig {
  bool enabled = true;
  std::uint32_t level = 2;
  std::uint32_t block_seconds = 420;
  std::uint32_t retarget_blocks = 123;
  std::uint32_t initial_bits = 0x1e080000;  // of the proof chain's first block
  std::uint32_t verify_threads = 0;         // 0: one for each four cores, at least one
  // Of shares: hash difficulties, 2^256 / target.
  double start_difficulty = 65536;
  double min_difficulty = 512;
  double shares_per_minute = 6;
};

struct PayoutConfig {
  std::string scheme = "pplns";      // "pplns", "prop", "pps", "solo"
  std::string pplns_window = "2.0";  // decimal text, never a double
  std::uint32_t fee_ppm = 10000;
  std::uint32_t coherence_ppm = 0;
  std::int64_t minimum_sats = 100000;
  std::string wallet;  // the node's, which payouts are sent from; empty: none is needed
};

struct JournalConfig {
  std::uint32_t fsync_ms = 3;
  std::int64_t segment_bytes = 64LL * 1024 * 1024;
  std::int64_t bytes_max = 64LL * 1024 * 1024 * 1024;  // that the database has not stored
  std::uint32_t keep_days = 30;
  std::int64_t keep_bytes = 8LL * 1024 * 1024 * 1024;
};

// For how long the database keeps what is summed up elsewhere.
struct RetentionConfig {
  std::uint32_t shares_days = 35;
  std::uint32_t minutes_days = 35;
  std::uint32_t events_days = 400;
};

struct LogConfig {
  std::string level = "info";
  std::string format = "text";
};

struct Config {
  bitcoin::Network network = bitcoin::Network::mainnet;
  bitcoin::Address payout_address;  // checked for the network
  std::string coinbase_tag = "/phasepool/";
  std::vector<CoinbaseOutputConfig> coinbase_outputs;  // together at most 1000000 ppm
  std::string data_dir = "/var/lib/phasepool";
  std::vector<NodeConfig> nodes;
  TemplatesConfig templates;
  std::string database = "postgresql:///phasepool?host=/run/postgresql";
  JournalConfig journal;
  StratumConfig stratum;
  HttpConfig http;
  CoherenceConfig coherence;
  PayoutConfig payout;
  RetentionConfig retention;
  LogConfig log;
};

struct ConfigError {
  std::string key;  // JSON pointer, "/stratum/listen/0/port"; empty: the file itself
  std::string why;  // the whole line for the operator, without a newline
};

// Looks up an environment variable; nullopt when unset. Passed in, so that tests need no setenv.
using GetEnv = std::function<std::optional<std::string>(const std::string&)>;

// `file_name` is only named in errors.
[[nodiscard]] base::Result<Config, ConfigError> parse_config(std::string_view json,
                                                             std::string_view file_name,
                                                             const GetEnv& getenv);
// Reads the file, then parse_config(); also reads secrets that the config keeps in files.
[[nodiscard]] base::Result<Config, ConfigError> load_config(const std::string& path,
                                                            const GetEnv& getenv);
// The JSON Schema, as embedded in the program.
std::string_view config_schema();

}  // namespace pool
