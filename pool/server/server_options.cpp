#include "pool/server/server_options.h"

#include "common/base/assert.h"
#include "pool/tools/stratum_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>

namespace pool {
namespace {

// Where miners connect with TLS; empty: nowhere.
std::string stratum_tls_hint(const StratumConfig& config) {
  if (config.tls_certificate.empty()) return {};
  for (const ListenConfig& listen : config.listen) {
    if (listen.tls != "off") return fmt::format("stratum+ssl://{}:{}", listen.host, listen.port);
  }
  return {};
}

CoherenceOptions coherence_options(const CoherenceConfig& config) {
  const auto difficulty = [](double hash_difficulty) {
    return *bitcoin::Difficulty::from_double(
        std::max(hash_difficulty / 4294967296.0, bitcoin::Difficulty::least));
  };
  CoherenceOptions options;
  options.enabled = config.enabled;
  options.difficulty.start = difficulty(config.start_difficulty);
  options.difficulty.min = difficulty(config.min_difficulty);
  options.difficulty.shares_per_minute = config.shares_per_minute;
  return options;
}

}  // namespace

JournalLoop::Options journal_options(const Config& config) {
  JournalLoop::Options options;
  options.data_dir = config.data_dir;
  options.fsync = config.stratum.durability == Durability::fsync;
  options.segment_bytes_max = static_cast<std::size_t>(config.journal.segment_bytes);
  options.fsync_window = std::chrono::milliseconds(config.journal.fsync_ms);
  options.bytes_max = static_cast<std::uint64_t>(config.journal.bytes_max);
  return options;
}

HttpLoop::Options http_options(const Config& config) {
  HttpLoop::Options options;
  options.listen = config.http.listen;
  options.network = config.network;
  options.payout_address = config.payout_address.text;
  options.scheme = config.payout.scheme;
  options.fee_ppm = config.payout.fee_ppm;
  const ListenConfig& first = config.stratum.listen.front();
  options.stratum_hint = fmt::format("stratum+tcp://{}:{}", first.host, first.port);
  options.stratum_tls_hint = stratum_tls_hint(config.stratum);
  options.coherence_ppm = config.payout.coherence_ppm;
  if (config.payout.scheme == "pplns") options.pplns_window = config.payout.pplns_window;
  options.minimum_sats = config.payout.minimum_sats;
  const HttpConfig& http = config.http;
  options.watchers_max = http.limits.watchers;
  options.per_address.connections_max = http.limits.connections_per_address;
  options.per_address.requests_per_second = http.limits.requests_per_second_per_address;
  for (const std::string& range : http.proxy_from) {
    options.per_address.proxies.push_back(*AddressRange::parse(range));
  }
  return options;
}

ShardOptions shard_options(const Config& config, std::uint32_t shards) {
  ShardOptions options;
  options.network = config.network;
  options.payout_address = config.payout_address.text;
  const StratumConfig& stratum = config.stratum;
  options.shard_count = shards;
  options.pool_instance = static_cast<std::uint8_t>(stratum.instance);
  options.ports.clear();
  for (const ListenConfig& listen : stratum.listen) {
    options.ports.push_back(difficulty_policy(stratum.difficulty, listen));
  }
  options.user_agents = user_agent_rules(stratum);
  options.coinbase_tiers = coinbase_tiers(stratum);
  options.stale_grace = std::chrono::milliseconds(stratum.stale_grace_ms);
  options.resume_window = std::chrono::seconds(stratum.resume_seconds);
  options.subscribe_deadline = std::chrono::seconds(stratum.limits.subscribe_seconds);
  options.authorize_deadline = std::chrono::seconds(stratum.limits.authorize_seconds);
  options.idle_deadline = std::chrono::seconds(stratum.limits.idle_seconds);
  options.welcome = stratum.welcome;
  options.version_mask = stratum.version_mask;
  options.address_limits = address_limits(stratum.limits, shards);
  options.coherence = coherence_options(config.coherence);
  return options;
}

ShardLoop::Endpoint endpoint_of(const ListenConfig& listen) {
  ShardLoop::Endpoint where{listen.host, listen.port};
  if (listen.tls == "off") where.tls = TlsMode::off;
  if (listen.tls == "only") where.tls = TlsMode::only;
  for (const std::string& text : listen.proxy_from) {
    const auto range = AddressRange::parse(text);
    ASSERT(range);  // the config was checked
    where.proxy_from.push_back(*range);
  }
  return where;
}

NodeLoop::Options node_options(const Config& config) {
  NodeLoop::Options options;
  options.nodes = config.nodes;
  options.network = config.network;
  options.data_dir = config.data_dir;
  options.job_source = job_source_options(config);
  options.expire = std::chrono::seconds(config.templates.expire_seconds);
  options.reconnect = std::chrono::seconds(config.templates.reconnect_seconds);
  const PayoutConfig& payout = config.payout;
  options.scheme = PayoutSchemeRecord{0,
                                      payout.scheme,
                                      payout.pplns_window,
                                      payout.fee_ppm,
                                      payout.coherence_ppm,
                                      bitcoin::Sats{payout.minimum_sats}};
  return options;
}

StoreLoop::Options store_options(const Config& config) {
  StoreLoop::Options options;
  options.database = config.database;
  options.data_dir = config.data_dir;
  options.stored_kept_for = std::chrono::hours(24) * config.journal.keep_days;
  options.stored_bytes_max = static_cast<std::uint64_t>(config.journal.keep_bytes);
  options.folder_bytes_max = static_cast<std::uint64_t>(config.journal.bytes_max);
  return options;
}

UpkeepLoop::Options upkeep_options(const Config& config) {
  UpkeepLoop::Options options;
  options.database = config.database;
  options.keep_shares_days = config.retention.shares_days;
  options.keep_minutes_days = config.retention.minutes_days;
  options.keep_events_days = config.retention.events_days;
  return options;
}

}  // namespace pool
