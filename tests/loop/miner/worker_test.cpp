// One worker thread: takes work, gives it up, takes the next, stops.
#include "miner/worker.h"

#include "common/uv/clock.h"
#include "tests/loop/miner/fake_pool.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

namespace miner {
namespace {

using std::chrono::milliseconds;

std::shared_ptr<const Work> work_of(std::uint8_t tip, double difficulty) {
  const auto job = fake::make_job(tip, tip, true);
  const std::string_view line = job->work().notify_line;
  const auto message = stratum::parse_server_message(line.substr(0, line.size() - 1));
  auto work = std::make_shared<Work>();
  work->notify = std::get<stratum::Notify>(message.value());
  work->extranonce1 = {1, 2, 3, 4};
  work->extranonce2_size = 8;
  work->difficulty = bitcoin::Difficulty::from_double(difficulty).value();
  work->share_target = bitcoin::Target256::from_difficulty(work->difficulty);
  work->network_target = job->network_target();
  work->search_id = tip;
  return work;
}

// Turns the loop until `condition` holds; false after ten seconds.
template <class Condition>
bool wait_until(uv::Loop& loop, Condition condition) {
  const base::MonoTime deadline = uv::read_clock().mono + std::chrono::seconds(10);
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
  std::vector<FoundShare> shares;
  std::size_t exhausted = 0;
  WorkerOutbox outbox{loop, 512, [this](WorkerMessage&& message) {
                        if (auto* share = std::get_if<FoundShare>(&message)) {
                          shares.push_back(std::move(*share));
                        } else {
                          REQUIRE(std::holds_alternative<SearchExhausted>(message));
                          ++exhausted;
                        }
                      }};
  const ScanKernel& kernel = *pick_kernel(scan_kernels(), crypto::detect_cpu_features(), "");
};

TEST_CASE("a worker without work does nothing; with work it posts shares of that work") {
  Bench bench;
  Worker worker(0, 1, bench.kernel, bench.outbox, bench.guide);
  CHECK_EQ(worker.hashes(), 0);
  const auto work = work_of(1, bitcoin::Difficulty::least);
  worker.post(work);
  REQUIRE(wait_until(bench.loop, [&] { return bench.shares.size() >= 100; }));
  for (const FoundShare& share : bench.shares) CHECK_EQ(share.work, work);
  CHECK(wait_until(bench.loop, [&] { return worker.hashes() >= 100; }));
  CHECK_EQ(worker.wrong_proposals(), 0);

  worker.post(nullptr);
  std::uint64_t before = worker.hashes();
  REQUIRE(wait_until(bench.loop, [&] {
    std::this_thread::sleep_for(milliseconds(60));  // longer than a batch
    return std::exchange(before, worker.hashes()) == worker.hashes();
  }));
}

TEST_CASE("the newest order replaces one that waits, and reaches the worker within a batch") {
  Bench bench;
  Worker worker(0, 1, bench.kernel, bench.outbox, bench.guide);
  worker.post(work_of(1, 65536));  // a difficulty at which nothing is found: batches grow to 10 ms
  REQUIRE(wait_until(bench.loop, [&] { return worker.hashes() > 500'000; }));
  const base::MonoTime posted = uv::read_clock().mono;
  for (std::uint8_t tip = 2; tip < 50; ++tip) worker.post(work_of(tip, 65536));
  const auto newest = work_of(50, bitcoin::Difficulty::least);
  worker.post(newest);
  REQUIRE(wait_until(bench.loop, [&] { return !bench.shares.empty(); }));
  // 50 ms on a machine of its own; tests share theirs with others.
  CHECK_LT(uv::read_clock().mono - posted, milliseconds(1000));
  CHECK_EQ(bench.shares[0].work, newest);
}

// Which search each batch was of, told by ntime: the kernel sees no more of a work.
std::atomic<std::uint32_t> last_ntime{0};
std::atomic<std::uint32_t> batches{0};
std::size_t scan_telling(const ScanJob& job, std::uint32_t, std::uint32_t count, FoundNonce*,
                         std::size_t) {
  last_ntime = job.tail[1];
  ++batches;
  std::this_thread::sleep_for(std::chrono::microseconds(count / 64));
  return 0;
}

TEST_CASE("after an order at most one more batch of the old work is begun") {
  Bench bench;
  const auto always = [](const crypto::CpuFeatures&) { return true; };
  const ScanKernel telling{"telling", 1, always, scan_telling};
  Worker worker(0, 1, telling, bench.outbox, bench.guide);
  std::shared_ptr<const Work> works[] = {work_of(1, 65536), nullptr};
  auto later = std::make_shared<Work>(*work_of(2, 65536));
  later->notify.ntime = works[0]->notify.ntime + 1;
  works[1] = std::move(later);
  worker.post(works[0]);
  for (int turn = 1; turn <= 20; ++turn) {
    const std::uint32_t begun = batches;
    REQUIRE(wait_until(bench.loop, [&] { return batches >= begun + 2; }));
    const std::uint32_t before_order = last_ntime;
    worker.post(works[turn % 2]);
    // One batch was under way, and another may have been about to begin.
    const std::uint32_t at_order = batches;
    REQUIRE(wait_until(bench.loop, [&] { return batches >= at_order + 2; }));
    CHECK_NE(last_ntime, before_order);
  }
  CHECK_GT(worker.switch_time_max().count(), 0);
}

TEST_CASE("a full mailbox loses shares, not the worker") {
  Bench bench;
  Worker worker(0, 1, bench.kernel, bench.outbox, bench.guide);
  worker.post(work_of(1, bitcoin::Difficulty::least));
  while (worker.hashes() < 10'000) std::this_thread::yield();  // nobody empties the mailbox
  REQUIRE(wait_until(bench.loop, [&] { return bench.shares.size() > 600; }));
  const std::uint64_t before = worker.hashes();
  bench.guide.appetite = Appetite::nothing;
  REQUIRE(wait_until(bench.loop, [&] { return worker.hashes() > before + 100'000; }));
}

TEST_CASE("workers stop at once, busy or idle") {
  Bench bench;
  const base::MonoTime began = uv::read_clock().mono;
  {
    Worker idle(0, 2, bench.kernel, bench.outbox, bench.guide);
    Worker busy(1, 2, bench.kernel, bench.outbox, bench.guide);
    busy.post(work_of(1, 65536));
    while (busy.hashes() == 0) std::this_thread::yield();
  }
  CHECK_LT(uv::read_clock().mono - began, milliseconds(2000));
}

}  // namespace
}  // namespace miner
