// Start:  look at everything that can be wrong before any thread runs (database, node, data_dir,
//         ports), then journal, store, query, http, coherence work, shards, and last the node loop,
//         which publishes the first job.
// Stop:   in reverse of what flows: shards (no new shares; accepted ones are answered), coherence
//         work (its verdicts are what shards wait for), node (blocks in flight are sent), journal
//         (all is on disk), store (what is on disk is shipped), http.
//
// Each loop is a thread and owns what it works on; the hooks below are the whole message graph.
#include "pool/server/server.h"

#include "common/base/assert.h"
#include "common/base/random.h"
#include "common/crypto/sha256.h"
#include "common/log.h"
#include "common/uv/clock.h"
#include "common/uv/loop.h"
#include "pool/core/descriptor_budget.h"
#include "pool/core/limits.h"
#include "pool/http/http_loop.h"
#include "pool/journal/journal_loop.h"
#include "pool/messages.h"
#include "pool/net/shard_loop.h"
#include "pool/node/node_loop.h"
#include "pool/server/coherence_threads.h"
#include "pool/server/data_dir.h"
#include "pool/server/database_thread.h"
#include "pool/server/mailbox_rules.h"
#include "pool/server/server_options.h"
#include "pool/server/start_checks.h"
#include "pool/server/version.h"
#include "pool/store/query_loop.h"
#include "pool/store/store_loop.h"
#include "pool/store/upkeep_loop.h"
#include "pool/tools/admin_token.h"
#include "pool/tools/tls_files.h"

#include <fmt/format.h>

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

int fail(const std::string& why) {
  std::fprintf(stderr, "phasepool: %s\n", why.c_str());
  return 1;
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

void log_certificate(std::string_view event, const net::TlsContext& tls) {
  const CertificateText certificate = describe_certificate(tls);
  if (certificate.expired) {
    LOG(warning, event, {"certificate", certificate.text}, {"problem", "it has expired"});
  } else {
    LOG(info, event, {"certificate", certificate.text});
  }
}

class Server {
 public:
  Server(const Config& config, const ReadConfig& read_again)
      : config_(config), read_again_(read_again), random_(random_seed()) {}

  // Empty when everything is ready to run; else the one line for the operator.
  std::string open();
  void run();

 private:
  std::string open_journal();
  std::string open_http();
  void budget_connections();
  std::string open_shards();
  std::string open_tls();
  OrderDone reload();
  template <class Message>
  PostedToShards post_to_shards(const Message& message);
  void reload_tls(const Config& config);
  template <class Message>
  void tell_other_shards(std::uint32_t sender, const Message& message);
  void open_node();
  void open_store();
  std::string open_coherence();
  NodeLoop::Hooks node_hooks();
  JournalLoop::Hooks journal_hooks();
  void tell_http(HttpMessage message);
  void tell_http(OrderDone done);
  void tell_http(LiveAnswer answer);
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
  if (auto why = check_database(config_); !why.empty()) return why;
  if (auto why = check_nodes(config_); !why.empty()) return why;
  budget_connections();
  if (auto why = open_journal(); !why.empty()) return why;
  if (auto why = open_http(); !why.empty()) return why;
  if (auto why = open_shards(); !why.empty()) return why;
  if (auto why = open_tls(); !why.empty()) return why;
  open_node();
  open_store();
  return open_coherence();
}

// ---------------------------------------------------------------- the loops and their hooks

std::string Server::open_journal() {
  auto opened = JournalLoop::open(journal_options(config_), journal_hooks());
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

std::string Server::open_http() {
  HttpLoop::Options options = http_options(config_);
  options.connections_max = budget_.http_connections;
  options.version = version;
  const auto tls = load_tls(config_.http);
  if (!tls) return tls.error();
  if (*tls != nullptr) {
    options.tls = *tls;
    options.tls_only = config_.http.tls == "only";
    options.strict_transport = std::chrono::seconds(config_.http.hsts_seconds);
    log_certificate("http_tls_ready", **tls);
  }
  if (!config_.http.admin_listen.empty()) {
    const auto token = prepare_admin_token(config_.data_dir);
    if (!token) return token.error();
    options.admin_listen = config_.http.admin_listen;
    options.admin_token = *token;
  }
  HttpLoop::Hooks hooks;
  hooks.order = [this](const OperatorOrder& order) { return post_to_shards(order); };
  hooks.reload = [this](ReloadOrder order) { return main_->post(order); };
  hooks.live = [this](const LiveQuestion& question) { return post_to_shards(question); };
  hooks.query = [this](StatsQuery query) {
    QueryLoop& answerer = is_slow(query.what) ? *slow_query_ : *query_;
    return answerer.mailbox().post(std::move(query));
  };
  auto opened = HttpLoop::open(options, hooks);
  if (!opened) return opened.error();
  http_ = std::move(*opened);
  return {};
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
  hooks.live = [this](LiveAnswer answer) { tell_http(std::move(answer)); };
  hooks.rejected = [this](SubmitsRejected rejected) { tell_http(std::move(rejected)); };
  if (config_.coherence.enabled) {
    hooks.verify = [this](const ProofToVerify& proof) { return coherence_->verify(proof); };
  }
  for (std::uint32_t index = 0; index < shard_count_; ++index) {
    hooks.ban = [this, index](const Ban& ban) { tell_other_shards(index, AddressBanned{ban}); };
    hooks.learnt = [this, index](const DifficultiesLearnt& learnt) {
      tell_other_shards(index, learnt);
    };
    ShardOptions options = shard_options(config_, shard_count_);
    options.index = ShardIndex{index};
    options.first_extranonce_counter = static_cast<std::uint16_t>(random_.next());
    options.connections_max = budget_.stratum_connections / shard_count_;
    options.coherence.first_extranonce_counter = random_.next();
    shards_.push_back(std::make_unique<ShardLoop>(std::move(options), hooks));
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

template <class Message>
PostedToShards Server::post_to_shards(const Message& message) {
  PostedToShards posted{0, shards_.size()};
  for (auto& shard : shards_) {
    if (shard->mailbox().post(ShardMessage(message))) ++posted.taken;
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
  NodeLoop::Options options = node_options(config_);
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
  StoreLoop::Options options = store_options(config_);
  options.journal = journal_->journal_id();
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
  upkeep_ = std::make_unique<UpkeepLoop>(upkeep_options(config_));
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

// Full: the web loop waits for it no longer than for a slow shard's.
void Server::tell_http(LiveAnswer answer) {
  (void)http_->mailbox().post(HttpMessage(std::move(answer)));
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
