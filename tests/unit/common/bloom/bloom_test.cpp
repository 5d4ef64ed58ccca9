#include "common/bloom/bloom.h"

#include "common/base/u256.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using coherence::Flaw;

namespace {

coherence::Job job_of_level(std::uint32_t level) {
  coherence::Job job;
  for (std::size_t i = 0; i < job.header.size(); ++i) job.header[i] = static_cast<std::uint8_t>(i);
  job.extranonce = 0x0123456789abcdef;
  job.params = coherence::params_of(level);
  return job;
}

std::optional<coherence::Bloom> reference(const coherence::Job& job, std::uint64_t attempt) {
  return coherence::run(coherence::phases_of(coherence::seed_of(job, attempt)),
                        *coherence::level_of(job.params));
}

template <class Check>
void for_each_supported(Check check) {
  const crypto::CpuFeatures cpu = crypto::detect_cpu_features();
  for (const bloom::Kernel& kernel : bloom::kernels()) {
    const std::string name(kernel.name);
    CAPTURE(name);
    if (kernel.supported(cpu)) {
      check(kernel);
    } else {
      MESSAGE("SKIPPED: kernel " << name << " is not supported by this processor");
    }
  }
}

}  // namespace

TEST_CASE("attempts end as the reference says, each once") {
  for_each_supported([](const bloom::Kernel& kernel) {
    const coherence::Job job = job_of_level(1);
    bloom::Miner miner(kernel);
    CHECK(miner.set_job(job));
    miner.start_at(1000, 3);
    std::vector<bloom::Finished> ended;
    while (ended.size() < 20) {
      miner.run(500, [&](const bloom::Finished& finished) { ended.push_back(finished); });
    }
    for (const bloom::Finished& finished : ended) {
      CAPTURE(finished.attempt);
      CHECK_EQ(finished.attempt % 3, 1000 % 3);
      CHECK(finished.bloom == reference(job, finished.attempt));
    }
  });
}

TEST_CASE("the most ordered attempt under way is told with its state") {
  for_each_supported([](const bloom::Kernel& kernel) {
    const coherence::Job job = job_of_level(1);
    bloom::Miner miner(kernel);
    CHECK_EQ(miner.best().r_q, 0);
    CHECK(miner.set_job(job));
    constexpr std::uint32_t rounds = 100;  // before any of them can end
    miner.run(rounds, [](const bloom::Finished&) { FAIL("none ends so early"); });
    std::uint16_t best = 0;
    for (std::uint64_t attempt = 0; attempt < kernel.lanes.count; ++attempt) {
      coherence::run(coherence::phases_of(coherence::seed_of(job, attempt)), 1, rounds,
                     [&](std::uint32_t state, const coherence::Order& order, const auto&) {
                       if (state == rounds) best = std::max(best, coherence::r_q_of(order));
                     });
    }
    CHECK_EQ(miner.best().state, rounds);
    CHECK_EQ(miner.best().r_q, best);
    CHECK_EQ(miner.best_r_q(), best);
  });
}

TEST_CASE("a true claim passes and gives its certificate; forged ones fail where they are forged") {
  for_each_supported([](const bloom::Kernel& kernel) {
    const coherence::Job job = job_of_level(0);
    const auto found = reference(job, 5);
    REQUIRE(found);
    const coherence::Claim claim = coherence::claim_of(5, *found);
    std::vector<bloom::Replay> replays(4, {job, claim});
    replays[1].claim.bloom_end -= 1;
    replays[2].claim.bloom_end += 1;
    replays[3].claim.cert_hash[0] ^= 1;
    std::vector<bloom::Outcome> outcomes(replays.size());
    bloom::Verifier verifier(kernel);
    verifier.verify(replays, outcomes);
    CHECK(outcomes[0].flaw == std::nullopt);
    CHECK(outcomes[0].certificate == encode(coherence::certificate_of(*found)));
    CHECK(outcomes[1].flaw == Flaw::no_bloom);
    CHECK(outcomes[2].flaw == Flaw::earlier_bloom);
    CHECK(outcomes[3].flaw == Flaw::wrong_certificate);
  });
}
