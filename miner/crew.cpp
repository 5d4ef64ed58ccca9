#include "miner/crew.h"

#include <algorithm>
#include <utility>

namespace miner {
namespace {

constexpr std::size_t found_waiting_max = 2048;

}  // namespace

Crew::Crew(uv::Loop& loop, const CrewSettings& settings, const MinerKernels& kernels,
           OnMessage on_message)
    : settings_(settings),
      kernels_(kernels),
      thread_rates_(settings_.threads),
      answered_(settings_.threads),
      found_(loop, found_waiting_max, std::move(on_message)) {
  const std::uint32_t threads = settings_.threads;
  for (std::uint32_t i = 0; i < threads; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, threads, *kernels_.scan, found_, guide_,
                                                manners_of(i), settings_.nonce_step));
  }
  const std::uint32_t bloom_threads = settings_.coherence_threads;
  for (std::uint32_t i = 0; i < bloom_threads; ++i) {
    bloom_workers_.push_back(std::make_unique<BloomWorker>(
        i, bloom_threads, *kernels_.bloom, found_, bloom_guide_, manners_of(threads + i)));
  }
}

// All together, so that they end together.
Crew::~Crew() { request_stop(); }

void Crew::request_stop() {
  for (const auto& worker : workers_) worker->request_stop();
  for (const auto& worker : bloom_workers_) worker->request_stop();
}

ThreadManners Crew::manners_of(std::uint32_t thread) const {
  ThreadManners manners{settings_.nice, std::nullopt};
  if (!settings_.cores.empty()) manners.core = settings_.cores[thread % settings_.cores.size()];
  return manners;
}

void Crew::set_work(const std::shared_ptr<const Work>& work) {
  for (const auto& worker : workers_) worker->post(work);
}

void Crew::set_coherence_work(const std::shared_ptr<const CoherenceWork>& work) {
  for (const auto& worker : bloom_workers_) worker->post(work);
}

void Crew::set_appetite(Appetite shares, Appetite proofs) {
  guide_.appetite.store(shares, std::memory_order_relaxed);
  bloom_guide_.appetite.store(proofs, std::memory_order_relaxed);
}

std::uint64_t Crew::hashes() const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->hashes();
  return sum;
}

BloomProgress Crew::bloom_progress() const {
  BloomProgress all;
  for (const auto& worker : bloom_workers_) {
    const BloomProgress one = worker->progress();
    all.rounds += one.rounds;
    all.attempts += one.attempts;
    all.blooms += one.blooms;
    all.wrong_blooms += one.wrong_blooms;
    if (one.best_r_q <= all.best_r_q) continue;
    all.best_r_q = one.best_r_q;
    all.best_round = one.best_round;
  }
  return all;
}

void Crew::sample_rates(base::MonoTime now) {
  rate_.sample(hashes(), now);
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    thread_rates_[i].sample(workers_[i]->hashes(), now);
  }
  const BloomProgress progress = bloom_progress();
  rounds_rate_.sample(progress.rounds, now);
  attempts_rate_.sample(progress.attempts, now);
}

void Crew::count_answer(const FoundShare& share, bool accepted) {
  Answered& answered = answered_.at(share.thread);
  ++(accepted ? answered.accepted : answered.rejected);
  if (accepted) answered.difficulty_accepted += share.work->difficulty.value();
}

void Crew::describe(Status& status) const {
  status.hash_rate = rate_.per_second();
  status.hashes = hashes();
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    status.wrong_proposals += workers_[i]->wrong_proposals();
    status.switch_time_max = std::max(status.switch_time_max, workers_[i]->switch_time_max());
    status.per_thread.push_back({thread_rates_[i].per_second(), workers_[i]->hashes(),
                                 workers_[i]->wrong_proposals(), answered_[i].accepted,
                                 answered_[i].rejected, answered_[i].difficulty_accepted});
  }
  if (kernels_.scan != nullptr) status.kernel = kernels_.scan->name;
  status.threads = settings_.threads;
  if (!mines_coherence()) return;
  const BloomProgress progress = bloom_progress();
  CoherenceStatus& coherence = status.coherence.emplace();
  coherence.threads = settings_.coherence_threads;
  coherence.kernel = kernels_.bloom->name;
  coherence.rounds_per_second = rounds_rate_.per_second();
  coherence.attempts_per_second = attempts_rate_.per_second();
  coherence.rounds = progress.rounds;
  coherence.attempts = progress.attempts;
  coherence.blooms = progress.blooms;
  coherence.wrong_blooms = progress.wrong_blooms;
  coherence.best_round = progress.best_round;
  coherence.best_r_q = progress.best_r_q;
}

}  // namespace miner
