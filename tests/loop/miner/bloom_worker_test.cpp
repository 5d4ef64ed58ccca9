// One coherence worker's thread: takes work, gives it up, takes the next, stops.
#include "miner/bloom_worker.h"

#include "common/coherence/verify.h"
#include "common/uv/clock.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

namespace miner {
namespace {

using std::chrono::milliseconds;

std::shared_ptr<const CoherenceWork> work_of(std::uint8_t tip, const base::U256& target) {
  auto work = std::make_shared<CoherenceWork>();
  work->job.header.fill(tip);
  work->job.params = coherence::params_of(0);
  work->target = target;
  return work;
}
const base::U256 unreachable(1);

// Turns the loop until `condition` holds; false after thirty seconds.
template <class Condition>
bool wait_until(uv::Loop& loop, Condition condition) {
  const base::MonoTime deadline = uv::read_clock().mono + std::chrono::seconds(30);
  while (!condition()) {
    if (uv::read_clock().mono > deadline) return false;
    (void)loop.run_once_nowait();
    std::this_thread::yield();
  }
  return true;
}

struct Bench {
  uv::Loop loop;
  WorkerGuide guide;
  std::vector<FoundProof> proofs;
  WorkerOutbox outbox{loop, 512, [this](WorkerMessage&& message) {
                        proofs.push_back(std::move(std::get<FoundProof>(message)));
                      }};
  const bloom::Kernel& kernel =
      *bloom::pick_kernel(bloom::kernels(), crypto::detect_cpu_features(), "");
};

TEST_CASE("a worker without work does nothing; with work it posts true proofs of that work") {
  Bench bench;
  BloomWorker worker(0, 1, bench.kernel, bench.outbox, bench.guide);
  CHECK_EQ(worker.progress().rounds, 0);
  const auto work = work_of(1, base::U256::max());
  worker.post(work);
  REQUIRE(wait_until(bench.loop, [&] { return bench.proofs.size() >= 10; }));
  for (const FoundProof& proof : bench.proofs) {
    CHECK_EQ(proof.work, work);
    CHECK(coherence::verify(work->job, proof.claim, work->target) == std::nullopt);
  }
  REQUIRE(wait_until(bench.loop, [&] { return worker.progress().blooms >= 10; }));
  const BloomProgress progress = worker.progress();
  CHECK_GE(progress.attempts, progress.blooms);
  CHECK_GE(progress.rounds, progress.blooms * 500);
  CHECK_EQ(progress.wrong_blooms, 0);

  worker.post(nullptr);
  REQUIRE(wait_until(bench.loop, [&] { return worker.progress().best_r_q == 0; }));
  const std::uint64_t rounds = worker.progress().rounds;
  std::this_thread::sleep_for(milliseconds(50));  // longer than a batch
  CHECK_EQ(worker.progress().rounds, rounds);
}

TEST_CASE("the newest order replaces one that waits, and reaches the worker within a batch") {
  Bench bench;
  BloomWorker worker(0, 1, bench.kernel, bench.outbox, bench.guide);
  worker.post(work_of(1, unreachable));
  REQUIRE(wait_until(bench.loop, [&] { return worker.progress().attempts > 100; }));
  CHECK_GT(worker.progress().best_r_q, 0);
  for (std::uint8_t tip = 2; tip < 50; ++tip) worker.post(work_of(tip, unreachable));
  const auto newest = work_of(50, base::U256::max());
  worker.post(newest);
  REQUIRE(wait_until(bench.loop, [&] { return !bench.proofs.empty(); }));
  CHECK_EQ(bench.proofs[0].work, newest);
}

TEST_CASE("a pool that wants no more: it mines on and posts nothing") {
  Bench bench;
  bench.guide.appetite = Appetite::nothing;
  BloomWorker worker(0, 1, bench.kernel, bench.outbox, bench.guide);
  worker.post(work_of(1, base::U256::max()));
  REQUIRE(wait_until(bench.loop, [&] { return worker.progress().blooms > 20; }));
  CHECK(bench.proofs.empty());
  bench.guide.appetite = Appetite::shares;
  CHECK(wait_until(bench.loop, [&] { return !bench.proofs.empty(); }));
}

TEST_CASE("workers stop at once, busy or idle") {
  Bench bench;
  base::MonoTime began;
  {
    BloomWorker idle(0, 2, bench.kernel, bench.outbox, bench.guide);
    BloomWorker busy(1, 2, bench.kernel, bench.outbox, bench.guide);
    busy.post(work_of(1, unreachable));
    while (busy.progress().rounds == 0) std::this_thread::yield();
    began = uv::read_clock().mono;
  }
  CHECK_LT(uv::read_clock().mono - began, milliseconds(2000));
}

}  // namespace
}  // namespace miner
