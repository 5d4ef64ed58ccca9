#include "miner/network_loop.h"

#include "common/coherence/chain.h"
#include "common/uv/clock.h"

#include <fmt/format.h>

#include <utility>

namespace miner {
namespace {

constexpr std::size_t found_waiting_max = 2048;
constexpr std::chrono::milliseconds tick_every{20};
constexpr std::chrono::milliseconds connect_deadline{10'000};
constexpr std::chrono::milliseconds answers_wait{500};
constexpr std::chrono::milliseconds progress_every{250};
constexpr std::chrono::minutes good_connection{1};

base::MonoTime mono_now() { return uv::read_clock().mono; }

std::string seconds_text(std::chrono::milliseconds pause) {
  return fmt::format("{:.1f} s", static_cast<double>(pause.count()) / 1000);
}

}  // namespace

NetworkLoop::NetworkLoop(uv::Loop& loop, NetworkSettings settings, const MinerKernels& kernels,
                         Console& console)
    : loop_(loop),
      settings_(std::move(settings)),
      kernels_(kernels),
      console_(console),
      client_(settings_.client, *this),
      random_(settings_.seed),
      backoff_(settings_.retry_first, settings_.retry_most),
      started_at_(mono_now()),
      tick_(loop, [this] { on_tick(); }),
      second_(loop, [this] { on_second(); }),
      retry_(loop, [this] { connect(); }),
      progress_(loop, [this] { on_progress(); }),
      found_(loop, found_waiting_max,
             [this](WorkerMessage&& message) { on_worker_message(std::move(message)); }) {
  for (std::uint32_t i = 0; i < settings_.threads; ++i) {
    workers_.push_back(
        std::make_unique<Worker>(i, settings_.threads, *kernels_.scan, found_, guide_));
  }
  const std::uint32_t bloom_threads = settings_.coherence_threads;
  for (std::uint32_t i = 0; i < bloom_threads; ++i) {
    bloom_workers_.push_back(
        std::make_unique<BloomWorker>(i, bloom_threads, *kernels_.bloom, found_, bloom_guide_));
  }
  if (!settings_.witness_path.empty()) witness_.emplace(settings_.witness_path);
}

NetworkLoop::~NetworkLoop() {
  for (const auto& worker : workers_) worker->request_stop();
  for (const auto& worker : bloom_workers_) worker->request_stop();
}

void NetworkLoop::start() {
  if (witness_) {
    // Now, so that a path that is wrong is told before anything is mined.
    if (auto problem = witness_->open()) report({ClientEventKind::problem, std::move(*problem)});
  }
  if (!bloom_workers_.empty()) progress_.start(progress_every, progress_every);
  tick_.start(tick_every, tick_every);
  second_.start(std::chrono::seconds(1), std::chrono::seconds(1));
  connect();
}

void NetworkLoop::stop() {
  if (stopping_ || !client_.awaits_answers()) return finish();
  stopping_ = true;
  stop_deadline_ = mono_now() + answers_wait;
  for (const auto& worker : workers_) worker->post(nullptr);
  for (const auto& worker : bloom_workers_) worker->post(nullptr);
}

void NetworkLoop::finish() {
  if (finished_) return;
  finished_ = stopping_ = true;
  for (const auto& worker : workers_) worker->request_stop();
  for (const auto& worker : bloom_workers_) worker->request_stop();
  sample_rates(mono_now());
  Status last = status();
  client_.on_disconnected();
  last.counters = client_.counters();  // what is still unanswered now counts as lost
  last.unanswered = 0;
  if (last.coherence) {
    last.coherence->counters = client_.coherence()->counters();
    last.coherence->unanswered = 0;
  }
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
  height_missing_told_ = false;
  stream_->set_callbacks({[this](base::ByteSpan bytes) {
                            client_.on_bytes(bytes, mono_now());
                            guide_workers();
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
                  fmt::format("{}; not mining, next attempt in {}", why, seconds_text(pause))},
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

void NetworkLoop::set_coherence_work(std::shared_ptr<const CoherenceWork> work) {
  if (work && witness_) note_witness(*work);
  if (work && stopping_) return;
  for (const auto& worker : bloom_workers_) worker->post(work);
}

// A pool may leave out the height, but must not get rid of its witness without a word.
void NetworkLoop::note_witness(const CoherenceWork& work) {
  if (!work.height) {
    if (std::exchange(height_missing_told_, true)) return;
    return report({ClientEventKind::problem,
                   "the pool does not say its chain's height: no witness log can be kept"});
  }
  const crypto::Digest prev_hash = coherence::decode_header(work.job.header).prev_hash;
  auto problem = witness_->note(*work.height, prev_hash, uv::read_clock().unix_seconds());
  if (problem) report({ClientEventKind::problem, std::move(*problem)});
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
    return guide_workers();
  }
  if (auto* proof = std::get_if<FoundProof>(&message)) {
    if (!stopping_) client_.on_proof(std::move(*proof), mono_now());
    return guide_workers();
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
  guide_workers();
  if (stopping_ && (!client_.awaits_answers() || now >= stop_deadline_)) finish();
}

void NetworkLoop::guide_workers() {
  guide_.appetite.store(client_.appetite(), std::memory_order_relaxed);
  const CoherenceClient* coherence = client_.coherence();
  if (coherence != nullptr) {
    bloom_guide_.appetite.store(coherence->appetite(), std::memory_order_relaxed);
  }
}

void NetworkLoop::on_progress() {
  const BloomProgress now = bloom_progress();
  if (!stopping_ && now.best_r_q > 0)
    stop_if_unread(console_.progress(now.best_round, now.best_r_q));
}

void NetworkLoop::on_second() {
  if (stopping_) return;
  const base::Instant now = uv::read_clock();
  sample_rates(now.mono);
  stop_if_unread(console_.status(status(), now));
}

void NetworkLoop::stop_if_unread(bool read) {
  if (read) return;
  exit_code_ = 1;
  finish();
}

void NetworkLoop::sample_rates(base::MonoTime now) {
  rate_.sample(hashes(), now);
  const BloomProgress progress = bloom_progress();
  rounds_rate_.sample(progress.rounds, now);
  attempts_rate_.sample(progress.attempts, now);
}

}  // namespace miner
