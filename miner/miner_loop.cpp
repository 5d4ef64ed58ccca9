#include "miner/miner_loop.h"

#include "common/coherence/chain.h"
#include "common/uv/clock.h"

#include <utility>

namespace miner {
namespace {

constexpr std::chrono::milliseconds tick_every{20};
// A batch under way lasts 20 ms: what it finds is submitted yet.
constexpr std::chrono::milliseconds batch_wait{100};
constexpr std::chrono::milliseconds answers_wait{500};
constexpr std::chrono::milliseconds progress_every{250};

base::MonoTime mono_now() { return uv::read_clock().mono; }

}  // namespace

MinerLoop::MinerLoop(uv::Loop& loop, MinerSettings settings, const MinerKernels& kernels,
                     Console& console, const MakeWorkSource& make_source)
    : loop_(loop),
      console_(console),
      observer_(settings.observer),
      started_at_(mono_now()),
      tick_(loop, [this] { on_tick(); }),
      second_(loop, [this] { on_second(); }),
      progress_(loop, [this] { on_progress(); }),
      crew_(loop, settings.crew, kernels,
            [this](WorkerMessage&& message) { on_worker_message(std::move(message)); }),
      source_(make_source(*this)) {
  if (!settings.witness_path.empty()) witness_.emplace(std::move(settings.witness_path));
}

MinerLoop::~MinerLoop() = default;

void MinerLoop::start() {
  if (observer_ != nullptr) observer_->on_status(status(), uv::read_clock());
  if (witness_) {
    // Now, so that a path that is wrong is told before anything is mined.
    if (auto problem = witness_->open()) report({ClientEventKind::problem, std::move(*problem)});
  }
  if (crew_.mines_coherence()) progress_.start(progress_every, progress_every);
  tick_.start(tick_every, tick_every);
  second_.start(std::chrono::seconds(1), std::chrono::seconds(1));
  source_->start();
}

void MinerLoop::stop() {
  if (stopping_ || !(has_work_ || has_coherence_work_ || source_->awaits_answers()))
    return finish();
  stopping_ = true;
  batch_deadline_ = mono_now() + batch_wait;
  stop_deadline_ = batch_deadline_ + answers_wait;
  source_->stop();
  crew_.set_work(nullptr);
  crew_.set_coherence_work(nullptr);
}

void MinerLoop::finish() {
  if (finished_) return;
  finished_ = stopping_ = true;
  crew_.request_stop();
  crew_.sample_rates(mono_now());
  Status last = status();
  source_->stop();
  source_->end();
  const Status ended = status();
  last.counters = ended.counters;  // what is still unanswered now counts as lost
  last.unanswered = 0;
  if (last.coherence) {
    last.coherence->counters = ended.coherence->counters;
    last.coherence->unanswered = 0;
  }
  console_.totals(last);
  if (observer_ != nullptr) observer_->on_end(last, uv::read_clock());
  loop_.stop();
}

Status MinerLoop::status() const {
  Status status;
  status.uptime = std::chrono::floor<std::chrono::seconds>(mono_now() - started_at_);
  crew_.describe(status);
  source_->describe(status);
  return status;
}

// --- what the source asks for ---

void MinerLoop::set_work(std::shared_ptr<const Work> work) {
  exhausted_told_ = false;
  if (work && stopping_) return;
  has_work_ = work != nullptr;
  if (work && observer_ != nullptr) observer_->on_work(*work, uv::read_clock());
  crew_.set_work(work);
}

void MinerLoop::set_coherence_work(std::shared_ptr<const CoherenceWork> work) {
  if (work && witness_) note_witness(*work);
  if (work && stopping_) return;
  has_coherence_work_ = work != nullptr;
  if (work && observer_ != nullptr) observer_->on_coherence_work(*work, uv::read_clock());
  crew_.set_coherence_work(work);
}

// A pool may leave out the height, but must not get rid of its witness without a word.
void MinerLoop::note_witness(const CoherenceWork& work) {
  if (!work.height) {
    if (std::exchange(height_missing_told_, true)) return;
    return report({ClientEventKind::problem,
                   "the pool does not say its chain's height: no witness log can be kept"});
  }
  const crypto::Digest prev_hash = coherence::decode_header(work.job.header).prev_hash;
  auto problem = witness_->note(*work.height, prev_hash, uv::read_clock().unix_seconds());
  if (problem) report({ClientEventKind::problem, std::move(*problem)});
}

void MinerLoop::report(const ClientEvent& event) {
  if (event.kind == ClientEventKind::connected) height_missing_told_ = false;
  if (event.share) crew_.count_answer(*event.share, event.kind == ClientEventKind::accepted);
  const base::Instant now = uv::read_clock();
  console_.event(event, now);
  if (observer_ != nullptr) observer_->on_event(event, now);
}

void MinerLoop::appetite_changed() {
  crew_.set_appetite(source_->appetite(), source_->coherence_appetite());
}

void MinerLoop::give_up(std::string_view why) {
  const base::Instant now = uv::read_clock();
  console_.notice(why, now);
  if (observer_ != nullptr) observer_->on_give_up(why, now);
  exit_code_ = 1;
  finish();
}

// --- time and workers ---

void MinerLoop::on_worker_message(WorkerMessage&& message) {
  if (auto* share = std::get_if<FoundShare>(&message)) {
    if (finished_) return;
    const base::Instant now = uv::read_clock();
    if (share->is_block && observer_ != nullptr) observer_->on_block(*share, now);
    source_->on_share(std::move(*share), now.mono);
    return appetite_changed();
  }
  if (auto* proof = std::get_if<FoundProof>(&message)) {
    if (!finished_) source_->on_proof(std::move(*proof), mono_now());
    return appetite_changed();
  }
  if (std::exchange(exhausted_told_, true)) return;
  report(
      {ClientEventKind::problem, "every header of this job was tried; waiting for the next job"});
}

void MinerLoop::on_tick() {
  const base::MonoTime now = mono_now();
  source_->on_tick(now);
  appetite_changed();
  if (!stopping_ || now < batch_deadline_) return;
  if (!source_->awaits_answers() || now >= stop_deadline_) finish();
}

void MinerLoop::on_progress() {
  const BloomProgress now = crew_.bloom_progress();
  if (!stopping_ && now.best_r_q > 0)
    stop_if_unread(console_.progress(now.best_round, now.best_r_q));
}

void MinerLoop::on_second() {
  if (stopping_) return;
  const base::Instant now = uv::read_clock();
  crew_.sample_rates(now.mono);
  const Status current = status();
  if (observer_ != nullptr) observer_->on_status(current, now);
  stop_if_unread(console_.status(current, now));
}

void MinerLoop::stop_if_unread(bool read) {
  if (read) return;
  exit_code_ = 1;
  finish();
}

}  // namespace miner
