// One worker's attempts: every proof true, none twice, none of a faulty kernel.
#include "miner/bloom_search.h"

#include "common/coherence/difficulty.h"
#include "common/coherence/verify.h"

#include <doctest/doctest.h>

#include <set>
#include <vector>

namespace miner {
namespace {

const bloom::Kernel& portable() { return bloom::kernels().back(); }

std::shared_ptr<CoherenceWork> work_of(std::uint8_t tip, const base::U256& target) {
  auto work = std::make_shared<CoherenceWork>();
  work->job_id = "a1";
  work->job.header.fill(tip);
  work->job.extranonce = 7;
  work->job.params = coherence::params_of(0);  // the level at which blooms come soonest
  work->target = target;
  return work;
}

struct Bench {
  std::vector<FoundProof> found;
  Appetite appetite = Appetite::shares;
  BloomSearch::Verbs verbs{[this] { return appetite; },
                           [this](FoundProof proof) {
                             found.push_back(std::move(proof));
                             return true;
                           }};
  void run_until(BloomSearch& search, std::size_t proofs, std::uint32_t rounds = 200) {
    for (int i = 0; found.size() < proofs; ++i) {
      REQUIRE_LT(i, 10'000);
      search.step(rounds, verbs);
    }
  }
};

TEST_CASE("without work nothing happens") {
  Bench bench;
  BloomSearch search(0, 1, portable());
  CHECK_FALSE(search.active());
  search.step(1000, bench.verbs);
  CHECK_EQ(search.counters().rounds, 0);
  search.set_work(work_of(1, base::U256::max()));
  CHECK(search.active());
  search.set_work(nullptr);
  CHECK_FALSE(search.active());
  search.step(1000, bench.verbs);
  CHECK_EQ(search.counters().rounds, 0);
}

TEST_CASE("every proof is true, meets the target, and is of the attempts that are this worker's") {
  const base::U256 target = base::U256::max() >> 1;
  const auto work = work_of(1, target);
  work->block_target = base::U256::max() >> 2;
  std::set<std::uint64_t> attempts;
  for (std::uint32_t worker = 0; worker < 3; ++worker) {
    CAPTURE(worker);
    Bench bench;
    BloomSearch search(worker, 3, portable());
    search.set_work(work);
    bench.run_until(search, 8);
    std::size_t blocks = 0;
    for (const FoundProof& proof : bench.found) {
      CHECK_EQ(proof.claim.attempt % 3, worker);
      CHECK(attempts.insert(proof.claim.attempt).second);
      CHECK(coherence::verify(work->job, proof.claim, target) == std::nullopt);
      CHECK_EQ(proof.work_hash, coherence::work_hash_of(work->job.header, proof.claim));
      CHECK_EQ(proof.is_block, coherence::meets(proof.work_hash, work->block_target));
      blocks += proof.is_block ? 1 : 0;
    }
    CHECK_LT(blocks, bench.found.size());
    CHECK_EQ(search.wrong_blooms(), 0);
  }
}

TEST_CASE("a target that nothing meets: blooms, and no proof") {
  Bench bench;
  BloomSearch search(0, 1, portable());
  search.set_work(work_of(1, base::U256(1)));
  while (search.counters().blooms < 10) search.step(200, bench.verbs);
  CHECK(bench.found.empty());
}

TEST_CASE("the same job with another target goes on; another job begins at once, and never over") {
  Bench bench;
  BloomSearch search(0, 1, portable());
  search.set_work(work_of(1, base::U256(1)));
  search.step(100, bench.verbs);
  CHECK_EQ(search.miner().best().state, 100);
  const auto easier = work_of(1, base::U256::max());
  search.set_work(easier);
  search.step(50, bench.verbs);
  CHECK_EQ(search.miner().best().state, 150);
  bench.run_until(search, 1);
  CHECK_EQ(bench.found[0].work, easier);

  const std::uint64_t next = search.miner().next_attempt();
  const auto other = work_of(2, base::U256::max());
  search.set_work(other);
  search.step(50, bench.verbs);
  CHECK_EQ(search.miner().best().state, 50);
  bench.found.clear();
  bench.run_until(search, 1);
  CHECK_EQ(bench.found[0].work, other);
  CHECK_GE(bench.found[0].claim.attempt, next);
}

TEST_CASE("nothing is replayed that is not wanted, and few in one step, the best first") {
  Bench bench;
  BloomSearch search(0, 1, portable());
  const auto work = work_of(1, base::U256::max());
  search.set_work(work);
  bench.appetite = Appetite::nothing;
  while (search.counters().blooms < 5) search.step(500, bench.verbs);
  CHECK(bench.found.empty());
  bench.appetite = Appetite::shares;
  const std::uint64_t before = search.counters().blooms;
  std::uint32_t rounds = 40'000;
  while (search.counters().blooms < before + 10) {
    bench.found.clear();
    search.step(rounds, bench.verbs);
    rounds *= 2;
  }
  CHECK_EQ(bench.found.size(), BloomSearch::confirmed_per_step_max);
  for (std::size_t i = 1; i < bench.found.size(); ++i) {
    CHECK_LT(base::U256::from_le_bytes(bench.found[i - 1].work_hash),
             base::U256::from_le_bytes(bench.found[i].work_hash));
  }
}

TEST_CASE(
    "when enough proofs wait, those that may be blocks of the proof chain are confirmed still") {
  Bench bench;
  BloomSearch search(0, 1, portable());
  const auto work = work_of(1, base::U256::max());
  work->block_target = base::U256::max() >> 2;
  search.set_work(work);
  bench.appetite = Appetite::blocks;
  bench.run_until(search, 5);
  for (const FoundProof& proof : bench.found) CHECK(proof.is_block);
  CHECK_GT(search.counters().blooms, 5);
}

TEST_CASE("a worker that is told to stop replays no more") {
  BloomSearch search(0, 1, portable());
  search.set_work(work_of(1, base::U256::max()));
  std::size_t asked = 0;
  const BloomSearch::Verbs once{[] { return Appetite::shares; },
                                [&](const FoundProof&) {
                                  ++asked;
                                  return false;
                                }};
  while (asked == 0) search.step(100'000, once);
  CHECK_EQ(asked, 1);
}

TEST_CASE("a faulty kernel's blooms are counted, and never leave") {
  static bloom::Kernel faulty = portable();
  faulty.lanes.save = [](const void* lanes, std::uint32_t lane, bloom::Walk& walk) {
    portable().lanes.save(lanes, lane, walk);
    walk.phases[5] ^= 1;
  };
  Bench bench;
  BloomSearch search(0, 1, faulty);
  search.set_work(work_of(1, base::U256::max()));
  while (search.wrong_blooms() < 3) search.step(500, bench.verbs);
  CHECK(bench.found.empty());
}

}  // namespace
}  // namespace miner
