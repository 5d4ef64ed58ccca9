#include "pool/coherence/verifier_loop.h"

#include "pool/core/limits.h"
#include "tests/loop/pool/coherence/heard.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <thread>

namespace pool {
namespace {

constexpr std::uint64_t extranonce = 0x0123'4567'89ab'cdef;

std::shared_ptr<const CoherenceJob> job() {
  static const std::shared_ptr<const CoherenceJob> made = [] {
    auto job = std::make_shared<CoherenceJob>();
    job->header[0] = 1;
    job->params = coherence::params_of(0);
    return job;
  }();
  return made;
}

// A true claim of level 0, and its certificate, found once.
struct Proof {
  coherence::Claim claim;
  coherence::CertificateBytes certificate{};
};
const Proof& true_proof() {
  static const Proof found = [] {
    for (std::uint64_t attempt = 0;; ++attempt) {
      const coherence::Job work{job()->header, extranonce, job()->params};
      const auto bloom = coherence::run(coherence::phases_of(coherence::seed_of(work, attempt)), 0);
      if (!bloom) continue;
      return Proof{coherence::claim_of(attempt, *bloom),
                   coherence::encode(coherence::certificate_of(*bloom))};
    }
  }();
  return found;
}

ProofToVerify to_verify(std::uint64_t ticket, std::uint32_t shard = 0) {
  return {ShardIndex{shard}, ticket, job(), extranonce, true_proof().claim};
}

class RunningVerifier {
 public:
  RunningVerifier()
      : loop_(5, bloom::kernels().back(),
              {[this](ShardIndex shard, const ProofVerified& verified) {
                 heard_.note([&] {
                   verdicts_[shard.value].insert_or_assign(verified.verdict.ticket,
                                                           verified.verdict);
                   ++told_;
                 });
               },
               [this](const VerifierCounts& counts) { heard_.note([&] { counts_ = counts; }); }}) {}
  ~RunningVerifier() { stop(); }

  void start() {
    thread_ = std::thread([this] { loop_.run(); });
  }
  void stop() {
    if (!thread_.joinable()) return;
    loop_.mailbox().post_reserved(Shutdown{});
    thread_.join();
  }
  void wait_for(std::size_t verdicts) {
    heard_.wait_until([&] { return told_ >= verdicts; });
  }

  coherence_test::Heard heard_;
  std::map<std::uint32_t, std::map<std::uint64_t, ProofVerdict>> verdicts_;  // by shard, ticket
  std::size_t told_ = 0;
  VerifierCounts counts_;
  VerifierLoop loop_;

 private:
  std::thread thread_;
};

}  // namespace

TEST_CASE(
    "a true proof has its certificate, a false one its flaw, each told to the shard that asked") {
  RunningVerifier verifier;
  verifier.start();
  ProofToVerify wrong_end = to_verify(11, 1);
  ++wrong_end.claim.bloom_end;
  ProofToVerify anothers = to_verify(12, 1);
  ++anothers.extranonce;
  ProofToVerify wrong_certificate = to_verify(13, 1);
  wrong_certificate.claim.cert_hash[0] ^= 1;
  for (const auto& proof : {to_verify(10), wrong_end, anothers, wrong_certificate}) {
    REQUIRE(verifier.loop_.offer(proof));
  }
  verifier.wait_for(4);
  verifier.heard_.wait_until([&] { return verifier.counts_.verified == 4; });
  verifier.stop();
  const ProofVerdict& good = verifier.verdicts_.at(0).at(10);
  CHECK_FALSE(good.flaw);
  CHECK(good.certificate == true_proof().certificate);
  CHECK(verifier.verdicts_.at(1).at(11).flaw == coherence::Flaw::earlier_bloom);
  CHECK(verifier.verdicts_.at(1).at(12).flaw);
  CHECK(verifier.verdicts_.at(1).at(13).flaw == coherence::Flaw::wrong_certificate);
  CHECK_EQ(verifier.counts_.verifier, 5);
  CHECK_EQ(verifier.counts_.false_proofs, 3);
  CHECK_EQ(verifier.counts_.waiting, 0);
  CHECK_GT(verifier.counts_.busy_us, 0);
}

TEST_CASE("as many wait as may, every one of them gets its verdict, and then there is room again") {
  RunningVerifier verifier;
  std::uint64_t ticket = 0;
  while (verifier.loop_.offer(to_verify(ticket))) ++ticket;
  CHECK_EQ(ticket, limits::proofs_per_verifier_max);
  CHECK_FALSE(verifier.loop_.offer(to_verify(ticket)));
  verifier.start();
  verifier.wait_for(limits::proofs_per_verifier_max);
  REQUIRE(verifier.loop_.offer(to_verify(ticket)));
  verifier.wait_for(limits::proofs_per_verifier_max + 1);
  verifier.stop();
  CHECK_EQ(verifier.verdicts_.at(0).size(), ticket + 1);
  for (const auto& [number, verdict] : verifier.verdicts_.at(0)) CHECK_FALSE(verdict.flaw);
}

TEST_CASE("a stop does not wait for proofs that nobody waits for any more") {
  RunningVerifier verifier;
  for (std::uint64_t ticket = 0; ticket < 10; ++ticket) {
    REQUIRE(verifier.loop_.offer(to_verify(ticket)));
  }
  verifier.loop_.mailbox().post_reserved(Shutdown{});
  verifier.loop_.run();
  CHECK_EQ(verifier.told_, 0);
}

}  // namespace pool
