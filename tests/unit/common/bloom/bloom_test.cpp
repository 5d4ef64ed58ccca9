#include "common/bloom/bloom.h"

#include "common/base/bytes.h"
#include "tests/unit/common/bloom/kernels.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

using bloom::Finished;
using bloom::Kernel;
using bloom::Miner;
using bloom::Outcome;
using bloom::Replay;
using bloom::Verifier;
using coherence::Flaw;
using namespace bloom::kernels_test;

namespace {

std::vector<Finished> run_until(Miner& miner, std::size_t count, std::uint32_t rounds_max) {
  std::vector<Finished> ended;
  while (ended.size() < count) {
    miner.run(rounds_max, [&](const Finished& finished) { ended.push_back(finished); });
  }
  return ended;
}

// What the reference says of attempts, each computed once for all kernels.
const std::optional<coherence::Bloom>& remembered(const coherence::Job& job,
                                                  std::uint64_t attempt) {
  using Key = std::pair<std::uint32_t, std::uint64_t>;
  static std::map<Key, std::optional<coherence::Bloom>> known;
  const auto [place, is_new] = known.try_emplace(Key{job.params, attempt});
  if (is_new) place->second = bloom_of_attempt(job, attempt);
  return place->second;
}

}  // namespace

// --- mining ---

TEST_CASE("the specification's two attempts have their blooms and work hashes") {
  for_each_supported([](const Kernel& kernel) {
    struct Row {
      coherence::Job job;
      std::uint64_t attempt;
      std::uint32_t end;
      const char* work_hash;
    };
    coherence::Job zeros;
    zeros.params = coherence::params_of(2);
    const Row rows[] = {
        {zeros, 0, 5660, "c49efeb9cbaa2fce2261ca652993049a7e0571c651b4f2190cde7617129d840b"},
        {job_of_level(3), 1001, 9425,
         "3facfffd5bcedbde7a24e76f04eeb8b4fe7736c4fc16e030f5c0e2e386e9a611"},
    };
    for (const Row& row : rows) {
      Miner miner(kernel);
      REQUIRE(miner.set_job(row.job));
      miner.start_at(row.attempt);
      for (bool found = false; !found;) {
        miner.run(coherence::states_per_attempt, [&](const Finished& finished) {
          if (finished.attempt != row.attempt) return;
          found = true;
          REQUIRE(finished.bloom);
          CHECK_EQ(finished.bloom->end, row.end);
          const coherence::Claim claim = coherence::claim_of(row.attempt, *finished.bloom);
          const crypto::Digest work_hash = coherence::work_hash_of(row.job.header, claim);
          CHECK_EQ(base::to_hex(work_hash), row.work_hash);
        });
      }
    }
  });
}

TEST_CASE("attempts of every level end as the reference says") {
  for_each_supported([](const Kernel& kernel) {
    for (std::uint32_t level = 0; level < coherence::levels; ++level) {
      CAPTURE(level);
      const coherence::Job job = job_of_level(level);
      Miner miner(kernel);
      REQUIRE(miner.set_job(job));
      for (const Finished& finished : run_until(miner, 4, 20'000)) {
        if (finished.attempt >= 40) continue;  // those that every kernel gets to
        CAPTURE(finished.attempt);
        CHECK(finished.bloom == remembered(job, finished.attempt));
      }
    }
  });
}

TEST_CASE("each attempt is tried once, in order, by whichever lane is free") {
  for_each_supported([](const Kernel& kernel) {
    const coherence::Job job = job_of_level(0);
    Miner miner(kernel);
    REQUIRE(miner.set_job(job));
    miner.start_at(1000, 3);
    std::set<std::uint64_t> seen;
    for (const Finished& finished : run_until(miner, 100, 777)) {
      CHECK(seen.insert(finished.attempt).second);
      CHECK_EQ((finished.attempt - 1000) % 3, 0);
    }
    const std::uint64_t begun = (miner.next_attempt() - 1000) / 3;
    // Whatever was begun has ended or is in a lane.
    CHECK(begun >= seen.size());
    CHECK(begun <= seen.size() + kernel.lanes.count);
    CHECK_EQ(miner.counters().attempts, seen.size());
  });
}

TEST_CASE("the last state counts, the one after it does not") {
  // Found by search: at level 2 attempt 4777 blooms at state R - 1, attempt 45404 would at R.
  for_each_supported([](const Kernel& kernel) {
    const coherence::Job job = job_of_level(2);
    for (const std::uint64_t attempt : {4777U, 45404U}) {
      CAPTURE(attempt);
      Miner miner(kernel);
      REQUIRE(miner.set_job(job));
      miner.start_at(attempt);
      std::optional<Finished> found;
      while (!found) {
        miner.run(1'000'000, [&](const Finished& finished) {
          if (finished.attempt == attempt) found = finished;
        });
      }
      CHECK(found->bloom == remembered(job, attempt));
      CHECK_EQ(found->bloom.has_value(), attempt == 4777);
      if (found->bloom) CHECK_EQ(found->bloom->end, coherence::states_per_attempt - 1);
    }
  });
}

TEST_CASE("how often run() is called changes nothing") {
  for_each_supported([](const Kernel& kernel) {
    const coherence::Job job = job_of_level(1);
    Miner often(kernel);
    Miner seldom(kernel);
    REQUIRE(often.set_job(job));
    REQUIRE(seldom.set_job(job));
    std::vector<std::uint64_t> first;
    std::vector<std::uint64_t> second;
    for (int i = 0; i < 10'000; ++i) {
      often.run(1, [&](const Finished& finished) { first.push_back(finished.attempt); });
    }
    seldom.run(10'000, [&](const Finished& finished) { second.push_back(finished.attempt); });
    CHECK(!first.empty());
    CHECK_EQ(first, second);
    CHECK_EQ(often.counters().rounds, seldom.counters().rounds);
  });
}

TEST_CASE("a new job drops what ran and goes on with the next attempts") {
  for_each_supported([](const Kernel& kernel) {
    Miner miner(kernel);
    REQUIRE(miner.set_job(job_of_level(5)));
    const auto none = [](const Finished&) { FAIL("too soon for an end"); };
    miner.run(50, none);
    CHECK_EQ(miner.next_attempt(), kernel.lanes.count);
    coherence::Job job = job_of_level(0);
    job.extranonce = 99;
    REQUIRE(miner.set_job(job));
    const std::vector<Finished> ended = run_until(miner, 10, 500);
    for (const Finished& finished : ended) {
      CHECK(finished.attempt >= kernel.lanes.count);
      CHECK(finished.bloom == bloom_of_attempt(job, finished.attempt));
    }
  });
}

TEST_CASE("rounds, attempts and blooms are counted") {
  for_each_supported([](const Kernel& kernel) {
    Miner miner(kernel);
    REQUIRE(miner.set_job(job_of_level(2)));
    std::uint64_t attempts = 0;
    std::uint64_t blooms = 0;
    for (std::uint64_t times = 1; times <= 40; ++times) {
      miner.run(1000, [&](const Finished& finished) {
        ++attempts;
        if (finished.bloom) ++blooms;
      });
      CHECK_EQ(miner.counters().rounds, times * 1000 * kernel.lanes.count);
    }
    CHECK(attempts > 0);
    CHECK_EQ(miner.counters().attempts, attempts);
    CHECK_EQ(miner.counters().blooms, blooms);
  });
}

TEST_CASE("attempt numbers wrap") {
  for_each_supported([](const Kernel& kernel) {
    const coherence::Job job = job_of_level(0);
    Miner miner(kernel);
    REQUIRE(miner.set_job(job));
    miner.start_at(0xffffffffffffffff, 2);
    std::set<std::uint64_t> seen;
    for (const Finished& finished : run_until(miner, 3, 500)) {
      seen.insert(finished.attempt);
      CHECK(finished.bloom == bloom_of_attempt(job, finished.attempt));
    }
    CHECK_EQ(miner.next_attempt() % 2, 1);
    CHECK(miner.next_attempt() < 1000);
  });
}

TEST_CASE("without a job, or with one of another version, nothing runs") {
  for_each_supported([](const Kernel& kernel) {
    Miner miner(kernel);
    const auto none = [](const Finished&) { FAIL("there is no job"); };
    miner.run(100, none);
    CHECK_EQ(miner.counters().rounds, 0);
    CHECK_EQ(miner.best_r_q(), 0);
    REQUIRE(miner.set_job(job_of_level(2)));
    miner.run(1, none);
    for (const std::uint32_t params : {0x00010006U, 0x00020002U, 2U, 0xffffffffU}) {
      CAPTURE(params);
      coherence::Job job = job_of_level(2);
      job.params = params;
      CHECK_FALSE(miner.set_job(job));
      miner.run(100'000, none);
      CHECK_EQ(miner.counters().rounds, kernel.lanes.count);
    }
  });
}

TEST_CASE("the best order is that of the running attempts") {
  for_each_supported([](const Kernel& kernel) {
    const coherence::Job job = job_of_level(5);
    Miner miner(kernel);
    REQUIRE(miner.set_job(job));
    miner.run(300, [](const Finished&) {});
    std::uint16_t best = 0;
    for (std::uint64_t attempt = 0; attempt < kernel.lanes.count; ++attempt) {
      Follower follower(coherence::phases_of(coherence::seed_of(job, attempt)), 5);
      follower.advance(300);
      best = std::max(best, coherence::r_q_of(follower.order()));
    }
    CHECK_EQ(miner.best_r_q(), best);
  });
}

// --- verification ---

namespace {

Replay true_claim(std::uint32_t level, std::uint64_t attempt) {
  const coherence::Job job = job_of_level(level);
  return {job, coherence::claim_of(attempt, *remembered(job, attempt))};
}

struct Forgery {
  const char* why;
  std::optional<Flaw> flaw;
  void (*change)(Replay&);
};

const Forgery forgeries[] = {
    {"true", std::nullopt, [](Replay&) {}},
    {"params of another version", Flaw::bad_params, [](Replay& r) { r.job.params = 0x00020000; }},
    {"no such level", Flaw::bad_params, [](Replay& r) { r.job.params = 0x00010006; }},
    {"an end before any bloom can be", Flaw::bloom_end_range,
     [](Replay& r) { r.claim.bloom_end = 5; }},
    {"an end after the last state", Flaw::bloom_end_range,
     [](Replay& r) { r.claim.bloom_end = coherence::states_per_attempt; }},
    {"an absurd end", Flaw::bloom_end_range, [](Replay& r) { r.claim.bloom_end = 0xffffffff; }},
    {"r of no coherent state", Flaw::r_q_range, [](Replay& r) { r.claim.r_q = 56754; }},
    {"an end a state before the bloom's", Flaw::no_bloom, [](Replay& r) { --r.claim.bloom_end; }},
    {"an earlier bloom hidden", Flaw::earlier_bloom, [](Replay& r) { ++r.claim.bloom_end; }},
    {"an earlier bloom hidden well", Flaw::earlier_bloom,
     [](Replay& r) { r.claim.bloom_end = coherence::states_per_attempt - 1; }},
    {"the first end that there is", Flaw::no_bloom, [](Replay& r) { r.claim.bloom_end = 6; }},
    {"another order", Flaw::wrong_order, [](Replay& r) { ++r.claim.r_q; }},
    {"another mean phase", Flaw::wrong_order, [](Replay& r) { r.claim.psi_q ^= 0x8000; }},
    {"another certificate", Flaw::wrong_certificate,
     [](Replay& r) { r.claim.cert_hash[31] ^= 0x80; }},
};

}  // namespace

TEST_CASE("true and forged claims, one by one") {
  for_each_supported([](const Kernel& kernel) {
    Verifier verifier(kernel);
    for (const Forgery& forgery : forgeries) {
      CAPTURE(forgery.why);
      Replay replay = true_claim(0, 5);
      forgery.change(replay);
      Outcome outcome;
      outcome.certificate.fill(0xee);
      verifier.verify({&replay, 1}, {&outcome, 1});
      CHECK_EQ(outcome.flaw, forgery.flaw);
      const coherence::Job job = job_of_level(0);
      const auto expected = forgery.flaw
                                ? coherence::CertificateBytes{}
                                : coherence::encode(coherence::certificate_of(*remembered(job, 5)));
      CHECK(outcome.certificate == expected);
    }
  });
}

TEST_CASE("claims of other attempts, extranonces, levels and headers are found out") {
  for_each_supported([](const Kernel& kernel) {
    const Replay honest = true_claim(0, 5);
    std::vector<Replay> replays(4, honest);
    replays[0].claim.attempt ^= 1ULL << 63;
    replays[1].job.extranonce ^= 1;
    replays[2].job.params = coherence::params_of(1);
    replays[3].job.header[75] ^= 1;
    std::vector<Outcome> outcomes(replays.size());
    Verifier(kernel).verify(replays, outcomes);
    for (std::size_t i = 0; i < replays.size(); ++i) {
      CAPTURE(i);
      const Replay& replay = replays[i];
      CHECK(outcomes[i].flaw);
      base::U256 any = base::U256::max();
      CHECK_EQ(outcomes[i].flaw, coherence::verify(replay.job, replay.claim, any));
    }
  });
}

TEST_CASE("batches of every size up to 40: each claim has its own outcome") {
  for_each_supported([](const Kernel& kernel) {
    base::Random random(3);
    Verifier verifier(kernel);
    for (std::size_t size = 1; size <= 40; ++size) {
      CAPTURE(size);
      std::vector<Replay> replays;
      std::vector<const Forgery*> expected;
      for (std::size_t i = 0; i < size; ++i) {
        replays.push_back(true_claim(random.below(4) == 0 ? 1 : 0, random.below(12)));
        const Forgery* forgery = &forgeries[0];
        if (random.below(3) == 0) forgery = &forgeries[random.below(std::size(forgeries))];
        forgery->change(replays.back());
        expected.push_back(forgery);
      }
      std::vector<Outcome> outcomes(size);
      verifier.verify(replays, outcomes);
      for (std::size_t i = 0; i < size; ++i) {
        CAPTURE(i);
        CAPTURE(expected[i]->why);
        CHECK_EQ(outcomes[i].flaw, expected[i]->flaw);
        const bool has_certificate = outcomes[i].certificate != coherence::CertificateBytes{};
        CHECK_EQ(has_certificate, !expected[i]->flaw);
        if (has_certificate) {
          CHECK_EQ(coherence::cert_hash_of(outcomes[i].certificate), replays[i].claim.cert_hash);
        }
      }
    }
  });
}

TEST_CASE("a batch without claims, and one of claims that are not replayed") {
  for_each_supported([](const Kernel& kernel) {
    Verifier verifier(kernel);
    verifier.verify({}, {});
    std::vector<Replay> replays(50, true_claim(0, 5));
    for (Replay& replay : replays) replay.claim.bloom_end = 5;
    std::vector<Outcome> outcomes(replays.size());
    verifier.verify(replays, outcomes);
    for (const Outcome& outcome : outcomes) CHECK_EQ(outcome.flaw, Flaw::bloom_end_range);
  });
}
