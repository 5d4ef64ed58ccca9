// HttpLoop: the thread that serves the stats page and the API.
//
// It holds the newest report of every other thread (PoolState) and answers from that alone: a
// request never waits for a database, and no number of requests is more than a little work for
// anybody else. The database is read through the query thread every two seconds, while it is there.
//
// Thread: open() on main's, run() on the thread "http"; mailbox() from any.
// Errors: open() tells in one line which address could not be bound, and the option to change.
#pragma once

#include "common/base/result.h"
#include "common/uv/lag_probe.h"
#include "common/uv/loop.h"
#include "common/uv/mailbox.h"
#include "pool/core/limits.h"
#include "pool/http/admin_site.h"
#include "pool/http/database_api.h"
#include "pool/http/http_server.h"
#include "pool/http/later.h"
#include "pool/http/live_book.h"
#include "pool/http/live_feed.h"
#include "pool/http/pool_state.h"
#include "pool/http/query_cache.h"
#include "pool/http/site.h"
#include "pool/messages.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace pool {

class HttpLoop {
 public:
  struct Hooks {
    // To the query thread; false: full. Empty: there is none.
    std::function<bool(StatsQuery)> query;
    std::function<PostedToShards(const OperatorOrder&)> order;     // to every shard
    std::function<PostedToShards(const LiveQuestion&)> live = {};  // likewise
    std::function<bool(ReloadOrder)> reload;  // to main; false: it does not listen
  };
  struct Options {
    std::string listen;        // "127.0.0.1:8080"; port 0: any free one
    std::string admin_listen;  // likewise, of loopback; empty: none
    std::string admin_token;   // REQUIRES: not empty, where there is admin_listen
    bitcoin::Network network = bitcoin::Network::mainnet;
    std::string stratum_hint;  // how miners connect: "stratum+tcp://host:3333"
    std::string version;
    std::string payout_address;
    std::string scheme = "pplns";
    std::uint32_t fee_ppm = 0;
    std::uint32_t coherence_ppm = 0;
    std::string pplns_window;  // decimal text; empty: the scheme has none
    std::int64_t minimum_sats = 0;
    std::string stratum_tls_hint;  // "stratum+ssl://host:port"; empty: there is none
    std::size_t connections_max = limits::http_connections_max;
    std::size_t watchers_max = limits::http_watchers_max;
    AddressMeter::Options per_address = {};
    std::shared_ptr<const net::TlsContext> tls;  // null: plain HTTP only
    bool tls_only = false;
    std::chrono::seconds strict_transport{0};  // where tls_only; zero: not promised
    std::chrono::milliseconds idle_deadline = limits::http_idle_deadline;
    std::chrono::milliseconds request_deadline = limits::http_request_deadline;
    std::chrono::milliseconds answer_deadline = limits::http_answer_deadline;
  };

  [[nodiscard]] static base::Result<std::unique_ptr<HttpLoop>, std::string> open(Options options,
                                                                                 Hooks hooks);
  ~HttpLoop();
  HttpLoop(const HttpLoop&) = delete;
  HttpLoop& operator=(const HttpLoop&) = delete;

  // Returns after a Shutdown.
  void run();
  uv::Mailbox<HttpMessage>& mailbox() { return mailbox_; }
  std::uint16_t bound_port() const { return server_->bound_port(); }
  // REQUIRES: there is an admin listener.
  std::uint16_t admin_port() const { return admin_server_->bound_port(); }

 private:
  HttpLoop(Options options, Hooks hooks);

  void on(const ShardStats& message) { state_.on(message); }
  void on(const NodeStatus& message);
  void on(const JournalStatus& message) { state_.on(message); }
  void on(const StoredStats& message) { state_.on(message); }
  void on(const CoherenceStatus& message) { state_.on(message); }
  void on(const SubmitsRejected& message) { state_.on(message); }
  void on(const TipTold& message);
  void on(const QueryResult& message);
  void on(const OrderDone& message);
  void on(const LiveAnswer& message);
  void on(const TlsReload& message) { shared_.tls.context = message.tls; }
  void on(const Shutdown& message);

  void on_tick();
  void on_soon();
  void on_turn_end();
  void look_soon();
  // What is asked for all the time, so that the page's figures are there when somebody looks.
  struct Reading {
    StatsQuery::What what;
    std::chrono::milliseconds period;  // while somebody looks
    std::uint64_t request = 0;         // in flight; 0: none
    std::optional<base::MonoTime> asked;
  };
  void read_database(base::Instant now);
  void read(Reading& reading, base::MonoTime now, bool is_seen);
  bool take_answer(StatsQuery::What what, const std::string& json);
  void on_query_failed(const std::string& error);
  const PoolSnapshot& snapshot();
  SiteSources site_sources();
  [[nodiscard]] base::Result<void, std::string> open_admin();
  void tell_watchers();
  void keep_watchers();

  const Options options_;
  const Hooks hooks_;
  uv::Loop loop_;
  PoolState state_;
  Later later_;
  QueryCache queries_;
  LiveBook live_;
  DatabaseApi database_api_;
  Site site_;
  EventHub events_;
  LiveFeed feed_{events_};
  HttpShared shared_;
  std::optional<PoolSnapshot> snapshot_;  // as of snapshot_made_
  base::MonoTime snapshot_made_;
  std::uint64_t snapshots_made_ = 0;

  std::uint64_t next_query_ = 1;
  std::array<Reading, 5> readings_;
  base::MonoTime kept_alive_{};
  std::optional<base::MonoTime> looked_at_;  // the page or the API, by anyone

  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<AdminSite> admin_;  // null: no admin listener
  HttpShared admin_shared_;
  std::unique_ptr<HttpServer> admin_server_;
  bool stopping_ = false;
  int ticks_since_stop_ = 0;

  uv::Mailbox<HttpMessage> mailbox_;
  uv::TurnEnd turn_end_;
  uv::LagProbe lag_;
  uv::Timer tick_;
  uv::Timer soon_;  // runs while something waits for less than a tick
};

}  // namespace pool
