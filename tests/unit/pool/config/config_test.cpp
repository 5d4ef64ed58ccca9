#include "pool/config/config.h"

#include "pool/core/limits.h"

#include <doctest/doctest.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

using bitcoin::Network;

namespace {

// BIP173's example addresses: P2WPKH of the key in the BIP, on mainnet and testnet; the regtest
// one is the same program under the regtest prefix.
constexpr const char* mainnet_address = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
constexpr const char* testnet_address = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx";

using Environment = std::map<std::string, std::string>;

pool::GetEnv environment(Environment values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

base::Result<pool::Config, pool::ConfigError> parse(const std::string& json, Environment env = {}) {
  return pool::parse_config(json, "pool.json", environment(std::move(env)));
}

// `members` beside a valid payout address, on line 2 and following.
std::string with(const std::string& members) {
  return std::string("{ \"payout_address\": \"") + mainnet_address + "\",\n" + members + "\n}";
}

std::string error_of(const std::string& json, Environment env = {}) {
  const auto config = parse(json, std::move(env));
  if (config) return "(no error)";
  CHECK_EQ(config.error().why.find('\n'), std::string::npos);
  return config.error().why;
}

// Every leaf of the schema: its default under its environment variable's name, or its name alone.
void collect_defaults(const rapidjson::Value& entry, const std::string& variable, Environment& out,
                      std::vector<std::string>& without) {
  if (entry.HasMember("properties")) {
    for (const auto& property : entry["properties"].GetObject()) {
      std::string name = property.name.GetString();
      if (name == "$schema") continue;
      for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      collect_defaults(property.value, variable + "_" + name, out, without);
    }
    return;
  }
  if (entry.HasMember("items") && entry["items"].HasMember("properties")) {
    if (entry["items"].HasMember("required")) return;  // an entry of the list is nobody's default
    collect_defaults(entry["items"], variable + "_0", out, without);
    return;
  }
  if (!entry.HasMember("default")) {
    without.push_back(variable);
    return;
  }
  const rapidjson::Value& usual = entry["default"];
  rapidjson::StringBuffer text;
  rapidjson::Writer<rapidjson::StringBuffer> writer(text);
  if (!usual.IsArray()) usual.Accept(writer);
  out[variable] = usual.IsString() ? usual.GetString() : text.GetString();
}

// Every member, so that two configurations can be compared.
std::string everything_of(const pool::Config& c) {
  std::ostringstream out;
  out << network_name(c.network) << '|' << c.payout_address.text << '|' << c.coinbase_tag << '|'
      << c.data_dir << '|' << c.database << '\n';
  for (const pool::NodeConfig& n : c.nodes) {
    out << n.rpc << '|' << n.user << '|' << n.password << '|' << n.password_file << '|'
        << n.cookie_file;
    for (const std::string& zmq : n.zmq) out << '|' << zmq;
    out << '\n';
  }
  const pool::TemplatesConfig& t = c.templates;
  out << t.empty_first << '|' << t.refresh_seconds << '|' << t.fee_check_seconds << '|'
      << t.fee_rise_percent << '|' << t.expire_seconds << '|' << t.reconnect_seconds << '|'
      << c.payout.wallet << '\n';
  const pool::JournalConfig& j = c.journal;
  out << j.fsync_ms << '|' << j.segment_bytes << '|' << j.bytes_max << '|' << j.keep_days << '|'
      << j.keep_bytes << '\n';
  for (const pool::ListenConfig& l : c.stratum.listen) {
    out << l.host << '|' << l.port << '|' << l.tls << '|' << l.proxy_from.size() << '|'
        << l.difficulty_start.has_value() << l.difficulty_min.has_value()
        << l.difficulty_max.has_value() << '\n';
  }
  const pool::StratumConfig& s = c.stratum;
  out << s.tls_certificate << '|' << s.tls_key << '|' << s.shards << '|'
      << static_cast<int>(s.durability) << '|' << s.difficulty.start.text() << '|'
      << s.difficulty.min.text() << '|' << s.difficulty.max.has_value() << '|'
      << s.difficulty.vardiff << '|' << s.difficulty.shares_per_minute << '|'
      << s.difficulty.power_of_two << '|' << s.version_mask << '|' << s.stale_grace_ms << '|'
      << s.keepalive_seconds << '|' << s.resume_seconds << '|' << s.instance << '|' << s.welcome
      << '|' << s.user_agents.size() << '|' << s.coinbase_tiers.size() << '|'
      << s.limits.connections_per_address << '|' << s.limits.handshakes_per_address << '|'
      << s.limits.connects_per_minute_per_address << '|' << s.limits.lines_per_second << '|'
      << s.limits.lines_per_second_per_address << '|' << s.limits.ban_seconds << '|'
      << s.limits.subscribe_seconds << '|' << s.limits.authorize_seconds << '|'
      << s.limits.idle_seconds << '|' << c.coinbase_outputs.size() << '\n'
      << c.http.listen << '|' << c.http.admin_listen << '|' << c.http.tls << '|'
      << c.http.tls_certificate << '|' << c.http.tls_key << '|' << c.http.hsts_seconds << '|'
      << c.http.proxy_from.size() << '|' << c.http.limits.connections << '|'
      << c.http.limits.connections_per_address << '|'
      << c.http.limits.requests_per_second_per_address << '|' << c.http.limits.watchers << '|'
      << c.coherence.enabled << '|' << c.coherence.level << '|' << c.coherence.block_seconds << '|'
      << c.coherence.retarget_blocks << '|' << c.payout.scheme << '|' << c.payout.pplns_window
      << '|' << c.payout.fee_ppm << '|' << c.payout.coherence_ppm << '|' << c.payout.minimum_sats
      << '|' << c.log.level << '|' << c.log.format;
  return out.str();
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "pool_config_XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = (path_ / name).string();
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("a payout address is enough: every other key has a default") {
  const auto config = parse(with("\"network\": \"mainnet\""));
  REQUIRE(config);
  CHECK_EQ(config->payout_address.text, mainnet_address);
  CHECK_EQ(config->payout_address.script_pubkey.size(), 22);
  CHECK(config->network == Network::mainnet);
  CHECK_EQ(config->coinbase_tag, "/phasepool/");
  CHECK_EQ(config->data_dir, "/var/lib/phasepool");
  REQUIRE_EQ(config->nodes.size(), 1);
  CHECK_EQ(config->nodes[0].rpc, "http://127.0.0.1:8332");
  CHECK_EQ(config->database, "postgresql:///phasepool?host=/run/postgresql");
  REQUIRE_EQ(config->stratum.listen.size(), 1);
  CHECK_EQ(config->stratum.listen[0].host, "0.0.0.0");
  CHECK_EQ(config->stratum.listen[0].port, 3333);
  CHECK_EQ(config->stratum.shards, 0);
  CHECK(config->stratum.durability == pool::Durability::fsync);
  CHECK_EQ(config->stratum.difficulty.start.value(), 1024);
  CHECK_EQ(config->stratum.difficulty.min.value(), 0.001);
  CHECK_FALSE(config->stratum.difficulty.max);
  CHECK(config->stratum.difficulty.vardiff);
  CHECK_EQ(config->stratum.difficulty.shares_per_minute, 6);
  CHECK_EQ(config->stratum.version_mask, 0x1fffe000);
  CHECK_EQ(config->http.listen, "127.0.0.1:8080");
  CHECK_EQ(config->http.admin_listen, "127.0.0.1:8081");
  CHECK_EQ(config->payout.pplns_window, "2.0");
  CHECK_EQ(config->payout.fee_ppm, 10000);
  CHECK_EQ(config->log.level, "info");
}

TEST_CASE("every key is read") {
  const auto config = parse(R"({
    "$schema": "./pool.schema.json",
    "network": "testnet4", "payout_address": "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
    "coinbase_tag": "/mine/", "data_dir": "/tmp/x",
    "nodes": [
      { "rpc": "http://10.0.0.1:18443", "user": "u", "password": "p", "cookie_file": "", "zmq": "tcp://127.0.0.1:28332" },
      { "rpc": "http://[::1]", "cookie_file": "/c", "zmq": "ipc:///run/z,tcp://h:1,tcp://[::1]:2" } ],
    "templates": { "empty_first": false, "refresh_seconds": 5, "fee_check_seconds": 0,
                   "fee_rise_percent": 7, "expire_seconds": 11, "reconnect_seconds": 12 },
    "database": "postgres://u@h/db",
    "journal": { "fsync_ms": 0, "segment_bytes": 65536, "bytes_max": 1000000000000000,
                 "keep_days": 3650, "keep_bytes": 5000000000 },
    "stratum": {
      "listen": [ { "host": "::", "port": 1, "tls": "off", "proxy_from": ["10.0.0.0/8", "::1"] },
                  { "port": 65535, "tls": "only" } ],
      "tls_certificate": "/cert", "tls_key": "/key", "shards": 256, "durability": "relaxed",
      "difficulty": { "start": 2, "min": 0.5, "max": 16, "vardiff": false, "shares_per_minute": 20.5 },
      "version_mask": "00FFe000" },
    "http": { "listen": "localhost:80", "admin_listen": "" },
    "coherence": { "enabled": false, "level": 5, "block_seconds": 60, "retarget_blocks": 10 },
    "payout": { "scheme": "pps", "pplns_window": 0.10, "fee_ppm": 1, "coherence_ppm": 999999, "minimum_sats": 2100000000000000, "wallet": "pay" },
    "log": { "level": "trace", "format": "json" } })");
  REQUIRE_MESSAGE(config, error_of("{}"));
  CHECK(config->network == Network::testnet4);
  CHECK_EQ(config->nodes[0].password, "p");
  CHECK_EQ(config->nodes[0].zmq, std::vector<std::string>{"tcp://127.0.0.1:28332"});
  CHECK_EQ(config->nodes[1].zmq,
           std::vector<std::string>{"ipc:///run/z", "tcp://h:1", "tcp://[::1]:2"});
  CHECK_FALSE(config->templates.empty_first);
  CHECK_EQ(config->templates.refresh_seconds, 5);
  CHECK_EQ(config->templates.fee_check_seconds, 0);
  CHECK_EQ(config->templates.fee_rise_percent, 7);
  CHECK_EQ(config->templates.expire_seconds, 11);
  CHECK_EQ(config->templates.reconnect_seconds, 12);
  CHECK_EQ(config->payout.wallet, "pay");
  CHECK_EQ(config->journal.fsync_ms, 0);
  CHECK_EQ(config->journal.segment_bytes, 65536);
  CHECK_EQ(config->journal.bytes_max, 1'000'000'000'000'000);
  CHECK_EQ(config->journal.keep_days, 3650);
  CHECK_EQ(config->journal.keep_bytes, 5'000'000'000);
  CHECK_EQ(config->nodes[1].rpc, "http://[::1]:48332");
  CHECK_EQ(config->nodes[1].cookie_file, "/c");
  CHECK_EQ(config->stratum.listen[0].proxy_from, std::vector<std::string>{"10.0.0.0/8", "::1"});
  CHECK_EQ(config->stratum.listen[1].host, "0.0.0.0");
  CHECK_EQ(config->stratum.listen[1].tls, "only");
  CHECK_EQ(config->stratum.tls_key, "/key");
  CHECK_EQ(config->stratum.shards, 256);
  CHECK(config->stratum.durability == pool::Durability::relaxed);
  REQUIRE(config->stratum.difficulty.max);
  CHECK_EQ(config->stratum.difficulty.max->value(), 16);
  CHECK_EQ(config->stratum.difficulty.shares_per_minute, 20.5);
  CHECK_FALSE(config->stratum.difficulty.vardiff);
  CHECK_EQ(config->stratum.version_mask, 0x00ffe000);
  CHECK_EQ(config->http.listen, "127.0.0.1:80");
  CHECK_EQ(config->http.admin_listen, "");
  CHECK_FALSE(config->coherence.enabled);
  CHECK_EQ(config->coherence.level, 5);
  CHECK_EQ(config->coherence.block_seconds, 60);
  CHECK_EQ(config->coherence.retarget_blocks, 10);
  CHECK_EQ(config->payout.scheme, "pps");
  CHECK_EQ(config->payout.pplns_window, "0.10");
  CHECK_EQ(config->payout.minimum_sats, 2'100'000'000'000'000);
  CHECK_EQ(config->log.format, "json");
}

TEST_CASE("every key of the web side is read") {
  const auto config = parse(with(R"("http": {
    "listen": "localhost:80", "admin_listen": "", "tls": "only", "tls_certificate": "/web.cert",
    "tls_key": "/web.key", "hsts_seconds": 60, "proxy_from": ["192.0.2.0/24", "::1"],
    "limits": { "connections": 100, "connections_per_address": 7,
                "requests_per_second_per_address": 0, "watchers": 50 } })"));
  REQUIRE(config);
  CHECK_EQ(config->http.listen, "127.0.0.1:80");
  CHECK_EQ(config->http.admin_listen, "");
  CHECK_EQ(config->http.tls, "only");
  CHECK_EQ(config->http.tls_certificate, "/web.cert");
  CHECK_EQ(config->http.tls_key, "/web.key");
  CHECK_EQ(config->http.hsts_seconds, 60);
  CHECK_EQ(config->http.proxy_from, std::vector<std::string>{"192.0.2.0/24", "::1"});
  CHECK_EQ(config->http.limits.connections, 100);
  CHECK_EQ(config->http.limits.connections_per_address, 7);
  CHECK_EQ(config->http.limits.requests_per_second_per_address, 0);
  CHECK_EQ(config->http.limits.watchers, 50);
}

TEST_CASE("the node's port follows the network") {
  struct Row {
    const char* network;
    const char* address;
    const char* rpc;
  };
  // Bitcoin Core, chainparamsbase.cpp.
  const Row rows[] = {
      {"mainnet", mainnet_address, "http://127.0.0.1:8332"},
      {"testnet", testnet_address, "http://127.0.0.1:18332"},
      {"testnet4", testnet_address, "http://127.0.0.1:48332"},
      {"signet", testnet_address, "http://127.0.0.1:38332"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.network);
    const auto config = parse(std::string("{\"network\":\"") + row.network +
                              "\",\"payout_address\":\"" + row.address + "\"}");
    REQUIRE(config);
    CHECK_EQ(config->nodes[0].rpc, row.rpc);
  }
}

namespace {

struct WrongValue {
  const char* why;
  std::string json;
  std::string line;
};

const WrongValue wrong_values[] = {
    {"port too high", with("\"stratum\": { \"listen\": [\n{\n\"port\": 99999 } ] }"),
     "pool.json:4: stratum.listen[0].port: 99999 is not a port (expected an integer from 1 to "
     "65535)"},
    {"port zero", with("\"stratum\": {\"listen\": [{\"port\": 0}]}"),
     "pool.json:2: stratum.listen[0].port: 0 is not a port (expected an integer from 1 to "
     "65535)"},
    {"port as text", with("\"stratum\": {\"listen\": [{\"port\": \"3333\"}]}"),
     "pool.json:2: stratum.listen[0].port: \"3333\" is not a port (expected an integer from 1 "
     "to 65535)"},
    {"port with a fraction", with("\"stratum\": {\"listen\": [{\"port\": 3333.5}]}"),
     "pool.json:2: stratum.listen[0].port: 3333.5 is not a port (expected an integer from 1 to "
     "65535)"},
    {"second listener is the one at fault",
     with("\"stratum\": {\"listen\": [{},\n{\"tls\": \"on\"}]}"),
     "pool.json:3: stratum.listen[1].tls: \"on\" is not a TLS mode (expected \"auto\", \"off\" "
     "or \"only\")"},
    {"no listener at all", with("\"stratum\": {\"listen\": []}"),
     "pool.json:2: stratum.listen: an empty list is not a list of listeners (expected a list of "
     "1 to 16 listeners)"},
    {"an object where a list belongs", with("\"nodes\": {}"),
     "pool.json:2: nodes: an object is not a list of nodes (expected a list of 1 to 16 nodes)"},
    {"null", with("\"data_dir\": null"),
     "pool.json:2: data_dir: null is not a folder (expected the path of a folder)"},
    {"a switch as text", with("\"coherence\": {\"enabled\": \"yes\"}"),
     "pool.json:2: coherence.enabled: \"yes\" is not a switch (expected true or false)"},
    {"unknown network", with("\"network\": \"main\""),
     "pool.json:2: network: \"main\" is not a network (expected \"mainnet\", \"testnet\", "
     "\"testnet4\", \"signet\" or \"regtest\")"},
    {"negative shards", with("\"stratum\": {\"shards\": -1}"),
     "pool.json:2: stratum.shards: -1 is not a number of shards (expected an integer from 0 to "
     "256)"},
    {"difficulty zero", with("\"stratum\": {\"difficulty\": {\"start\": 0}}"),
     "pool.json:2: stratum.difficulty.start: 0 is not a difficulty (expected a number from "
     "2.3283064365386963e-10 (2^-32) to 2^63)"},
    {"difficulty beyond 2^63", with("\"stratum\": {\"difficulty\": {\"start\": 1e19}}"),
     "pool.json:2: stratum.difficulty.start: 1e19 is not a difficulty (expected a number from "
     "2.3283064365386963e-10 (2^-32) to 2^63)"},
    {"start below min", with("\"stratum\": {\"difficulty\": {\"start\": 1,\n\"min\": 5}}"),
     "pool.json:2: stratum.difficulty.start: 1 is below min, 5"},
    {"default start above max", with("\"stratum\": {\"difficulty\": {\"max\": 100}}"),
     "pool.json:2: stratum.difficulty.start: 1024 is above max, 100"},
    {"max below min",
     with("\"stratum\": {\"difficulty\": {\"start\": 5, \"min\": 5,\n\"max\": 4}}"),
     "pool.json:3: stratum.difficulty.max: 4 is below min, 5"},
    {"segments as long as what may wait",
     with("\"journal\": {\"bytes_max\": 4000000, \"segment_bytes\": 1000001}"),
     "pool.json:2: journal.segment_bytes: 1000001 is more than a quarter of bytes_max, 4000000"},
    {"templates that expire before the next one is asked for",
     with("\"templates\": {\"refresh_seconds\": 600, \"fee_check_seconds\": 0}"),
     "pool.json:2: templates.expire_seconds: 120 is less than twice the time between two "
     "templates, 600"},
    {"the same, where they are asked for more often",
     with("\"templates\": {\"fee_check_seconds\": 20, \"expire_seconds\": 39}"),
     "pool.json:2: templates.expire_seconds: 39 is less than twice the time between two "
     "templates, 20"},
    {"mask not hexadecimal", with("\"stratum\": {\"version_mask\": \"1fffe00g\"}"),
     "pool.json:2: stratum.version_mask: \"1fffe00g\" is not a version mask (expected 8 "
     "hexadecimal digits, bits of 1fffe000 only)"},
    {"mask outside BIP320", with("\"stratum\": {\"version_mask\": \"3fffe000\"}"),
     "pool.json:2: stratum.version_mask: \"3fffe000\" is not a version mask (expected 8 "
     "hexadecimal digits, bits of 1fffe000 only)"},
    {"RPC over https", with("\"nodes\": [{\"rpc\": \"https://127.0.0.1\"}]"),
     "pool.json:2: nodes[0].rpc: \"https://127.0.0.1\" is not the address of a node's RPC "
     "(expected http://host:port)"},
    {"RPC with a password in it", with("\"nodes\": [{\"rpc\": \"http://u:p@host:1\"}]"),
     "pool.json:2: nodes[0].rpc: \"http://u:p@host:1\" is not the address of a node's RPC "
     "(expected http://host:port)"},
    {"RPC port too high", with("\"nodes\": [{\"rpc\": \"http://host:70000\"}]"),
     "pool.json:2: nodes[0].rpc: \"http://host:70000\" is not the address of a node's RPC "
     "(expected http://host:port)"},
    {"password without user", with("\"nodes\": [{\n\"password\": \"p\"}]"),
     "pool.json:3: nodes[0].password: a password needs a user beside it"},
    {"password twice",
     with("\"nodes\": [{\"user\": \"u\", \"password\": \"p\", \"password_file\": \"f\"}]"),
     "pool.json:2: nodes[0].password_file: a password is given too; one of the two is enough"},
    {"user and cookie", with("\"nodes\": [{\"user\": \"u\", \"cookie_file\": \"f\"}]"),
     "pool.json:2: nodes[0].cookie_file: user is given too; use one way to log in"},
    {"a password is never shown", with("\"nodes\": [{\"user\": \"u\", \"password\": 1234}]"),
     "pool.json:2: nodes[0].password: the value given is not a password (expected a string)"},
    {"a database address is never shown", with("\"database\": \"mysql://u:secret@h/x\""),
     "pool.json:2: database: the value given is not the address of a database (expected "
     "postgresql://user:password@host/name, or file:/path of a file that holds it)"},
    {"ZMQ without a port", with("\"nodes\": [{\"zmq\": \"tcp://127.0.0.1\"}]"),
     "pool.json:2: nodes[0].zmq: \"tcp://127.0.0.1\" is not the address of a node's ZMQ "
     "publisher (expected tcp://host:port, ipc://path, several of them with commas between, "
     "or nothing)"},
    {"a name to listen on", with("\"stratum\": {\"listen\": [{\"host\": \"pool.example\"}]}"),
     "pool.json:2: stratum.listen[0].host: \"pool.example\" is not an address to listen on "
     "(expected an IP address such as 0.0.0.0 or ::)"},
    {"HTTP without a port", with("\"http\": {\"listen\": \"127.0.0.1\"}"),
     "pool.json:2: http.listen: \"127.0.0.1\" is not an address to listen on (expected "
     "host:port, such as 127.0.0.1:8080 or [::]:8080)"},
    {"range with too many bits",
     with("\"stratum\": {\"listen\": [{\"proxy_from\": [\"::1\",\n\"10.0.0.0/33\"]}]}"),
     "pool.json:3: stratum.listen[0].proxy_from[1]: \"10.0.0.0/33\" is not an IP address or "
     "range (expected an IP address or range, such as 10.0.0.0/8)"},
    {"one port for two", with("\"stratum\": {\"listen\": [{\"port\": 8080}]}"),
     "pool.json:1: http.listen: port 8080 is taken by stratum.listen as well; give one of them "
     "another"},
    {"orders from everywhere", with("\"http\": {\"admin_listen\": \"0.0.0.0:8081\"}"),
     "pool.json:2: http.admin_listen: 0.0.0.0 is not a loopback address"},
    {"the same listener twice", with("\"stratum\": {\"listen\": [{},\n{}]}"),
     "pool.json:3: stratum.listen[1]: port 3333 is taken by stratum.listen as well; give one of "
     "them another"},
    {"TLS only without a certificate", with("\"stratum\": {\"listen\": [{\"tls\": \"only\"}]}"),
     "pool.json:2: stratum.listen[0].tls: \"only\" needs stratum.tls_certificate and "
     "stratum.tls_key"},
    {"a certificate without its key", with("\"stratum\": {\"tls_certificate\": \"/c\"}"),
     "pool.json:2: stratum.tls_certificate: stratum.tls_key is missing beside it"},
    {"a web page over TLS only without a certificate", with("\"http\": {\"tls\": \"only\"}"),
     "pool.json:2: http.tls: \"only\" needs http.tls_certificate and http.tls_key"},
    {"a web key without its certificate", with("\"http\": {\"tls_key\": \"/k\"}"),
     "pool.json:2: http.tls_key: http.tls_certificate is missing beside it"},
    {"a proxy by name", with("\"http\": {\"proxy_from\": [\"10.0.0.1\",\n\"10.0.0.0/33\"]}"),
     "pool.json:3: http.proxy_from[1]: \"10.0.0.0/33\" is not an IP address or range (expected "
     "an IP address or range, such as 10.0.0.0/8)"},
    {"more watchers than there may be", with("\"http\": {\"limits\": {\"watchers\": 100001}}"),
     "pool.json:2: http.limits.watchers: 100001 is not a number of connections (expected an "
     "integer from 0 to 100000)"},
    {"parts beyond the whole", with("\"payout\": {\"fee_ppm\": 600000, \"coherence_ppm\": 500000}"),
     "pool.json:2: payout.coherence_ppm: 500000 and fee_ppm, 600000, are more than the whole "
     "reward together (1000000)"},
    {"window zero", with("\"payout\": {\"pplns_window\": 0}"),
     "pool.json:2: payout.pplns_window: 0 is not a PPLNS window (expected a plain decimal number "
     "above 0, at most 1000, with at most 18 decimals, such as 2.0)"},
    {"window with an exponent", with("\"payout\": {\"pplns_window\": 2e0}"),
     "pool.json:2: payout.pplns_window: 2e0 is not a PPLNS window (expected a plain decimal "
     "number above 0, at most 1000, with at most 18 decimals, such as 2.0)"},
    {"window finer than the database keeps it",
     with("\"payout\": {\"pplns_window\": 2.0000000000000000001}"),
     "pool.json:2: payout.pplns_window: 2.0000000000000000001 is not a PPLNS window (expected a "
     "plain decimal number above 0, at most 1000, with at most 18 decimals, such as 2.0)"},
    {"tag too long", with("\"coinbase_tag\": \"" + std::string(61, 'x') + "\""),
     "pool.json:2: coinbase_tag: \"" + std::string(60, 'x') +
         "…\" is not a coinbase tag (expected at most 60 printable ASCII characters)"},
    {"control character in the tag", with("\"coinbase_tag\": \"a\\nb\""),
     "pool.json:2: coinbase_tag: \"a?b\" is not a coinbase tag (expected at most 60 printable "
     "ASCII characters)"},
    {"the whole file is a list", "[]",
     "pool.json:1: an empty list is not the configuration of phasepool (expected an object in "
     "braces)"},
    {"no payout address", "{\n}",
     "pool.json: payout_address: missing (expected an address of the network, here or in "
     "PHASEPOOL_PAYOUT_ADDRESS)"},
};

}  // namespace

TEST_CASE("a wrong value gets one line that names file, line, key, value and what was expected") {
  for (const WrongValue& row : wrong_values) {
    CAPTURE(row.why);
    CHECK_EQ(error_of(row.json), row.line);
  }
}

TEST_CASE("an address of another network is told which network it belongs to") {
  const std::string json = std::string("{\n\"payout_address\": \"") + testnet_address + "\" }";
  const std::string error = error_of(json);
  CHECK_EQ(error.rfind("pool.json:2: payout_address: not a valid address of mainnet: ", 0), 0);
  CHECK_NE(error.find("(it is an address of testnet)"), std::string::npos);
  // One character changed: no network has it.
  CHECK_EQ(error_of("{\"payout_address\": \"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5\"}")
               .find("it is an address"),
           std::string::npos);
}

TEST_CASE("an unknown key is named with its line and the key that was probably meant") {
  struct Row {
    const char* why;
    std::string json;
    std::string line;
  };
  const Row rows[] = {
      {"one letter missing", with("\"stratum\": {\n\"shard\": 1 }"),
       "pool.json:3: stratum.shard: unknown key; did you mean \"shards\"?"},
      {"letters swapped", with("\"stratum\": {\"listen\": [{\"prot\": 1}]}"),
       "pool.json:2: stratum.listen[0].prot: unknown key; did you mean \"port\"?"},
      {"right key, wrong place", with("\"durability\": \"fsync\""),
       "pool.json:2: durability: unknown key; did you mean stratum.durability?"},
      {"right key, a list's", with("\"cookie_file\": \"x\""),
       "pool.json:2: cookie_file: unknown key; did you mean nodes[].cookie_file?"},
      {"like nothing", with("\"log\": {\"frobnicate\": 1}"),
       "pool.json:2: log.frobnicate: unknown key; known here: level, format"},
      {"escapes of JSON pointers", with("\"a/b~c\": 1"),
       "pool.json:2: a/b~c: unknown key; known here: network, payout_address, coinbase_tag, "
       "coinbase_outputs, data_dir, nodes, templates, database, journal, stratum, http, coherence, "
       "payout, retention, log"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK_EQ(error_of(row.json), row.line);
  }
  // A key of any length and content stays one short line.
  CHECK_LT(error_of(with("\"" + std::string(500'000, 'k') + "\": 1")).size(), 400);
}

TEST_CASE("texts that are not JSON are refused with the line") {
  struct Row {
    const char* why;
    std::string json;
    const char* starts;
  };
  const Row rows[] = {
      {"empty", "", "pool.json:1: not valid JSON: "},
      {"white space only", "\n\n", "pool.json:3: not valid JSON: "},
      {"comma missing", "{\n\"network\": \"regtest\"\n\"data_dir\": \"x\" }",
       "pool.json:3: not valid JSON: "},
      {"not closed", "{\n\n", "pool.json:3: not valid JSON: "},
      {"comment not closed", "{ /* \n\n", "pool.json:3: not valid JSON: "},
      {"something after the end", "{}\n{}", "pool.json:2: not valid JSON: "},
      {"raw newline in a string", "{\"a\n\": 1}", "pool.json:1: not valid JSON: "},
      {"not UTF-8", "{\"network\": \"\xff\"}", "pool.json:1: not valid JSON: "},
      {"UTF-16", std::string("\xff\xfe{\0}\0", 6), "pool.json:1: not a text file"},
      {"a zero byte hides nothing", std::string("{}\n\0garbage", 11),
       "pool.json:2: not a text file: it holds a zero byte"},
      {"a key twice", "{\n\"log\": {},\n\n\"log\": {} }",
       "pool.json:4: /log is given twice (first on line 2)"},
      {"the same key in another spelling", "{ \"log\": {}, \"\\u006cog\": {} }",
       "pool.json:1: /log is given twice (first on line 1)"},
      {"a number too big for a double", "{\n\"stratum\": 1e400}",
       "pool.json:2: not valid JSON: Number too big"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const std::string error = error_of(row.json);
    CAPTURE(error);
    CHECK_EQ(error.rfind(row.starts, 0), 0);
  }
}

TEST_CASE("deep and huge garbage is refused, not followed") {
  for (const char* open : {"[", "{\"a\":"}) {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += open;
    CHECK_EQ(error_of(deep), "pool.json:1: nested deeper than 32 levels");
  }
  CHECK_NE(error_of(std::string(300'000, '/')), "(no error)");
  CHECK_NE(error_of(std::string(300'000, '"')), "(no error)");
  CHECK_NE(error_of("{\"a\": " + std::string(300'000, '9') + "}"), "(no error)");
}

TEST_CASE("every cut of a good file is an error, never a crash") {
  const std::string good = with("\"stratum\": { \"listen\": [ { \"port\": 3333 } ] } // end\n");
  REQUIRE(parse(good));
  const std::size_t brace = good.rfind('}');
  for (std::size_t length = 0; length <= brace; ++length) {
    CAPTURE(length);
    CHECK_FALSE(parse(good.substr(0, length)));
  }
}

TEST_CASE("comments, CRLF and a byte order mark are no obstacle") {
  CHECK(parse("// the pool\n{ /* here */ \"payout_address\": \"" + std::string(mainnet_address) +
              "\" // there\n}\n/* end */"));
  CHECK(parse("\xEF\xBB\xBF" + with("\"network\": \"mainnet\"")));
  CHECK_EQ(error_of("\xEF\xBB\xBF{\r\n// one\r\n\"netwrk\": 1\r\n}"),
           "pool.json:3: netwrk: unknown key; did you mean \"network\"?");
}

TEST_CASE("the environment is put over the file") {
  const auto config = parse(with("\"stratum\": {\"shards\": 2, \"durability\": \"relaxed\"}"),
                            {{"PHASEPOOL_STRATUM_SHARDS", "7"},
                             {"PHASEPOOL_STRATUM_DIFFICULTY_START", "0.5"},
                             {"PHASEPOOL_STRATUM_DIFFICULTY_VARDIFF", "false"},
                             {"PHASEPOOL_NODES_0_RPC", "http://node:1234"},
                             {"PHASEPOOL_NODES_1_RPC", "http://other"},
                             {"PHASEPOOL_STRATUM_LISTEN_0_PROXY_FROM", "10.0.0.0/8, ::1"},
                             {"PHASEPOOL_PAYOUT_PPLNS_WINDOW", "0.3"},
                             {"PHASEPOOL_DATA_DIR", "/elsewhere"},
                             {"PHASEPOOL_HTTP_ADMIN_LISTEN", ""}});
  REQUIRE(config);
  CHECK_EQ(config->stratum.shards, 7);
  CHECK(config->stratum.durability == pool::Durability::relaxed);
  CHECK_EQ(config->stratum.difficulty.start.value(), 0.5);
  CHECK_FALSE(config->stratum.difficulty.vardiff);
  REQUIRE_EQ(config->nodes.size(), 2);
  CHECK_EQ(config->nodes[0].rpc, "http://node:1234");
  CHECK_EQ(config->nodes[1].rpc, "http://other:8332");
  CHECK_EQ(config->stratum.listen[0].proxy_from, std::vector<std::string>{"10.0.0.0/8", "::1"});
  CHECK_EQ(config->payout.pplns_window, "0.3");
  CHECK_EQ(config->data_dir, "/elsewhere");
  CHECK_EQ(config->http.admin_listen, "");
}

TEST_CASE("the environment alone can hold the address, and may replace a wrong value") {
  CHECK(parse("{}", {{"PHASEPOOL_PAYOUT_ADDRESS", mainnet_address}}));
  CHECK(parse(with("\"network\": \"x\""), {{"PHASEPOOL_NETWORK", "mainnet"}}));
}

TEST_CASE("a wrong value from the environment is blamed on its variable") {
  struct Row {
    const char* why;
    Environment env;
    const char* line;
  };
  const Row rows[] = {
      {"not a number",
       {{"PHASEPOOL_STRATUM_SHARDS", "many"}},
       "environment PHASEPOOL_STRATUM_SHARDS: stratum.shards: \"many\" is not a number of shards "
       "(expected an integer from 0 to 256)"},
      {"number and more",
       {{"PHASEPOOL_STRATUM_SHARDS", "2 # two"}},
       "environment PHASEPOOL_STRATUM_SHARDS: stratum.shards: \"2 # two\" is not a number of "
       "shards (expected an integer from 0 to 256)"},
      {"out of range",
       {{"PHASEPOOL_STRATUM_LISTEN_0_PORT", "99999"}},
       "environment PHASEPOOL_STRATUM_LISTEN_0_PORT: stratum.listen[0].port: 99999 is not a port "
       "(expected an integer from 1 to 65535)"},
      {"empty number",
       {{"PHASEPOOL_PAYOUT_FEE_PPM", ""}},
       "environment PHASEPOOL_PAYOUT_FEE_PPM: payout.fee_ppm: \"\" is not a fee (expected an "
       "integer from 0 to 1000000, in parts per million)"},
      {"not a switch",
       {{"PHASEPOOL_COHERENCE_ENABLED", "on"}},
       "environment PHASEPOOL_COHERENCE_ENABLED: coherence.enabled: \"on\" is not a switch "
       "(expected true or false)"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK_EQ(error_of(with("\"network\": \"mainnet\""), row.env), row.line);
  }
  // A gap in a list: the entry before is missing.
  CHECK_NE(error_of(with("\"network\": \"mainnet\""), {{"PHASEPOOL_NODES_1_RPC", "http://x"}}),
           "(no error)");
  // The file's own mistake is not papered over.
  CHECK_EQ(error_of(with("\"stratum\": 5"), {{"PHASEPOOL_STRATUM_SHARDS", "1"}}),
           "pool.json:2: stratum: 5 is not the Stratum settings (expected an object in braces)");
}

TEST_CASE("the schema's defaults are those of the program") {
  rapidjson::Document schema;
  schema.Parse(pool::config_schema().data(), pool::config_schema().size());
  REQUIRE_FALSE(schema.HasParseError());
  Environment defaults;
  std::vector<std::string> without;
  collect_defaults(schema, "PHASEPOOL", defaults, without);
  CHECK_EQ(without, std::vector<std::string>{"PHASEPOOL_PAYOUT_ADDRESS"});
  CHECK_GE(defaults.size(), 35);

  const auto usual = parse(with("\"network\": \"mainnet\""));
  REQUIRE(usual);
  // Giving every default explicitly changes nothing.
  const auto given = parse(with("\"network\": \"mainnet\""), defaults);
  REQUIRE_MESSAGE(given, error_of(with("\"network\": \"mainnet\""), defaults));
  CHECK_EQ(everything_of(*given), everything_of(*usual));
  // And the struct's own initialisers agree, where the parse leaves them alone.
  const pool::Config fresh;
  CHECK_EQ(fresh.http.hsts_seconds, usual->http.hsts_seconds);
  CHECK_EQ(fresh.http.limits.connections, pool::limits::http_connections_max);
  CHECK_EQ(fresh.http.limits.connections_per_address,
           pool::limits::http_connections_per_address_max);
  CHECK_EQ(fresh.http.limits.requests_per_second_per_address,
           pool::limits::http_requests_per_second_per_address);
  CHECK_EQ(fresh.http.limits.watchers, pool::limits::http_watchers_max);
  CHECK_EQ(fresh.coinbase_tag, usual->coinbase_tag);
  CHECK_EQ(fresh.database, usual->database);
  CHECK_EQ(fresh.stratum.version_mask, usual->stratum.version_mask);
  CHECK_EQ(fresh.payout.pplns_window, usual->payout.pplns_window);
}

TEST_CASE("load_config reads the file and the secrets that it keeps in files") {
  const TemporaryFolder folder;
  const std::string password = folder.write("password", "s3cret\r\nignored\n");
  const std::string uri = folder.write("database", "postgresql://u:p@h/db\n");
  const std::string path =
      folder.write("pool.json", with("\"database\": \"file:" + uri +
                                     "\",\n\"nodes\": [{\"user\": \"u\", \"password_file\": \"" +
                                     password + "\"}]"));
  const auto config = pool::load_config(path, environment({}));
  REQUIRE(config);
  CHECK_EQ(config->nodes[0].password, "s3cret");
  CHECK_EQ(config->database, "postgresql://u:p@h/db");
}

TEST_CASE("load_config says which file can't be read") {
  const TemporaryFolder folder;
  const auto error = [&](const std::string& path) {
    const auto config = pool::load_config(path, environment({}));
    return config ? std::string("(no error)") : config.error().why;
  };
  CHECK_EQ(
      error(folder.path("absent.json")),
      folder.path("absent.json") + ": the configuration can't be read: No such file or directory");
  CHECK_EQ(error(folder.path(".")),
           folder.path(".") + ": the configuration can't be read: Is a directory");
  const std::string huge = folder.write("huge.json", std::string(1024 * 1024 + 1, ' '));
  CHECK_EQ(error(huge), huge + ": the configuration can't be read: larger than 1048576 bytes");

  const std::string absent = folder.path("absent");
  const std::string path = folder.write(
      "pool.json", with("\"nodes\": [{\"user\": \"u\",\n\"password_file\": \"" + absent + "\"}]"));
  CHECK_EQ(error(path),
           path + ":3: nodes[0].password_file: " + absent + ": No such file or directory");
  const std::string empty = folder.write("empty", "\nsecret below\n");
  const std::string path2 =
      folder.write("pool2.json", with("\"database\": \"file:" + empty + "\""));
  CHECK_EQ(error(path2), path2 + ":2: database: " + empty + ": its first line is empty");
}
