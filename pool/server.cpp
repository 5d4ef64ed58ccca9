// Start:  look at everything that can be wrong before any thread runs (database, node, data_dir,
//         ports), then journal, store, query, http, coherence work, shards, and last the node loop,
//         which publishes the first job.
// Stop:   in reverse of what flows: shards (no new shares; accepted ones are answered), coherence
//         work (its verdicts are what shards wait for), node (blocks in flight are sent), journal
//         (all is on disk), store (what is on disk is shipped), http.
//
// Each loop is a thread and owns what it works on; the hooks below are the whole message graph.
#include "pool/server.h"

#include "common/base/assert.h"
#include "common/base/random.h"
#include "common/crypto/sha256.h"
#include "common/log.h"
#include "common/uv/clock.h"
#include "common/uv/loop.h"
#include "pool/coherence_threads.h"
#include "pool/core/descriptor_budget.h"
#include "pool/core/limits.h"
#include "pool/data_dir.h"
#include "pool/database_thread.h"
#include "pool/http/http_loop.h"
#include "pool/journal/journal_loop.h"
#include "pool/messages.h"
#include "pool/net/shard_loop.h"
#include "pool/node/node_check.h"
#include "pool/node/node_loop.h"
#include "pool/store/migrate.h"
#include "pool/store/query_loop.h"
#include "pool/store/store_loop.h"
#include "pool/store/upkeep_loop.h"
#include "pool/tools/admin_token.h"
#include "pool/tools/stratum_settings.h"
#include "pool/tools/tls_files.h"
#include "pool/version.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr auto node_check_deadline = 10s;

int fail(const std::string& why) {
  std::fprintf(stderr, "phasepool: %s\n", why.c_str());
  return 1;
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

// Raises the process's soft limit of descriptors to its hard one, and returns it.
std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  if (limit.rlim_cur < limit.rlim_max && setrlimit(RLIMIT_NOFILE, &raised) == 0)
    return raised.rlim_cur;
  return limit.rlim_cur;
}

void log_certificate(std::string_view event, const net::TlsContext& tls) {
  const CertificateText certificate = describe_certificate(tls);
  if (certificate.expired) {
    LOG(warning, event, {"certificate", certificate.text}, {"problem", "it has expired"});
  } else {
    LOG(info, event, {"certificate", certificate.text});
  }
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

// Where miners connect with TLS; empty: nowhere.
std::string stratum_tls_hint(const StratumConfig& config) {
  if (config.tls_certificate.empty()) return {};
  for (const ListenConfig& listen : config.listen) {
    if (listen.tls != "off") return fmt::format("stratum+ssl://{}:{}", listen.host, listen.port);
  }
  return {};
}

CoherenceOptions coherence_options(const CoherenceConfig& config, std::uint64_t first_counter) {
  const auto difficulty = [](double hash_difficulty) {
    return *bitcoin::Difficulty::from_double(
        std::max(hash_difficulty / 4294967296.0, bitcoin::Difficulty::least));
  };
  CoherenceOptions options;
  options.enabled = config.enabled;
  options.difficulty.start = difficulty(config.start_difficulty);
  options.difficulty.min = difficulty(config.min_difficulty);
  options.difficulty.shares_per_minute = config.shares_per_minute;
  options.first_extranonce_counter = first_counter;
  return options;
}

// The newest NewJob replaces a waiting one, and remembers if that one was of a new tip. Who waits
// for either job, waits for this one.
void keep_clean_jobs(const ShardMessage& waiting, ShardMessage& incoming) {
  const auto& old_job = std::get<NewJob>(waiting);
  auto& new_job = std::get<NewJob>(incoming);
  new_job.replaced_clean = old_job.replaced_clean || old_job.job->clean_jobs;
  new_job.spread = std::min(new_job.spread, old_job.spread);
}

// The same of coherence work. Where there is none any more, nothing of it need be kept.
void keep_clean_coherence(const ShardMessage& waiting, ShardMessage& incoming) {
  const auto& old_job = std::get<NewCoherenceJob>(waiting);
  const bool was_clean = old_job.job == nullptr || old_job.job->clean;
  std::get<NewCoherenceJob>(incoming).replaced_clean = old_job.replaced_clean || was_clean;
}

bool same_coherence(const ShardMessage& waiting, const ShardMessage& incoming) {
  return std::holds_alternative<NewCoherenceJob>(waiting) &&
         std::holds_alternative<NewCoherenceJob>(incoming);
}

bool same_job_kind(const ShardMessage& waiting, const ShardMessage& incoming) {
  return std::holds_alternative<NewJob>(waiting) && std::holds_alternative<NewJob>(incoming);
}

// Statistics of one sender replace the same sender's.
bool same_sender(const HttpMessage& waiting, const HttpMessage& incoming) {
  if (waiting.index() != incoming.index()) return false;
  const auto* stats = std::get_if<ShardStats>(&waiting);
  if (stats != nullptr) return stats->shard == std::get<ShardStats>(incoming).shard;
  return !std::holds_alternative<QueryResult>(waiting) &&
         !std::holds_alternative<SubmitsRejected>(waiting) &&
         !std::holds_alternative<TipTold>(waiting);
}

class Server {
 public:
  Server(const Config& config, const ReadConfig& read_again)
      : config_(config), read_again_(read_again), random_(random_seed()) {}

  // Empty when everything is ready to run; else the one line for the operator.
  std::string open();
  void run();

 private:
  std::string check_database();
  std::string check_nodes() const;
  std::string open_journal();
  std::string open_http();
  std::string secure_http(HttpLoop::Options& options) const;
  void budget_connections();
  std::string open_shards();
  std::string open_tls();
  OrderDone reload();
  AdminSite::Sources::Posted post_order(const OperatorOrder& order);
  void reload_tls(const Config& config);
  template <class Message>
  void tell_other_shards(std::uint32_t sender, const Message& message);
  void open_node();
  void open_store();
  std::string open_coherence();
  ShardOptions shard_options(std::uint32_t index);
  NodeLoop::Hooks node_hooks();
  JournalLoop::Hooks journal_hooks();
  void tell_http(HttpMessage message);
  void tell_http(OrderDone done);
  void start();
  void stop();

  const Config& config_;
  const ReadConfig& read_again_;
  base::Random random_;
  std::uint32_t shard_count_ = 1;
  DescriptorBudget budget_;
  std::unique_ptr<uv::Mailbox<MainMessage>> main_;  // while run() waits for signals
  std::unique_ptr<HttpLoop> http_;
  std::unique_ptr<QueryLoop> query_;
  std::unique_ptr<QueryLoop> slow_query_;
  std::unique_ptr<StoreLoop> store_;
  std::unique_ptr<UpkeepLoop> upkeep_;
  std::unique_ptr<JournalLoop> journal_;
  std::unique_ptr<NodeLoop> node_;
  std::vector<std::unique_ptr<ShardLoop>> shards_;
  std::unique_ptr<CoherenceThreads> coherence_;  // null: there is no such work
  std::thread http_thread_, journal_thread_, node_thread_;
  DatabaseThread query_thread_, slow_query_thread_, store_thread_, upkeep_thread_;
  std::vector<std::thread> shard_threads_;
};

// ---------------------------------------------------------------- what can be wrong

std::string Server::open() {
  if (auto ready = prepare_data_dir(config_.data_dir); !ready) return ready.error();
  if (auto why = check_database(); !why.empty()) return why;
  if (auto why = check_nodes(); !why.empty()) return why;
  budget_connections();
  if (auto why = open_journal(); !why.empty()) return why;
  if (auto why = open_http(); !why.empty()) return why;
  if (auto why = open_shards(); !why.empty()) return why;
  if (auto why = open_tls(); !why.empty()) return why;
  open_node();
  open_store();
  return open_coherence();
}

// A pool that has never seen its database must see it once: a wrong connection string would else be
// noticed only when the journal fills the disk. One that has served it before can wait for it.
std::string Server::check_database() {
  const auto state = schema_state(config_.database);
  if (!state) {
    if (!has_served(config_.data_dir, config_.database)) {
      return fmt::format("{}; start PostgreSQL, or correct \"database\" in the config",
                         state.error());
    }
    LOG(warning, "database_away", {"error", state.error()},
        {"effect", "serving without it; shares are journalled and shipped when it is back"});
    return {};
  }
  switch (*state) {
    case SchemaState::current:
      break;
    case SchemaState::newer:
      return "the database's schema is newer than this program. Install the newer phasepool.";
    case SchemaState::older:
      return "the database's schema is older than this program. Run: phasepool migrate -c FILE";
    case SchemaState::absent:
      return "the database has no phasepool schema yet. Run: phasepool migrate -c FILE";
  }
  return {};
}

// One node that can give work is enough to start.
std::string Server::check_nodes() const {
  std::string first_error;
  for (const NodeConfig& node : config_.nodes) {
    const auto checked = check_node(node, config_.network, node_check_deadline);
    if (checked) return {};
    if (first_error.empty()) first_error = checked.error();
    LOG(warning, "node_not_usable", {"error", checked.error()});
  }
  return first_error;
}

// ---------------------------------------------------------------- the loops and their hooks

std::string Server::open_journal() {
  JournalLoop::Options options;
  options.data_dir = config_.data_dir;
  options.fsync = config_.stratum.durability == Durability::fsync;
  options.segment_bytes_max = static_cast<std::size_t>(config_.journal.segment_bytes);
  options.fsync_window = std::chrono::milliseconds(config_.journal.fsync_ms);
  options.bytes_max = static_cast<std::uint64_t>(config_.journal.bytes_max);
  auto opened = JournalLoop::open(options, journal_hooks());
  if (!opened) return opened.error();
  journal_ = std::move(*opened);
  return {};
}

JournalLoop::Hooks Server::journal_hooks() {
  JournalLoop::Hooks hooks;
  hooks.durable = [this](JournalSource source, Durable message) {
    if (source == journal_source_node) {
      if (!node_->mailbox().post_latest(message)) node_->mailbox().post_reserved(message);
    } else if (source != journal_source_coherence) {  // whose events nobody waits for
      auto& shard = shards_.at(source.value)->mailbox();
      if (!shard.post_latest(message)) shard.post_reserved(message);
    }
  };
  hooks.not_durable = [this](JournalSource source, NotDurable message) {
    if (source == journal_source_node) {
      node_->mailbox().post_reserved(message);
    } else if (source != journal_source_coherence) {
      shards_.at(source.value)->mailbox().post_reserved(message);
    }
  };
  hooks.advanced = [this](JournalAdvanced message) {
    // Only the newest counts, and StoreLoop takes whatever comes; a full box already holds one.
    (void)store_->mailbox().post_latest_anywhere(message);
  };
  hooks.status = [this](JournalStatus status) { tell_http(std::move(status)); };
  if (config_.coherence.enabled) {
    hooks.head = [this](const JournalHead& head) { coherence_->tell(head); };
  }
  return hooks;
}

// How the web listener is guarded: TLS, and what an address may take.
std::string Server::secure_http(HttpLoop::Options& options) const {
  const HttpConfig& http = config_.http;
  options.watchers_max = http.limits.watchers;
  options.per_address.connections_max = http.limits.connections_per_address;
  options.per_address.requests_per_second = http.limits.requests_per_second_per_address;
  for (const std::string& range : http.proxy_from) {
    options.per_address.proxies.push_back(*AddressRange::parse(range));
  }
  const auto tls = load_tls(http);
  if (!tls) return tls.error();
  if (*tls == nullptr) return {};
  options.tls = *tls;
  options.tls_only = http.tls == "only";
  options.strict_transport = std::chrono::seconds(http.hsts_seconds);
  log_certificate("http_tls_ready", **tls);
  return {};
}

std::string Server::open_http() {
  HttpLoop::Options options;
  options.listen = config_.http.listen;
  options.network = config_.network;
  options.version = version;
  options.payout_address = config_.payout_address.text;
  options.scheme = config_.payout.scheme;
  options.fee_ppm = config_.payout.fee_ppm;
  options.connections_max = budget_.http_connections;
  if (auto why = secure_http(options); !why.empty()) return why;
  const ListenConfig& first = config_.stratum.listen.front();
  options.stratum_hint = fmt::format("stratum+tcp://{}:{}", first.host, first.port);
  options.stratum_tls_hint = stratum_tls_hint(config_.stratum);
  options.coherence_ppm = config_.payout.coherence_ppm;
  if (config_.payout.scheme == "pplns") options.pplns_window = config_.payout.pplns_window;
  options.minimum_sats = config_.payout.minimum_sats;
  if (!config_.http.admin_listen.empty()) {
    const auto token = prepare_admin_token(config_.data_dir);
    if (!token) return token.error();
    options.admin_listen = config_.http.admin_listen;
    options.admin_token = *token;
  }
  HttpLoop::Hooks hooks;
  hooks.order = [this](const OperatorOrder& order) { return post_order(order); };
  hooks.reload = [this](ReloadOrder order) { return main_->post(order); };
  hooks.query = [this](StatsQuery query) {
    QueryLoop& answerer = is_slow(query.what) ? *slow_query_ : *query_;
    return answerer.mailbox().post(std::move(query));
  };
  auto opened = HttpLoop::open(options, hooks);
  if (!opened) return opened.error();
  http_ = std::move(*opened);
  return {};
}

ShardOptions Server::shard_options(std::uint32_t index) {
  ShardOptions options;
  options.index = ShardIndex{index};
  options.first_extranonce_counter = static_cast<std::uint16_t>(random_.next());
  options.connections_max = budget_.stratum_connections / shard_count_;
  options.network = config_.network;
  options.payout_address = config_.payout_address.text;
  const StratumConfig& stratum = config_.stratum;
  options.shard_count = shard_count_;
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
  options.version_mask = config_.stratum.version_mask;
  options.address_limits = address_limits(config_.stratum.limits, shard_count_);
  options.coherence = coherence_options(config_.coherence, random_.next());
  return options;
}

void Server::budget_connections() {
  shard_count_ = config_.stratum.shards;
  if (shard_count_ == 0) {
    shard_count_ = std::clamp(std::thread::hardware_concurrency(), 1u,
                              static_cast<unsigned>(limits::shards_max));
  }
  const std::size_t limit = raise_descriptor_limit();
  budget_ = budget_descriptors(limit, limits::connections_per_shard_max * shard_count_,
                               config_.http.limits.connections);
  LOG(info, "connections_allowed", {"descriptors", limit}, {"stratum", budget_.stratum_connections},
      {"http", budget_.http_connections});
}

std::string Server::open_shards() {
  ShardLoop::Hooks hooks;
  hooks.journal = [this](JournalAppend append) {
    // Never too many: a shard keeps to its window, and the node's appends have the reserve.
    journal_->mailbox().post_reserved(std::move(append));
  };
  hooks.found = [this](FoundBlock block) { node_->mailbox().post_reserved(std::move(block)); };
  hooks.stats = [this](ShardStats stats) { tell_http(stats); };
  hooks.moved = [this](ShardIndex owner, const ConnectionMoved& moved) {
    return shards_.at(owner.value)->mailbox().post(ShardMessage(moved));
  };
  hooks.told = [this](const TipTold& told) { tell_http(told); };
  hooks.order_done = [this](OrderDone done) { tell_http(std::move(done)); };
  hooks.rejected = [this](SubmitsRejected rejected) { tell_http(std::move(rejected)); };
  if (config_.coherence.enabled) {
    hooks.verify = [this](const ProofToVerify& proof) { return coherence_->verify(proof); };
  }
  for (std::uint32_t index = 0; index < shard_count_; ++index) {
    hooks.ban = [this, index](const Ban& ban) { tell_other_shards(index, AddressBanned{ban}); };
    hooks.learnt = [this, index](const DifficultiesLearnt& learnt) {
      tell_other_shards(index, learnt);
    };
    shards_.push_back(std::make_unique<ShardLoop>(shard_options(index), hooks));
  }
  for (std::size_t i = 0; i < config_.stratum.listen.size(); ++i) {
    ShardLoop::Endpoint where = endpoint_of(config_.stratum.listen[i]);
    const auto refused = [&](const std::string& why) {
      return fmt::format(
          "can't listen on {}:{}: {}. Stop what uses it, or change stratum.listen[{}] in the "
          "config.",
          where.host, where.port, why, i);
    };
    if (auto why = ShardLoop::probe(where); !why.empty()) return refused(why);
    for (auto& shard : shards_) {
      const auto port = shard->listen(where);
      if (!port) return refused(port.error());
      where.port = *port;  // port 0: the other shards join the first one's
    }
    LOG(info, "stratum_listening", {"host", where.host}, {"port", where.port},
        {"shards", shards_.size()});
  }
  return {};
}

AdminSite::Sources::Posted Server::post_order(const OperatorOrder& order) {
  AdminSite::Sources::Posted posted{0, shards_.size()};
  for (auto& shard : shards_) {
    if (shard->mailbox().post(ShardMessage(order))) ++posted.taken;
  }
  return posted;
}

// What may be lost when a shard is busy.
template <class Message>
void Server::tell_other_shards(std::uint32_t sender, const Message& message) {
  for (std::uint32_t index = 0; index < shards_.size(); ++index) {
    if (index != sender) (void)shards_[index]->mailbox().post(ShardMessage(message));
  }
}

std::string Server::open_tls() {
  const auto tls = load_tls(config_.stratum);
  if (!tls) return tls.error();
  if (*tls == nullptr) return {};
  for (auto& shard : shards_) shard->set_tls(*tls);
  log_certificate("tls_ready", **tls);
  return {};
}

// What can change under way: the certificate and the instance number. A config with a mistake in it
// changes nothing.
OrderDone Server::reload() {
  OrderDone done;
  const auto config = read_again_();
  if (!config) {
    LOG(error, "config_not_reloaded", {"error", config.error().why});
    done.error = config.error().why;
    return done;
  }
  reload_tls(*config);
  const auto instance = static_cast<std::uint8_t>(config->stratum.instance);
  for (auto& shard : shards_) shard->mailbox().post_reserved(InstanceChanged{instance});
  if (coherence_) coherence_->tell(InstanceChanged{instance});
  done.note = "certificates and instance; other changes need a restart";
  LOG(info, "config_reloaded", {"instance", config->stratum.instance}, {"note", done.note});
  return done;
}

// Connections keep what they began with; handshakes from now on use the new certificate.
void Server::reload_tls(const Config& config) {
  const auto renew = [](const auto& now, const auto& at_start, const char* event, auto&& tell) {
    if (now.tls_certificate.empty() || at_start.tls_certificate.empty()) return;
    const auto tls = load_tls(now);
    if (!tls) {
      LOG(error, "tls_not_reloaded", {"error", tls.error()},
          {"effect", "the certificate read before stays in use"});
      return;
    }
    if (*tls == nullptr) return;
    tell(TlsReload{*tls});
    log_certificate(event, **tls);
  };
  renew(config.stratum, config_.stratum, "tls_reloaded", [this](const TlsReload& message) {
    for (auto& shard : shards_) shard->mailbox().post_reserved(message);
  });
  if (config_.http.tls == "off") return;
  renew(config.http, config_.http, "http_tls_reloaded",
        [this](const TlsReload& message) { http_->mailbox().post_reserved(message); });
}

void Server::open_node() {
  NodeLoop::Options options;
  options.nodes = config_.nodes;
  options.network = config_.network;
  options.data_dir = config_.data_dir;
  options.job_source = job_source_options(config_);
  options.expire = std::chrono::seconds(config_.templates.expire_seconds);
  options.reconnect = std::chrono::seconds(config_.templates.reconnect_seconds);
  const PayoutConfig& payout = config_.payout;
  options.scheme = PayoutSchemeRecord{0,
                                      payout.scheme,
                                      payout.pplns_window,
                                      payout.fee_ppm,
                                      payout.coherence_ppm,
                                      bitcoin::Sats{payout.minimum_sats}};
  // Ids rise for as long as this process could possibly run, and differ from those before it.
  options.job_source.first_job_id = ((random_.next() >> 32) + 1) * mining::job_id_step;
  options.job_source.coinbase_unique = random_.next();
  node_ = std::make_unique<NodeLoop>(std::move(options), node_hooks());
}

NodeLoop::Hooks Server::node_hooks() {
  NodeLoop::Hooks hooks;
  hooks.publish = [this](NewJob message) {
    for (auto& shard : shards_) {
      if (!shard->mailbox().post_latest(ShardMessage(message), same_job_kind, keep_clean_jobs)) {
        shard->mailbox().post_reserved(message);
      }
    }
  };
  hooks.no_work = [this](NoWork message) {
    for (auto& shard : shards_) shard->mailbox().post_reserved(message);
  };
  hooks.block_vaulted = [this](ShardIndex shard, BlockVaulted message) {
    shards_.at(shard.value)->mailbox().post_reserved(message);
  };
  hooks.journal = [this](JournalAppend append) {
    journal_->mailbox().post_reserved(std::move(append));
    return true;
  };
  hooks.status = [this](NodeStatus status) { tell_http(std::move(status)); };
  if (config_.coherence.enabled) {
    hooks.bitcoin_tip = [this](const BitcoinTip& tip) { coherence_->tell(tip); };
  }
  return hooks;
}

void Server::open_store() {
  StoreLoop::Options options;
  options.database = config_.database;
  options.data_dir = config_.data_dir;
  options.journal = journal_->journal_id();
  options.stored_kept_for = std::chrono::hours(24) * config_.journal.keep_days;
  options.stored_bytes_max = static_cast<std::uint64_t>(config_.journal.keep_bytes);
  options.folder_bytes_max = static_cast<std::uint64_t>(config_.journal.bytes_max);
  StoreLoop::Hooks hooks;
  hooks.stored = [this](StoredStats stats) {
    // Lost when full: the next batch says more.
    if (stats.connected) {
      (void)journal_->mailbox().post_latest_anywhere(JournalStored{stats.shipped_to});
    }
    tell_http(std::move(stats));
  };
  store_ = std::make_unique<StoreLoop>(std::move(options), hooks);
  QueryLoop::Options query_options;
  query_options.database = config_.database;
  QueryLoop::Hooks query_hooks;
  query_hooks.result = [this](QueryResult result) { tell_http(std::move(result)); };
  query_ = std::make_unique<QueryLoop>(query_options, query_hooks);
  query_options.application = "phasepool_slow_query";
  query_options.statement_timeout = std::chrono::seconds(20);
  slow_query_ = std::make_unique<QueryLoop>(std::move(query_options), query_hooks);
  UpkeepLoop::Options upkeep;
  upkeep.database = config_.database;
  upkeep.keep_shares_days = config_.retention.shares_days;
  upkeep.keep_minutes_days = config_.retention.minutes_days;
  upkeep.keep_events_days = config_.retention.events_days;
  upkeep_ = std::make_unique<UpkeepLoop>(std::move(upkeep));
}

std::string Server::open_coherence() {
  if (!config_.coherence.enabled) return {};
  CoherenceThreads::Hooks hooks;
  hooks.job = [this](const NewCoherenceJob& message) {
    for (auto& shard : shards_) {
      const bool told = shard->mailbox().post_latest_anywhere(ShardMessage(message), same_coherence,
                                                              keep_clean_coherence);
      if (!told) shard->mailbox().post_reserved(message);
    }
  };
  hooks.verdict = [this](ShardIndex shard, const ProofVerified& verdict) {
    shards_.at(shard.value)->mailbox().post_reserved(verdict);
  };
  hooks.tip = [this](const CoherenceTip& tip) {
    // Lost when full: the next one says more.
    (void)node_->mailbox().post_latest_anywhere(NodeMessage(tip));
  };
  hooks.status = [this](const CoherenceStatus& status) { tell_http(status); };
  hooks.journal = [this](JournalAppend append) {
    (void)journal_->mailbox().post(std::move(append));
  };
  auto opened = CoherenceThreads::open(config_, journal_->journal_id(), random_.next(), hooks);
  if (!opened) return opened.error();
  coherence_ = std::move(*opened);
  return {};
}

void Server::tell_http(HttpMessage message) {
  // Only a query's answer can be lost here, when thousands wait; its request times out by itself.
  (void)http_->mailbox().post_latest_anywhere(std::move(message), same_sender);
}

void Server::tell_http(OrderDone done) {
  (void)http_->mailbox().post(HttpMessage(std::move(done)));  // full: the operator is told so
}

// ---------------------------------------------------------------- start and stop

void Server::run() {
  // Signals are listened for before the first thread says that the pool is there.
  uv::Loop loop;
  std::string received;
  const auto stop_on = [&](const char* name) {
    return [&loop, &received, name] {
      received = name;
      loop.stop();
    };
  };
  uv::Signal interrupt(loop, SIGINT, stop_on("SIGINT"));
  uv::Signal terminate(loop, SIGTERM, stop_on("SIGTERM"));
  uv::Signal hangup(loop, SIGHUP, [this] { (void)reload(); });
  main_ = std::make_unique<uv::Mailbox<MainMessage>>(
      loop, limits::main_mailbox_messages_max, [this](const MainMessage& message) {
        OrderDone done = reload();
        done.number = std::get<ReloadOrder>(message).number;
        tell_http(std::move(done));
      });
  start();
  loop.run();
  LOG(info, "pool_stopping", {"signal", received});
  stop();
  main_.reset();  // nobody is left who posts to it
}

void Server::start() {
  http_thread_ = std::thread([this] { http_->run(); });
  query_thread_.start([this] { query_->run(); });
  slow_query_thread_.start([this] { slow_query_->run(); });
  store_thread_.start([this] { store_->run(); });
  upkeep_thread_.start([this] { upkeep_->run(); });
  journal_thread_ = std::thread([this] { journal_->run(); });
  if (coherence_) coherence_->start();
  for (auto& shard : shards_) {
    shard_threads_.emplace_back([&shard] { shard->run(); });
  }
  node_thread_ = std::thread([this] { node_->run(); });
  LOG(info, "pool_started", {"version", version},
      {"network", bitcoin::network_name(config_.network)}, {"http", config_.http.listen},
      {"sha256", crypto::sha256_kernel().name});
}

void Server::stop() {
  for (auto& shard : shards_) shard->mailbox().post_reserved(Shutdown{});
  for (std::thread& thread : shard_threads_) thread.join();
  if (coherence_) coherence_->stop();
  node_->mailbox().post_reserved(Shutdown{});
  node_thread_.join();
  journal_->mailbox().post_reserved(Shutdown{});
  journal_thread_.join();
  store_thread_.stop(*store_);
  upkeep_->interrupt();  // what it was about is begun again another time
  upkeep_thread_.stop(*upkeep_);
  query_thread_.stop(*query_);
  slow_query_->interrupt();
  slow_query_thread_.stop(*slow_query_);
  http_->mailbox().post_reserved(Shutdown{});
  http_thread_.join();
  LOG(info, "pool_stopped");
}

}  // namespace

int run_server(const Config& config, const ReadConfig& read_again) {
  uv::ignore_sigpipe();
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is a write error like any other
  Server server(config, read_again);
  if (const std::string why = server.open(); !why.empty()) return fail(why);
  server.run();
  return 0;
}

}  // namespace pool
