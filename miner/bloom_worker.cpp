#include "miner/bloom_worker.h"

#include "common/base/assert.h"
#include "common/uv/clock.h"

#include <algorithm>
#include <utility>

namespace miner {
namespace {

constexpr std::uint32_t first_batch = 64;
constexpr std::uint32_t batch_max = coherence::states_per_attempt;
constexpr std::chrono::nanoseconds batch_aim = std::chrono::milliseconds(5);

// At most doubled, so that one short measurement can't lead to one long batch.
std::uint32_t next_batch(std::uint32_t batch, std::chrono::nanoseconds took) {
  const double ratio = static_cast<double>(batch_aim.count()) /
                       static_cast<double>(std::max<std::int64_t>(took.count(), 1));
  const double wanted = static_cast<double>(batch) * std::min(ratio, 2.0);
  return static_cast<std::uint32_t>(std::clamp(wanted, 1.0, static_cast<double>(batch_max)));
}

}  // namespace

BloomWorker::BloomWorker(std::uint32_t index, std::uint32_t workers, const bloom::Kernel& kernel,
                         WorkerOutbox& outbox, const WorkerGuide& guide,
                         const ThreadManners& manners)
    : outbox_(outbox),
      guide_(guide),
      manners_(manners),
      search_(index, workers, kernel),
      orders_(loop_, 1, [this](Order&& order) { search_.set_work(std::move(order.work)); }),
      batch_(first_batch),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

BloomWorker::~BloomWorker() {
  request_stop();
  thread_.join();
}

void BloomWorker::request_stop() {
  thread_.request_stop();
  post(nullptr);  // wakes the loop if it waits
}

void BloomWorker::post(std::shared_ptr<const CoherenceWork> work) {
  const auto same = [](const Order&, const Order&) { return true; };
  ASSERT(orders_.post_latest(Order{std::move(work)}, same));
}

BloomProgress BloomWorker::progress() const {
  BloomProgress progress;
  progress.rounds = rounds_.load(std::memory_order_relaxed);
  progress.attempts = attempts_.load(std::memory_order_relaxed);
  progress.blooms = blooms_.load(std::memory_order_relaxed);
  progress.wrong_blooms = wrong_blooms_.load(std::memory_order_relaxed);
  const std::uint64_t best = best_.load(std::memory_order_relaxed);
  progress.best_round = static_cast<std::uint32_t>(best >> 16);
  progress.best_r_q = static_cast<std::uint16_t>(best);
  return progress;
}

void BloomWorker::run(const std::stop_token& stop) {
  apply_manners(manners_);
  const BloomSearch::Verbs verbs{
      [this, &stop] {
        return stop.stop_requested() ? Appetite::nothing
                                     : guide_.appetite.load(std::memory_order_relaxed);
      },
      [this](FoundProof proof) { return outbox_.post(WorkerMessage(std::move(proof))); }};
  while (!stop.stop_requested()) {
    if (search_.active()) {
      run_batch(verbs);
      (void)loop_.run_once_nowait();
    } else {
      best_.store(0, std::memory_order_relaxed);
      (void)loop_.run_once();
    }
  }
}

void BloomWorker::run_batch(const BloomSearch::Verbs& verbs) {
  const base::MonoTime began = uv::read_clock().mono;
  search_.step(batch_, verbs);
  batch_ = next_batch(batch_, uv::read_clock().mono - began);
  publish();
}

void BloomWorker::publish() {
  const bloom::Miner::Counters& counters = search_.counters();
  rounds_.store(counters.rounds, std::memory_order_relaxed);
  attempts_.store(counters.attempts, std::memory_order_relaxed);
  blooms_.store(counters.blooms, std::memory_order_relaxed);
  wrong_blooms_.store(search_.wrong_blooms(), std::memory_order_relaxed);
  const bloom::Miner::Best best = search_.miner().best();
  best_.store(std::uint64_t{best.state} << 16 | best.r_q, std::memory_order_relaxed);
}

}  // namespace miner
