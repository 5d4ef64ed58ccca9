// The crew's threads as one: the same orders, the sums, the guide.
#include "miner/crew.h"

#include "common/crypto/cpu_features.h"
#include "common/uv/clock.h"
#include "tests/loop/miner/fake_pool.h"
#include "tests/loop/miner/waiting.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace miner {
namespace {

MinerKernels both_kernels() {
  return {pick_kernel(scan_kernels(), crypto::detect_cpu_features(), ""),
          bloom::pick_kernel(bloom::kernels(), crypto::detect_cpu_features(), "")};
}

std::shared_ptr<const Work> easy_work() {
  auto work = std::make_shared<Work>();
  const auto notify = stratum::parse_server_message(fake::make_job(1, 1, true)->work().notify_line);
  work->notify = std::get<stratum::Notify>(notify.value());
  work->extranonce2_size = 8;
  work->difficulty = bitcoin::Difficulty::from_double(bitcoin::Difficulty::least).value();
  work->share_target = bitcoin::Target256::from_difficulty(work->difficulty);
  work->search_id = 1;
  return work;
}

std::shared_ptr<const CoherenceWork> coherence_work() {
  auto work = std::make_shared<CoherenceWork>();
  work->job.params = coherence::params_of(0);
  work->target = base::U256::max();
  return work;
}

struct Found {
  std::vector<FoundShare> shares;
  std::vector<FoundProof> proofs;
  void operator()(WorkerMessage&& message) {
    if (auto* share = std::get_if<FoundShare>(&message)) shares.push_back(std::move(*share));
    if (auto* proof = std::get_if<FoundProof>(&message)) proofs.push_back(std::move(*proof));
  }
};

TEST_CASE("both kinds: every thread's shares and proofs come, and are counted") {
  uv::Loop loop;
  Found found;
  Crew crew(loop, {2, 1}, both_kernels(), std::ref(found));
  CHECK(crew.mines_coherence());
  const auto work = easy_work();
  crew.set_work(work);
  crew.set_coherence_work(coherence_work());
  // Units go round the threads: extranonce2 is even with one of two, odd with the other.
  std::set<int> parities;
  REQUIRE(wait_until(loop, [&] {
    for (const FoundShare& share : found.shares) {
      parities.insert(share.extranonce2[0] % 2);
      CHECK_EQ(share.thread, share.extranonce2[0] % 2);
    }
    return parities.size() == 2 && !found.proofs.empty();
  }));
  for (const FoundShare& share : found.shares) CHECK_EQ(share.work, work);
  Status status;
  REQUIRE(wait_until(loop, [&] {
    status = {};
    crew.describe(status);
    return status.hashes > 0 && status.coherence->blooms > 0;
  }));
  CHECK_EQ(status.threads, 2);
  CHECK_EQ(status.coherence->threads, 1);
  CHECK_FALSE(status.kernel.empty());
  CHECK_FALSE(status.coherence->kernel.empty());
  REQUIRE_EQ(status.per_thread.size(), 2);
  FoundShare answered = found.shares.front();
  answered.thread = 1;
  crew.count_answer(answered, true);
  crew.count_answer(answered, false);
  status = {};
  crew.describe(status);
  CHECK_EQ(status.per_thread[1].accepted, 1);
  CHECK_EQ(status.per_thread[1].rejected, 1);
  CHECK_EQ(status.per_thread[1].difficulty_accepted, work->difficulty.value());
  CHECK_EQ(status.per_thread[0].accepted, 0);
  crew.sample_rates(uv::read_clock().mono);
  REQUIRE(wait_until(loop, [&] {
    crew.sample_rates(uv::read_clock().mono);
    status = {};
    crew.describe(status);
    return status.per_thread[0].hash_rate > 0 && status.per_thread[1].hash_rate > 0;
  }));
}

int tasks_with_nice(int nice) {
  int count = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    const auto id = static_cast<id_t>(std::stoul(task.path().filename().string()));
    count += getpriority(PRIO_PROCESS, id) == nice ? 1 : 0;
  }
  return count;
}

TEST_CASE("every thread has the crew's manners") {
  uv::Loop loop;
  Found found;
  CrewSettings settings{2, 1};
  settings.nice = 17;
  const Crew crew(loop, settings, both_kernels(), std::ref(found));
  CHECK(wait_until(loop, [] { return tasks_with_nice(17) == 3; }));
}

TEST_CASE("nothing is wanted: it hashes and sends nothing") {
  uv::Loop loop;
  Found found;
  Crew crew(loop, {1, 0}, {both_kernels().scan, nullptr}, std::ref(found));
  CHECK_FALSE(crew.mines_coherence());
  crew.set_appetite(Appetite::nothing, Appetite::nothing);
  crew.set_work(easy_work());
  const auto hashes = [&] {
    Status status;
    crew.describe(status);
    return status.hashes;
  };
  REQUIRE(wait_until(loop, [&] { return hashes() > 1'000'000; }));
  CHECK(found.shares.empty());
  crew.set_appetite(Appetite::shares, Appetite::nothing);
  CHECK(wait_until(loop, [&] { return !found.shares.empty(); }));
}

}  // namespace
}  // namespace miner
