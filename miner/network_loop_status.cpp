// What the network loop knows of its workers and its client, put together for the console.
#include "common/uv/clock.h"
#include "miner/network_loop.h"

namespace miner {

std::uint64_t NetworkLoop::hashes() const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->hashes();
  return sum;
}

BloomProgress NetworkLoop::bloom_progress() const {
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

CoherenceStatus NetworkLoop::coherence_status() const {
  const BloomProgress progress = bloom_progress();
  CoherenceStatus status;
  status.threads = settings_.coherence_threads;
  status.kernel = kernels_.bloom->name;
  status.rounds_per_second = rounds_rate_.per_second();
  status.attempts_per_second = attempts_rate_.per_second();
  status.rounds = progress.rounds;
  status.attempts = progress.attempts;
  status.blooms = progress.blooms;
  status.wrong_blooms = progress.wrong_blooms;
  status.best_round = progress.best_round;
  status.best_r_q = progress.best_r_q;
  status.counters = client_.coherence()->counters();
  status.unanswered = client_.coherence()->unanswered();
  status.work = client_.coherence()->work();
  return status;
}

Status NetworkLoop::status() const {
  Status status;
  status.link = connector_                 ? LinkState::connecting
                : !stream_ || stream_over_ ? LinkState::disconnected
                : !client_.is_authorized() ? LinkState::handshake
                : client_.is_mining()      ? LinkState::mining
                                           : LinkState::waiting_for_job;
  status.hash_rate = rate_.per_second();
  status.hashes = hashes();
  status.uptime = std::chrono::floor<std::chrono::seconds>(uv::read_clock().mono - started_at_);
  status.counters = client_.counters();
  status.difficulty = client_.difficulty();
  status.job_id = client_.job_id();
  status.unanswered = client_.unanswered();
  status.reconnects = reconnects_;
  for (const auto& worker : workers_) status.wrong_proposals += worker->wrong_proposals();
  if (kernels_.scan != nullptr) status.kernel = kernels_.scan->name;
  status.threads = settings_.threads;
  if (kernels_.bloom != nullptr) status.coherence = coherence_status();
  return status;
}

}  // namespace miner
