#include "miner/pool_link.h"

#include "common/uv/clock.h"
#include "miner/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace miner {
namespace {

constexpr std::chrono::milliseconds connect_deadline{10'000};
constexpr std::chrono::minutes good_connection{1};
constexpr std::chrono::seconds leave_deadline{5};
constexpr std::size_t dumped_line_bytes_max = 4096;
constexpr std::uint32_t redirects_without_work_max = 4;

base::MonoTime mono_now() { return uv::read_clock().mono; }

}  // namespace

PoolLink::PoolLink(uv::Loop& loop, PoolLinkSettings settings, PoolLinkHost& host)
    : loop_(loop),
      settings_(std::move(settings)),
      host_(host),
      number_(settings_.client.pool),
      client_(settings_.client, *this),
      random_(settings_.seed),
      backoff_(settings_.retry_first, settings_.retry_most),
      retry_(loop, [this] { connect(); }) {}

PoolLink::~PoolLink() = default;

std::string PoolLink::name() const {
  return host_and_port(settings_.pool.host, redirected_port_.value_or(settings_.pool.port));
}

// --- wanted or not ---

void PoolLink::start() {
  leaving_since_.reset();
  if (std::exchange(wanted_, true) || stopped_) return;
  if (!transport_) connect();
}

void PoolLink::leave(base::MonoTime now) {
  if (!std::exchange(wanted_, false)) return;
  retry_.stop();
  if (transport_) leaving_since_ = now;
}

void PoolLink::stop() {
  stopped_ = true;
  retry_.stop();
}

void PoolLink::on_tick(base::MonoTime now) {
  over_.reset();
  client_.on_tick(now);
  if (!leaving_since_ || !transport_) return;
  if (client_.awaits_answers() && now - *leaving_since_ < leave_deadline) return;
  leaving_since_.reset();
  transport_->close();
}

// --- the connection ---

void PoolLink::connect() {
  if (stopped_) return;
  began_ = mono_now();
  was_open_ = had_work_ = redirected_anew_ = false;
  dumped_.clear();
  PoolTransport::Callbacks callbacks{[this] { on_open(); },
                                     [this](base::ByteSpan bytes) { on_bytes(bytes); },
                                     [this](std::string_view why) { on_end(why); }};
  transport_ = std::make_unique<PoolTransport>(
      loop_, settings_.pool, redirected_port_.value_or(settings_.pool.port), settings_.tls,
      connect_deadline, std::move(callbacks));
}

void PoolLink::on_open() {
  if (stopped_) return;
  was_open_ = true;
  began_ = mono_now();
  if (std::exchange(ever_connected_, true)) ++reconnects_;
  const std::string with = settings_.tls ? " with TLS" : "";
  const std::string by =
      settings_.pool.proxy ? fmt::format(" by proxy {}", host_and_port(settings_.pool.proxy->host,
                                                                       settings_.pool.proxy->port))
                           : "";
  host_.report({ClientEventKind::connected, fmt::format("connected to {}{}{}", name(), with, by)});
  client_.on_connected(began_);
}

void PoolLink::on_bytes(base::ByteSpan bytes) {
  if (settings_.dump) dump_incoming(bytes);
  client_.on_bytes(bytes, mono_now());
  note_ready();
  host_.on_link_heard(number_);
}

// The transport is in one of its callbacks: it goes with the next tick, or the next attempt.
void PoolLink::on_end(std::string_view why) {
  over_ = std::move(transport_);
  leaving_since_.reset();
  if (was_open_ && mono_now() - began_ > good_connection) {
    backoff_.reset();
    failures_in_a_row_ = 0;
  }
  client_.on_disconnected();
  note_ready();
  forget_redirect();
  if (stopped_ || !wanted_) return;
  ++failures_in_a_row_;
  const auto pause = std::max(backoff_.next(random_), std::exchange(pause_least_, {}));
  retry_.start(pause, std::chrono::milliseconds{0});
  host_.on_link_failed(number_, why, pause);
}

// Whoever answers at the port that the pool named need be no pool: unless there was work, or the
// way leads on from there, the configured port counts again.
void PoolLink::forget_redirect() {
  if (had_work_) redirects_without_work_ = 0;
  if (had_work_ || (redirected_anew_ && redirects_without_work_ <= redirects_without_work_max)) {
    return;
  }
  redirected_port_.reset();
  redirects_without_work_ = 0;
}

LinkState PoolLink::state() const {
  if (!transport_) return LinkState::disconnected;
  if (!transport_->is_open()) return was_open_ ? LinkState::disconnected : LinkState::connecting;
  if (!client_.is_authorized()) return LinkState::handshake;
  return client_.is_mining() ? LinkState::mining : LinkState::waiting_for_job;
}

void PoolLink::note_ready() {
  const bool ready = is_ready();
  if (ready && !was_ready_) ready_since_ = mono_now();
  was_ready_ = ready;
}

// --- what the client asks for ---

void PoolLink::send(std::string_view line) {
  if (settings_.dump) {
    const bool secret = line.find("\"mining.authorize\"") != std::string_view::npos;
    settings_.dump(">", secret ? "(mining.authorize, not shown for its password)"
                               : printable(line.substr(0, line.find('\n')), dumped_line_bytes_max));
  }
  if (transport_) transport_->send(line);
}

void PoolLink::dump_incoming(base::ByteSpan bytes) {
  for (const char c : base::as_text(bytes)) {
    if (c == '\n') {
      settings_.dump("<", printable(std::exchange(dumped_, {}), dumped_line_bytes_max));
    } else if (dumped_.size() < dumped_line_bytes_max) {
      dumped_ += c;
    }
  }
}

void PoolLink::set_work(std::shared_ptr<const Work> work) {
  had_work_ = had_work_ || work;
  note_ready();
  host_.on_link_work(number_);
}

void PoolLink::set_coherence_work(std::shared_ptr<const CoherenceWork> work) {
  had_work_ = had_work_ || work;
  note_ready();
  host_.on_link_coherence_work(number_);
}

void PoolLink::disconnect(std::chrono::seconds pause) {
  pause_least_ = pause;
  if (transport_) transport_->close();
}

void PoolLink::redirect(std::uint16_t port) {
  redirected_port_ = port;
  redirected_anew_ = true;
  ++redirects_without_work_;
}

void PoolLink::report(const ClientEvent& event) {
  if (event.kind == ClientEventKind::accepted) {
    backoff_.reset();
    failures_in_a_row_ = 0;
  }
  host_.report(event);
}

}  // namespace miner
