#include "pool/http/http_loop.h"

#include "common/log.h"
#include "common/uv/clock.h"

#include <algorithm>
#include <utility>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr auto tick_period = 1s;
constexpr auto database_read_period = 2s;
constexpr auto database_read_period_unseen = 60s;  // while nobody looks
constexpr auto looking_ends_after = 60s;
constexpr auto database_read_deadline = 10s;  // then the answer is given up and asked for again
constexpr auto snapshot_kept = 100ms;         // requests within this see the same figures
constexpr int stop_ticks_max = 3;

PoolFacts facts_of(const HttpLoop::Options& options) {
  PoolFacts facts;
  facts.network = options.network;
  facts.version = options.version;
  facts.stratum_url = options.stratum_hint;
  facts.payout_address = options.payout_address;
  facts.scheme = options.scheme;
  facts.fee_ppm = options.fee_ppm;
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
      site_(site_sources()),
      events_(uv::read_clock().unix_micros() / 1000),
      shared_{[this](const net::HttpRequest& request, const Responder& responder) {
                site_.answer(request, responder);
              },
              events_, [this] { feed_.refresh(snapshot(), uv::read_clock().mono); }},
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
      tick_(loop_, [this] { on_tick(); }) {
  mailbox_.on_batch([this](std::size_t messages) {
    state_.health().queue.add(static_cast<std::int64_t>(messages));
  });
  // The others must have room beside those who only watch.
  shared_.watchers_max = std::min(shared_.watchers_max, options_.connections_max * 3 / 4);
}

HttpLoop::~HttpLoop() = default;

SiteSources HttpLoop::site_sources() {
  SiteSources sources;
  sources.snapshot = [this](Audience who) -> const PoolSnapshot& {
    if (who == Audience::viewer) looked_at_ = uv::read_clock().mono;
    return snapshot();
  };
  sources.rejects = [this](std::string_view user) { return state_.rejects(user); };
  sources.process = read_process_facts;
  return sources;
}

void HttpLoop::run() {
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
    snapshot_made_ = now.mono;
  }
  return *snapshot_;
}

void HttpLoop::read_database(base::Instant now) {
  if (!hooks_.query) return;
  const bool in_flight = blocks_query_ != 0 || totals_query_ != 0 || chain_query_ != 0;
  const bool seen = looked_at_ && now.mono - *looked_at_ < looking_ends_after;
  const auto period = in_flight ? database_read_deadline
                      : seen    ? database_read_period
                                : database_read_period_unseen;
  if (queried_ && now.mono - *queried_ < period) return;
  queried_ = now.mono;
  const auto ask = [&](StatsQuery::What what) {
    const std::uint64_t request = next_query_++;
    return hooks_.query(StatsQuery{request, what}) ? request : 0;
  };
  blocks_query_ = ask(StatsQuery::What::blocks);
  totals_query_ = ask(StatsQuery::What::totals);
  chain_query_ = state_.has_coherence() ? ask(StatsQuery::What::coherence) : 0;
}

void HttpLoop::on(const TipTold& message) { state_.on(message, uv::read_clock()); }

void HttpLoop::on(const QueryResult& message) {
  for (std::uint64_t* open : {&blocks_query_, &totals_query_, &chain_query_}) {
    if (message.request == 0 || message.request != *open) continue;
    if (!message.ok) {
      on_query_failed(message.json);
    } else if (!take_answer(message)) {
      on_query_failed("the database's answer was not understood");
    }
    *open = 0;
    return;
  }  // else given up
}

bool HttpLoop::take_answer(const QueryResult& message) {
  const base::Instant now = uv::read_clock();
  if (message.request == blocks_query_) return state_.on_blocks(message.json, now);
  if (message.request == totals_query_) return state_.on_totals(message.json, now);
  return state_.on_chain_blocks(message.json);
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
  tell_watchers();
  keep_watchers();
  server_->check_deadlines(now.mono);
  if (admin_) {
    admin_server_->check_deadlines(now.mono);
    admin_->tick();
  }
  if (stopping_ && ++ticks_since_stop_ >= stop_ticks_max) loop_.stop();
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
