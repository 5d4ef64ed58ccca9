#include "pool/config/config.h"

#include "pool/config/config_checks.h"
#include "pool/config/config_document.h"

#include <rapidjson/pointer.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace pool {
namespace {

using rapidjson::Value;

constexpr std::size_t config_bytes_max = 1024 * 1024;
constexpr std::size_t secret_bytes_max = 4096;

// Copies values out of a document that the schema has passed: types and ranges are known to hold.
// A key that is absent leaves the default where it is.
class Reader {
 public:
  explicit Reader(const ConfigDocument& document) : document_(document) {}

  const Value* at(const std::string& pointer) const {
    return rapidjson::Pointer(pointer.data(), pointer.size()).Get(document_.json());
  }
  std::size_t count(const std::string& pointer) const {
    const Value* list = at(pointer);
    return list == nullptr ? 0 : list->Size();
  }
  void read(const std::string& pointer, std::string& out) const {
    if (const Value* v = at(pointer)) out.assign(v->GetString(), v->GetStringLength());
  }
  void read(const std::string& pointer, bool& out) const {
    if (const Value* v = at(pointer)) out = v->GetBool();
  }
  void read(const std::string& pointer, double& out) const {
    if (const Value* v = at(pointer)) out = v->GetDouble();
  }
  void read(const std::string& pointer, std::uint16_t& out) const {
    if (const Value* v = at(pointer)) out = static_cast<std::uint16_t>(v->GetUint());
  }
  void read(const std::string& pointer, std::uint32_t& out) const {
    if (const Value* v = at(pointer)) out = v->GetUint();
  }
  void read(const std::string& pointer, std::int64_t& out) const {
    if (const Value* v = at(pointer)) out = v->GetInt64();
  }
  void read(const std::string& pointer, std::vector<std::string>& out) const {
    const Value* list = at(pointer);
    if (list == nullptr) return;
    out.clear();
    for (const Value& item : list->GetArray()) out.emplace_back(item.GetString());
  }

 private:
  const ConfigDocument& document_;
};

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

void read_nodes(const Reader& reader, Config& config) {
  NodeConfig usual;
  usual.rpc = "http://127.0.0.1:" + std::to_string(default_rpc_port(config.network));
  config.nodes.assign(std::max<std::size_t>(1, reader.count("/nodes")), usual);
  for (std::size_t i = 0; i < reader.count("/nodes"); ++i) {
    const std::string at = "/nodes/" + std::to_string(i);
    NodeConfig& node = config.nodes[i];
    reader.read(at + "/rpc", node.rpc);
    reader.read(at + "/user", node.user);
    reader.read(at + "/password", node.password);
    reader.read(at + "/password_file", node.password_file);
    reader.read(at + "/cookie_file", node.cookie_file);
    std::string zmq;
    reader.read(at + "/zmq", zmq);
    node.zmq = split_at_commas(zmq);
  }
}

void read_miners(const Reader& reader, StratumConfig& stratum) {
  stratum.user_agents.resize(reader.count("/stratum/user_agents"));
  for (std::size_t i = 0; i < stratum.user_agents.size(); ++i) {
    const std::string at = "/stratum/user_agents/" + std::to_string(i);
    UserAgentConfig& miner = stratum.user_agents[i];
    reader.read(at + "/prefix", miner.prefix);
    reader.read(at + "/coinbase", miner.coinbase);
    reader.read(at + "/early_difficulty", miner.early_difficulty);
  }
  stratum.coinbase_tiers.resize(reader.count("/stratum/coinbase_tiers"));
  for (std::size_t i = 0; i < stratum.coinbase_tiers.size(); ++i) {
    const std::string at = "/stratum/coinbase_tiers/" + std::to_string(i);
    reader.read(at + "/name", stratum.coinbase_tiers[i].name);
    reader.read(at + "/bytes_max", stratum.coinbase_tiers[i].bytes_max);
  }
}

void read_limits(const Reader& reader, AddressLimitsConfig& limits) {
  const std::string at = "/stratum/limits";
  reader.read(at + "/connections_per_address", limits.connections_per_address);
  reader.read(at + "/handshakes_per_address", limits.handshakes_per_address);
  reader.read(at + "/connects_per_minute_per_address", limits.connects_per_minute_per_address);
  reader.read(at + "/lines_per_second", limits.lines_per_second);
  reader.read(at + "/lines_per_second_per_address", limits.lines_per_second_per_address);
  reader.read(at + "/ban_seconds", limits.ban_seconds);
  reader.read(at + "/subscribe_seconds", limits.subscribe_seconds);
  reader.read(at + "/authorize_seconds", limits.authorize_seconds);
  reader.read(at + "/idle_seconds", limits.idle_seconds);
}

void read_stratum(const Reader& reader, StratumConfig& stratum) {
  stratum.listen.assign(std::max<std::size_t>(1, reader.count("/stratum/listen")), {});
  for (std::size_t i = 0; i < reader.count("/stratum/listen"); ++i) {
    const std::string at = "/stratum/listen/" + std::to_string(i);
    ListenConfig& listen = stratum.listen[i];
    reader.read(at + "/host", listen.host);
    reader.read(at + "/port", listen.port);
    reader.read(at + "/tls", listen.tls);
    reader.read(at + "/proxy_from", listen.proxy_from);
  }
  read_miners(reader, stratum);
  read_limits(reader, stratum.limits);
  reader.read("/stratum/tls_certificate", stratum.tls_certificate);
  reader.read("/stratum/tls_key", stratum.tls_key);
  reader.read("/stratum/shards", stratum.shards);
  std::string durability = "fsync";
  reader.read("/stratum/durability", durability);
  stratum.durability = durability == "relaxed" ? Durability::relaxed : Durability::fsync;
  reader.read("/stratum/difficulty/vardiff", stratum.difficulty.vardiff);
  reader.read("/stratum/difficulty/shares_per_minute", stratum.difficulty.shares_per_minute);
  reader.read("/stratum/difficulty/power_of_two", stratum.difficulty.power_of_two);
  reader.read("/stratum/stale_grace_ms", stratum.stale_grace_ms);
  reader.read("/stratum/keepalive_seconds", stratum.keepalive_seconds);
  reader.read("/stratum/resume_seconds", stratum.resume_seconds);
  reader.read("/stratum/instance", stratum.instance);
  reader.read("/stratum/welcome", stratum.welcome);
}

void read_templates(const Reader& reader, TemplatesConfig& templates) {
  reader.read("/templates/empty_first", templates.empty_first);
  reader.read("/templates/refresh_seconds", templates.refresh_seconds);
  reader.read("/templates/fee_check_seconds", templates.fee_check_seconds);
  reader.read("/templates/fee_rise_percent", templates.fee_rise_percent);
  reader.read("/templates/expire_seconds", templates.expire_seconds);
  reader.read("/templates/reconnect_seconds", templates.reconnect_seconds);
}

void read_http(const Reader& reader, HttpConfig& http) {
  reader.read("/http/listen", http.listen);
  reader.read("/http/admin_listen", http.admin_listen);
  reader.read("/http/tls", http.tls);
  reader.read("/http/tls_certificate", http.tls_certificate);
  reader.read("/http/tls_key", http.tls_key);
  reader.read("/http/hsts_seconds", http.hsts_seconds);
  reader.read("/http/proxy_from", http.proxy_from);
  const std::string at = "/http/limits";
  reader.read(at + "/connections", http.limits.connections);
  reader.read(at + "/connections_per_address", http.limits.connections_per_address);
  reader.read(at + "/requests_per_second_per_address", http.limits.requests_per_second_per_address);
  reader.read(at + "/watchers", http.limits.watchers);
}

void read_rest(const Reader& reader, Config& config) {
  reader.read("/coinbase_tag", config.coinbase_tag);
  config.coinbase_outputs.resize(reader.count("/coinbase_outputs"));
  for (std::size_t i = 0; i < config.coinbase_outputs.size(); ++i) {
    reader.read("/coinbase_outputs/" + std::to_string(i) + "/ppm", config.coinbase_outputs[i].ppm);
  }
  reader.read("/data_dir", config.data_dir);
  reader.read("/database", config.database);
  reader.read("/journal/fsync_ms", config.journal.fsync_ms);
  reader.read("/journal/segment_bytes", config.journal.segment_bytes);
  reader.read("/journal/bytes_max", config.journal.bytes_max);
  reader.read("/journal/keep_days", config.journal.keep_days);
  reader.read("/journal/keep_bytes", config.journal.keep_bytes);
  reader.read("/coherence/enabled", config.coherence.enabled);
  reader.read("/coherence/level", config.coherence.level);
  reader.read("/coherence/block_seconds", config.coherence.block_seconds);
  reader.read("/coherence/retarget_blocks", config.coherence.retarget_blocks);
  reader.read("/coherence/verify_threads", config.coherence.verify_threads);
  reader.read("/coherence/start_difficulty", config.coherence.start_difficulty);
  reader.read("/coherence/min_difficulty", config.coherence.min_difficulty);
  reader.read("/coherence/shares_per_minute", config.coherence.shares_per_minute);
  reader.read("/payout/scheme", config.payout.scheme);
  reader.read("/payout/fee_ppm", config.payout.fee_ppm);
  reader.read("/payout/coherence_ppm", config.payout.coherence_ppm);
  reader.read("/payout/minimum_sats", config.payout.minimum_sats);
  reader.read("/payout/wallet", config.payout.wallet);
  reader.read("/retention/shares_days", config.retention.shares_days);
  reader.read("/retention/minutes_days", config.retention.minutes_days);
  reader.read("/retention/events_days", config.retention.events_days);
  reader.read("/log/level", config.log.level);
  reader.read("/log/format", config.log.format);
}

base::Result<Config, ConfigError> read_config(const ConfigDocument& document) {
  const Reader reader(document);
  Config config;
  std::string network = "mainnet";
  reader.read("/network", network);
  if (!bitcoin::network_from_name(network, config.network)) {
    return base::err(document.complain_of_value("/network"));
  }
  read_nodes(reader, config);
  read_templates(reader, config.templates);
  read_stratum(reader, config.stratum);
  read_http(reader, config.http);
  read_rest(reader, config);
  if (auto checked = check_config(document, config); !checked) return base::err(checked.error());
  return config;
}

// A whole file, or why not: "No such file or directory".
base::Result<std::string, std::string> read_file(const std::string& path, std::size_t bytes_max) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  if (file) {
    text.resize(bytes_max + 1);
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad() || errno != 0) {
    return base::err(std::string(errno != 0 ? std::strerror(errno) : "read error"));
  }
  if (text.size() > bytes_max) {
    return base::err("larger than " + std::to_string(bytes_max) + " bytes");
  }
  return text;
}

// The first line of a file that holds a secret.
base::Result<std::string, ConfigError> read_secret(const ConfigDocument& document,
                                                   const std::string& pointer,
                                                   const std::string& path) {
  auto text = read_file(path, secret_bytes_max);
  if (!text) return base::err(document.complain(pointer, path + ": " + text.error()));
  text->resize(std::min(text->find_first_of("\r\n"), text->size()));
  if (text->empty())
    return base::err(document.complain(pointer, path + ": its first line is empty"));
  return std::move(*text);
}

base::Result<void, ConfigError> read_secrets(const ConfigDocument& document, Config& config) {
  for (std::size_t i = 0; i < config.nodes.size(); ++i) {
    NodeConfig& node = config.nodes[i];
    if (node.password_file.empty()) continue;
    auto password =
        read_secret(document, "/nodes/" + std::to_string(i) + "/password_file", node.password_file);
    if (!password) return base::err(password.error());
    node.password = std::move(*password);
  }
  constexpr std::string_view in_file = "file:";
  if (config.database.compare(0, in_file.size(), in_file) != 0) return {};
  const std::string path = config.database.substr(in_file.size());
  auto uri = read_secret(document, "/database", path);
  if (!uri) return base::err(uri.error());
  if (uri->rfind("postgresql://", 0) != 0 && uri->rfind("postgres://", 0) != 0) {
    return base::err(document.complain(
        "/database", path + ": its first line is not postgresql://user:password@host/name"));
  }
  config.database = std::move(*uri);
  return {};
}

}  // namespace

base::Result<Config, ConfigError> parse_config(std::string_view json, std::string_view file_name,
                                               const GetEnv& getenv) {
  auto document = ConfigDocument::parse(json, file_name, getenv);
  if (!document) return base::err(document.error());
  return read_config(*document);
}

base::Result<Config, ConfigError> load_config(const std::string& path, const GetEnv& getenv) {
  auto text = read_file(path, config_bytes_max);
  if (!text) {
    return base::err(ConfigError{{}, path + ": the configuration can't be read: " + text.error()});
  }
  auto document = ConfigDocument::parse(*text, path, getenv);
  if (!document) return base::err(document.error());
  auto config = read_config(*document);
  if (!config) return base::err(config.error());
  if (auto read = read_secrets(*document, *config); !read) return base::err(read.error());
  return config;
}

}  // namespace pool
