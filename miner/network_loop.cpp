#include "miner/network_loop.h"

#include "common/uv/clock.h"

#include <fmt/format.h>

#include <utility>

namespace miner {
namespace {

constexpr std::size_t found_waiting_max = 2048;
constexpr std::chrono::milliseconds tick_every{20};
constexpr std::chrono::milliseconds connect_deadline{10'000};
constexpr std::chrono::milliseconds answers_wait{500};
constexpr std::chrono::minutes good_connection{1};

base::MonoTime mono_now() { return uv::read_clock().mono; }

std::string seconds_text(std::chrono::milliseconds pause) {
  return fmt::format("{:.1f} s", static_cast<double>(pause.count()) / 1000);
}

}  // namespace

NetworkLoop::NetworkLoop(uv::Loop& loop, NetworkSettings settings, const ScanKernel& kernel,
                         Console& console)
    : loop_(loop),
      settings_(std::move(settings)),
      kernel_(kernel),
      console_(console),
      client_(settings_.client, *this),
      random_(settings_.seed),
      backoff_(settings_.retry_first, settings_.retry_most),
      started_at_(mono_now()),
      tick_(loop, [this] { on_tick(); }),
      second_(loop, [this] { on_second(); }),
      retry_(loop, [this] { connect(); }),
      found_(loop, found_waiting_max,
             [this](WorkerMessage&& message) { on_worker_message(std::move(message)); }) {
  for (std::uint32_t i = 0; i < settings_.threads; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, settings_.threads, kernel, found_, guide_));
  }
}

NetworkLoop::~NetworkLoop() {
  for (const auto& worker : workers_) worker->request_stop();
}

void NetworkLoop::start() {
  tick_.start(tick_every, tick_every);
  second_.start(std::chrono::seconds(1), std::chrono::seconds(1));
  connect();
}

void NetworkLoop::stop() {
  if (stopping_ || client_.unanswered() == 0) return finish();
  stopping_ = true;
  stop_deadline_ = mono_now() + answers_wait;
  for (const auto& worker : workers_) worker->post(nullptr);
}

void NetworkLoop::finish() {
  if (finished_) return;
  finished_ = stopping_ = true;
  for (const auto& worker : workers_) worker->request_stop();
  rate_.sample(hashes(), mono_now());
  Status last = status();
  client_.on_disconnected();
  last.counters = client_.counters();  // what is still unanswered now counts as lost
  last.unanswered = 0;
  console_.totals(last);
  loop_.stop();
}

// --- the connection ---

void NetworkLoop::connect() {
  if (stopping_) return;
  connector_ = std::make_unique<uv::TcpConnector>(
      loop_, settings_.host, settings_.port, connect_deadline, uv::TcpOptions{},
      [this](auto result) { on_connected(std::move(result)); });
}

void NetworkLoop::on_connected(base::Result<std::unique_ptr<uv::TcpStream>, uv::UvError> result) {
  connector_.reset();
  if (stopping_) return;
  if (!result) {
    return retry_later(fmt::format("cannot connect to {}:{}: {}", settings_.host, settings_.port,
                                   uv::describe(result.error())));
  }
  stream_ = std::move(*result);
  stream_over_ = false;
  stream_->set_callbacks({[this](base::ByteSpan bytes) {
                            client_.on_bytes(bytes, mono_now());
                            guide_.appetite.store(client_.appetite(), std::memory_order_relaxed);
                          },
                          [this](uv::CloseCause cause) { on_close(cause); },
                          {}});
  const base::Instant now = uv::read_clock();
  connected_at_ = now.mono;
  if (ever_connected_) ++reconnects_;
  ever_connected_ = true;
  console_.event({ClientEventKind::connected,
                  fmt::format("connected to {}:{}", settings_.host, settings_.port)},
                 now);
  stream_->start_reading();
  client_.on_connected(now.mono);
}

void NetworkLoop::on_close(uv::CloseCause cause) {
  stream_over_ = true;
  if (mono_now() - connected_at_ > good_connection) {
    backoff_.reset();
    failures_in_a_row_ = 0;
  }
  const bool ours = cause == uv::CloseCause::closed_by_us;
  client_.on_disconnected();
  if (stopping_) return;
  retry_later(ours ? "disconnected"
                   : fmt::format("the connection to {}:{} ended ({})", settings_.host,
                                 settings_.port, uv::name_of(cause)));
}

void NetworkLoop::retry_later(std::string_view why) {
  const base::Instant now = uv::read_clock();
  ++failures_in_a_row_;
  if (settings_.retries >= 0 && failures_in_a_row_ > settings_.retries) {
    console_.notice(fmt::format("{}; giving up after {} attempts", why, failures_in_a_row_), now);
    exit_code_ = 1;
    return finish();
  }
  const auto pause = std::max(backoff_.next(random_), std::exchange(pause_least_, {}));
  console_.event({ClientEventKind::problem,
                  fmt::format("{}; not hashing, next attempt in {}", why, seconds_text(pause))},
                 now);
  retry_.start(pause, std::chrono::milliseconds{0});
}

// --- what the client asks for ---

void NetworkLoop::send(std::string_view line) {
  if (stream_ && !stream_over_) stream_->write(line);
}

void NetworkLoop::set_work(std::shared_ptr<const Work> work) {
  exhausted_told_ = false;
  if (work && stopping_) return;
  for (const auto& worker : workers_) worker->post(work);
}

void NetworkLoop::disconnect(std::chrono::seconds pause) {
  pause_least_ = pause;
  if (stream_ && !stream_over_) stream_->close();
}

void NetworkLoop::report(const ClientEvent& event) {
  if (event.kind == ClientEventKind::accepted) {
    backoff_.reset();
    failures_in_a_row_ = 0;
  }
  console_.event(event, uv::read_clock());
}

// --- time and workers ---

void NetworkLoop::on_worker_message(WorkerMessage&& message) {
  if (auto* share = std::get_if<FoundShare>(&message)) {
    if (!stopping_) client_.on_share(std::move(*share), mono_now());
    guide_.appetite.store(client_.appetite(), std::memory_order_relaxed);
    return;
  }
  if (std::exchange(exhausted_told_, true)) return;
  report(
      {ClientEventKind::problem, "every header of this job was tried; waiting for the next job"});
}

void NetworkLoop::on_tick() {
  if (stream_over_) {
    stream_.reset();
    stream_over_ = false;
  }
  const base::MonoTime now = mono_now();
  client_.on_tick(now);
  guide_.appetite.store(client_.appetite(), std::memory_order_relaxed);
  if (stopping_ && (client_.unanswered() == 0 || now >= stop_deadline_)) finish();
}

void NetworkLoop::on_second() {
  if (stopping_) return;
  const base::Instant now = uv::read_clock();
  rate_.sample(hashes(), now.mono);
  if (console_.status(status(), now)) return;
  exit_code_ = 1;
  finish();
}

std::uint64_t NetworkLoop::hashes() const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->hashes();
  return sum;
}

Status NetworkLoop::status() const {
  Status status;
  status.link = connector_                 ? LinkState::connecting
                : !stream_ || stream_over_ ? LinkState::disconnected
                : !client_.is_authorized() ? LinkState::handshake
                : client_.has_work()       ? LinkState::mining
                                           : LinkState::waiting_for_job;
  status.hash_rate = rate_.per_second();
  status.hashes = hashes();
  status.uptime = std::chrono::floor<std::chrono::seconds>(mono_now() - started_at_);
  status.counters = client_.counters();
  status.difficulty = client_.difficulty();
  status.job_id = client_.job_id();
  status.unanswered = client_.unanswered();
  status.reconnects = reconnects_;
  for (const auto& worker : workers_) status.wrong_proposals += worker->wrong_proposals();
  status.kernel = kernel_.name;
  status.threads = settings_.threads;
  return status;
}

}  // namespace miner
