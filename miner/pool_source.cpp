#include "miner/pool_source.h"

#include "common/base/assert.h"
#include "common/uv/clock.h"
#include "miner/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace miner {
namespace {

constexpr std::chrono::milliseconds connect_deadline{10'000};
constexpr std::chrono::minutes good_connection{1};

base::MonoTime mono_now() { return uv::read_clock().mono; }

std::string seconds_text(std::chrono::milliseconds pause) {
  return fmt::format("{:.1f} s", static_cast<double>(pause.count()) / 1000);
}

ClientOptions options_for(ClientOptions options, const PoolSettings& pool) {
  options.username = pool.username;
  options.password = pool.password;
  return options;
}

}  // namespace

PoolSource::PoolSource(uv::Loop& loop, PoolSourceSettings settings, WorkSourceHost& host)
    : loop_(loop),
      settings_(std::move(settings)),
      host_(host),
      client_(options_for(settings_.client, settings_.pools.at(0)), *this),
      random_(settings_.seed),
      backoff_(settings_.retry_first, settings_.retry_most),
      retry_(loop, [this] { connect(); }) {}

PoolSource::~PoolSource() = default;

// --- the connection ---

void PoolSource::connect() {
  if (stopping_) return;
  connector_ = std::make_unique<uv::TcpConnector>(
      loop_, settings_.pools[0].host, settings_.pools[0].port, connect_deadline, uv::TcpOptions{},
      [this](auto result) { on_connected(std::move(result)); });
}

void PoolSource::on_connected(base::Result<std::unique_ptr<uv::TcpStream>, uv::UvError> result) {
  connector_.reset();
  if (stopping_) return;
  const PoolSettings& pool = settings_.pools[0];
  if (!result) {
    return retry_later(fmt::format("cannot connect to {}:{}: {}", pool.host, pool.port,
                                   uv::describe(result.error())));
  }
  stream_ = std::move(*result);
  stream_over_ = false;
  stream_->set_callbacks({[this](base::ByteSpan bytes) {
                            client_.on_bytes(bytes, mono_now());
                            host_.appetite_changed();
                          },
                          [this](uv::CloseCause cause) { on_close(cause); },
                          {}});
  connected_at_ = mono_now();
  if (ever_connected_) ++reconnects_;
  ever_connected_ = true;
  host_.report(
      {ClientEventKind::connected, fmt::format("connected to {}:{}", pool.host, pool.port)});
  stream_->start_reading();
  client_.on_connected(connected_at_);
}

void PoolSource::on_close(uv::CloseCause cause) {
  stream_over_ = true;
  if (mono_now() - connected_at_ > good_connection) {
    backoff_.reset();
    failures_in_a_row_ = 0;
  }
  const bool ours = cause == uv::CloseCause::closed_by_us;
  client_.on_disconnected();
  if (stopping_) return;
  const PoolSettings& pool = settings_.pools[0];
  retry_later(ours ? "disconnected"
                   : fmt::format("the connection to {}:{} ended ({})", pool.host, pool.port,
                                 uv::name_of(cause)));
}

void PoolSource::retry_later(std::string_view why) {
  ++failures_in_a_row_;
  if (settings_.retries >= 0 && failures_in_a_row_ > settings_.retries) {
    return host_.give_up(fmt::format("{}; giving up after {} attempts", why, failures_in_a_row_));
  }
  const auto pause = std::max(backoff_.next(random_), std::exchange(pause_least_, {}));
  host_.report({ClientEventKind::problem,
                fmt::format("{}; not mining, next attempt in {}", why, seconds_text(pause))});
  retry_.start(pause, std::chrono::milliseconds{0});
}

// --- what the client asks for ---

void PoolSource::send(std::string_view line) {
  if (stream_ && !stream_over_) stream_->write(line);
}

void PoolSource::set_work(std::shared_ptr<const Work> work) { host_.set_work(std::move(work)); }

void PoolSource::set_coherence_work(std::shared_ptr<const CoherenceWork> work) {
  host_.set_coherence_work(std::move(work));
}

void PoolSource::disconnect(std::chrono::seconds pause) {
  pause_least_ = pause;
  if (stream_ && !stream_over_) stream_->close();
}

void PoolSource::redirect(std::uint16_t) {}

void PoolSource::report(const ClientEvent& event) {
  if (event.kind == ClientEventKind::accepted) {
    backoff_.reset();
    failures_in_a_row_ = 0;
  }
  host_.report(event);
}

// --- what the crew found, and time ---

void PoolSource::on_share(FoundShare share, base::MonoTime now) {
  client_.on_share(std::move(share), now);
}

void PoolSource::on_proof(FoundProof proof, base::MonoTime now) {
  client_.on_proof(std::move(proof), now);
}

void PoolSource::on_tick(base::MonoTime now) {
  if (stream_over_) {
    stream_.reset();
    stream_over_ = false;
  }
  client_.on_tick(now);
}

Appetite PoolSource::coherence_appetite() const {
  const CoherenceClient* coherence = client_.coherence();
  return coherence != nullptr ? coherence->appetite() : Appetite::nothing;
}

void PoolSource::describe(Status& status) const {
  status.link = connector_                 ? LinkState::connecting
                : !stream_ || stream_over_ ? LinkState::disconnected
                : !client_.is_authorized() ? LinkState::handshake
                : client_.is_mining()      ? LinkState::mining
                                           : LinkState::waiting_for_job;
  status.counters = client_.counters();
  status.difficulty = client_.difficulty();
  status.job_id = client_.job_id();
  status.unanswered = client_.unanswered();
  status.reconnects = reconnects_;
  for (const PoolSettings& pool : settings_.pools) {
    PoolStatus& one = status.pools.emplace_back();
    one.url = url_of(pool);
    one.user = pool.username;
    one.active = &pool == settings_.pools.data();
    if (!one.active) continue;
    one.accepted = status.counters.accepted;
    one.rejected = status.counters.rejected;
    one.difficulty_accepted = status.counters.difficulty_accepted;
  }
  if (!status.coherence || client_.coherence() == nullptr) return;
  status.coherence->counters = client_.coherence()->counters();
  status.coherence->unanswered = client_.coherence()->unanswered();
  status.coherence->work = client_.coherence()->work();
}

}  // namespace miner
