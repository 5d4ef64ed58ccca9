#include "pool/http/http_loop.h"

#include "common/log.h"
#include "common/uv/clock.h"
#include "common/uv/thread_priority.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr auto tick_period = 1s;
constexpr int nicer_by = 10;  // a tenth of a shard's share of a core that both want
constexpr auto database_read_period = 2s;
constexpr auto luck_read_period = 30s;                                  // a hundred rounds
constexpr std::chrono::milliseconds database_read_period_unseen = 60s;  // while nobody looks
constexpr auto looking_ends_after = 60s;
constexpr std::chrono::milliseconds database_read_deadline =
    10s;  // then the answer is given up and asked for again
constexpr std::chrono::milliseconds soon_period = 20ms;
constexpr auto snapshot_kept = 100ms;  // requests within this see the same figures
constexpr int stop_ticks_max = 3;

PoolFacts facts_of(const HttpLoop::Options& options) {
  PoolFacts facts;
  facts.network = options.network;
  facts.version = options.version;
  facts.stratum_url = options.stratum_hint;
  facts.payout_address = options.payout_address;
  facts.scheme = options.scheme;
  facts.fee_ppm = options.fee_ppm;
  facts.coherence_ppm = options.coherence_ppm;
  facts.pplns_window = options.pplns_window;
  facts.minimum_sats = options.minimum_sats;
  facts.stratum_tls_url = options.stratum_tls_hint;
  return facts;
}

}  // namespace

base::Result<std::unique_ptr<HttpLoop>, std::string> HttpLoop::open(Options options, Hooks hooks) {
  std::unique_ptr<HttpLoop> self(new HttpLoop(std::move(options), std::move(hooks)));
  const Options& given = self->options_;
  HttpServer::Options server;
  server.key = "http.listen";
  server.listen = given.listen;
  server.connections_max = given.connections_max;
  server.deadlines = {given.idle_deadline, given.request_deadline, given.answer_deadline};
  auto opened = HttpServer::open(self->loop_, std::move(server), self->shared_);
  if (!opened) return base::err(opened.error());
  self->server_ = std::move(*opened);
  if (auto admin = self->open_admin(); !admin) return base::err(admin.error());
  return self;
}

base::Result<void, std::string> HttpLoop::open_admin() {
  if (options_.admin_listen.empty()) return {};
  ASSERT(!options_.admin_token.empty());
  HttpServer::Options server;
  server.key = "http.admin_listen";
  server.listen = options_.admin_listen;
  server.connections_max = limits::admin_connections_max;
  server.deadlines = {options_.idle_deadline, options_.request_deadline, options_.answer_deadline};
  auto opened = HttpServer::open(loop_, std::move(server), admin_shared_);
  if (!opened) return base::err(opened.error());
  admin_server_ = std::move(*opened);
  AdminSite::Sources sources;
  sources.token = options_.admin_token;
  sources.port = admin_server_->bound_port();
  sources.network = options_.network;
  sources.snapshot = [this]() -> const PoolSnapshot& { return snapshot(); };
  sources.order = hooks_.order;
  sources.reload = hooks_.reload;
  sources.log = [](std::string_view order, std::string_view detail) {
    LOG(info, "admin_order", {"order", order}, {"detail", detail});
  };
  admin_ = std::make_unique<AdminSite>(std::move(sources));
  return {};
}

HttpLoop::HttpLoop(Options options, Hooks hooks)
    : options_(std::move(options)),
      hooks_(std::move(hooks)),
      state_(facts_of(options_), uv::read_clock()),
      queries_([this](StatsQuery query) {
        looked_at_ = uv::read_clock().mono;
        return hooks_.query && hooks_.query(std::move(query));
      }),
      live_([this](const LiveQuestion& question) {
        return hooks_.live ? hooks_.live(question) : PostedToShards{};
      }),
      database_api_(queries_,
                    {options_.network, [] { return uv::read_clock().mono; },
                     [] { return uv::read_clock().unix_micros() / 1'000'000; },
                     [this](std::string_view node) { return state_.public_node_name(node); },
                     [this](LiveWanted wanted, LiveBook::Done done) {
                       live_.ask(std::move(wanted), uv::read_clock().mono, std::move(done));
                       if (live_.in_flight() > 0) look_soon();
                     }}),
      site_(site_sources()),
      events_(uv::read_clock().unix_micros() / 1000),
      shared_{[this](const net::HttpRequest& request, const Responder& responder) {
                site_.answer(request, responder);
              },
              events_, [this] { feed_.refresh(snapshot(), uv::read_clock().mono); },
              AddressMeter(options_.per_address)},
      readings_{{{StatsQuery::What::blocks, database_read_period, 0, {}},
                 {StatsQuery::What::totals, database_read_period, 0, {}},
                 {StatsQuery::What::coherence, database_read_period, 0, {}},
                 {StatsQuery::What::round, database_read_period, 0, {}},
                 {StatsQuery::What::luck, luck_read_period, 0, {}}}},
      admin_shared_{[this](const net::HttpRequest& request, const Responder& responder) {
                      admin_->answer(request, responder);
                    },
                    events_, [] {}},
      mailbox_(loop_, limits::http_mailbox_messages_max,
               [this](HttpMessage&& message) {
                 std::visit([this](const auto& concrete) { on(concrete); }, message);
               }),
      turn_end_(loop_, [this] { on_turn_end(); }),
      lag_(loop_, [this](auto lag) { state_.health().lag.add(lag); }),
      tick_(loop_, [this] { on_tick(); }),
      soon_(loop_, [this] { on_soon(); }) {
  mailbox_.on_batch([this](std::size_t messages) {
    state_.health().queue.add(static_cast<std::int64_t>(messages));
  });
  // The others must have room beside those who only watch.
  shared_.watchers_max = std::min(options_.watchers_max, options_.connections_max * 3 / 4);
  shared_.tls.context = options_.tls;
  shared_.tls.only = options_.tls && options_.tls_only;
  if (shared_.tls.only && options_.strict_transport > 0s) {
    shared_.tls.strict_transport = fmt::format("max-age={}", options_.strict_transport.count());
  }
}

HttpLoop::~HttpLoop() = default;

SiteSources HttpLoop::site_sources() {
  SiteSources sources;
  sources.snapshot = [this](Audience who) -> const PoolSnapshot& {
    if (who == Audience::viewer) looked_at_ = uv::read_clock().mono;
    return snapshot();
  };
  sources.rejects = [this](std::string_view user, std::size_t most) {
    return state_.rejects(user, most);
  };
  sources.process = read_process_facts;
  sources.add_more = [this](Router& router) { database_api_.add_to(router); };
  sources.later = [this](std::chrono::milliseconds after, std::function<void()> task) {
    later_.add(uv::read_clock().mono + after, std::move(task));
    look_soon();
  };
  return sources;
}

void HttpLoop::run() {
  // Miners before viewers.
  uv::lower_thread_priority(nicer_by);
  LOG(info, "http_listening", {"address", options_.listen}, {"port", bound_port()});
  if (admin_) {
    LOG(info, "admin_listening", {"address", options_.admin_listen}, {"port", admin_port()});
  }
  tick_.start(tick_period, tick_period);
  loop_.run();
}

// ---------------------------------------------------------------- figures

const PoolSnapshot& HttpLoop::snapshot() {
  const base::Instant now = uv::read_clock();
  if (!snapshot_ || now.mono - snapshot_made_ > snapshot_kept) {
    snapshot_ = state_.snapshot(now);
    snapshot_->number = ++snapshots_made_;
    snapshot_->http = shared_.counts;
    snapshot_->http.connections = server_->connections();
    snapshot_->http.watchers = events_.watchers();
    snapshot_made_ = now.mono;
  }
  return *snapshot_;
}

void HttpLoop::read_database(base::Instant now) {
  if (!hooks_.query) return;
  const bool is_seen = looked_at_ && now.mono - *looked_at_ < looking_ends_after;
  for (Reading& reading : readings_) read(reading, now.mono, is_seen);
}

void HttpLoop::read(Reading& reading, base::MonoTime now, bool is_seen) {
  if (reading.what == StatsQuery::What::coherence && !state_.has_coherence()) return;
  const auto period = reading.request != 0 ? database_read_deadline
                      : is_seen            ? reading.period
                                           : std::max(reading.period, database_read_period_unseen);
  if (reading.asked && now - *reading.asked < period) return;
  reading.asked = now;
  const std::uint64_t request = next_query_++;
  reading.request = hooks_.query(StatsQuery{request, reading.what, {}}) ? request : 0;
}

void HttpLoop::on(const TipTold& message) { state_.on(message, uv::read_clock()); }

void HttpLoop::on(const QueryResult& message) {
  if (queries_.on_result(message, uv::read_clock().mono)) return;
  for (Reading& reading : readings_) {
    if (message.request == 0 || message.request != reading.request) continue;
    reading.request = 0;
    if (!message.ok) {
      on_query_failed(message.json);
    } else if (!take_answer(reading.what, message.json)) {
      on_query_failed("the database's answer was not understood");
    }
    return;
  }  // else given up
}

bool HttpLoop::take_answer(StatsQuery::What what, const std::string& json) {
  const base::Instant now = uv::read_clock();
  if (what == StatsQuery::What::blocks) return state_.on_blocks(json, now);
  if (what == StatsQuery::What::totals) return state_.on_totals(json, now);
  if (what == StatsQuery::What::round) return state_.on_round(json, now);
  if (what == StatsQuery::What::luck) return state_.on_luck(json);
  return state_.on_chain_blocks(json);
}

void HttpLoop::on_query_failed(const std::string& error) {
  if (error != state_.query_error()) LOG(warning, "page_query_failed", {"error", error});
  state_.on_query_failed(error);
}

// ---------------------------------------------------------------- events

void HttpLoop::on(const NodeStatus& message) {
  state_.on(message);
  snapshot_.reset();  // a new tip is told at once
  tell_watchers();
}

void HttpLoop::on(const OrderDone& message) {
  if (!message.error.empty()) LOG(warning, "admin_order_not_done", {"error", message.error});
  if (admin_) admin_->on(message);
}

void HttpLoop::on(const LiveAnswer& message) { live_.on(message, uv::read_clock().mono); }

void HttpLoop::tell_watchers() {
  if (events_.watchers() == 0) return;
  const base::MonoTime now = uv::read_clock().mono;
  looked_at_ = now;
  feed_.update(snapshot(), now);
}

void HttpLoop::keep_watchers() {
  const base::MonoTime now = uv::read_clock().mono;
  if (now - kept_alive_ < limits::http_events_keep_alive) return;
  kept_alive_ = now;
  events_.keep_alive();
}

// ---------------------------------------------------------------- time

void HttpLoop::on_tick() {
  const base::Instant now = uv::read_clock();
  state_.tick(now);
  read_database(now);
  queries_.tick(now.mono);
  tell_watchers();
  keep_watchers();
  server_->check_deadlines(now.mono);
  if (admin_) {
    admin_server_->check_deadlines(now.mono);
    admin_->tick();
  }
  if (stopping_ && ++ticks_since_stop_ >= stop_ticks_max) loop_.stop();
}

void HttpLoop::look_soon() {
  if (!soon_.is_active()) soon_.start(soon_period, soon_period);
}

void HttpLoop::on_soon() {
  const base::MonoTime now = uv::read_clock().mono;
  live_.on_deadline(now);
  later_.run_due(now);
  if (live_.in_flight() == 0 && later_.is_empty()) soon_.stop();
}

void HttpLoop::on_turn_end() {
  server_->end_turn();
  if (admin_) admin_server_->end_turn();
  const bool is_empty = server_->is_empty() && (!admin_ || admin_server_->is_empty());
  if (stopping_ && is_empty) loop_.stop();
}

void HttpLoop::on(const Shutdown& /*message*/) {
  stopping_ = true;
  server_->stop();
  if (admin_) admin_server_->stop();
}

}  // namespace pool
