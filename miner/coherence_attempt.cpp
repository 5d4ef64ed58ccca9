#include "miner/coherence_attempt.h"

#include "common/base/assert.h"
#include "common/base/bytes.h"
#include "common/coherence/certificate.h"
#include "miner/coherence_status.h"
#include "miner/text.h"

#include <fmt/format.h>

namespace miner {
namespace {

constexpr std::uint32_t progress_every = 100;  // states

// What follows from a bloom, all of it.
struct Proof {
  coherence::Claim claim;
  coherence::CertificateBytes certificate{};
  crypto::Digest work_hash{};
};

Proof proof_of(const coherence::Job& job, std::uint64_t attempt, const coherence::Bloom& bloom) {
  Proof proof;
  proof.claim = coherence::claim_of(attempt, bloom);
  proof.certificate = coherence::encode(coherence::certificate_of(bloom));
  proof.work_hash = coherence::work_hash_of(job.header, proof.claim);
  return proof;
}

}  // namespace

AttemptOutcome replay_attempt(const coherence::Job& job, std::uint64_t attempt,
                              const coherence::Watch& watch) {
  const std::optional<std::uint32_t> level = coherence::level_of(job.params);
  ASSERT(level.has_value());
  AttemptOutcome outcome;
  outcome.seed = coherence::seed_of(job, attempt);
  outcome.bloom = coherence::run(coherence::phases_of(outcome.seed), *level,
                                 coherence::states_per_attempt - 1, watch);
  return outcome;
}

std::string outcome_json(const coherence::Job& job, std::uint64_t attempt,
                         const AttemptOutcome& outcome) {
  std::string json = fmt::format(R"({{"seed":"{}","bloom":{},)", base::to_hex(outcome.seed),
                                 outcome.bloom.has_value());
  if (!outcome.bloom) {
    return json + R"("bloom_start":null,"bloom_end":null,"r_q":null,"psi_q":null,)"
                  R"("certificate":null,"cert_hash":null,"work_hash":null})";
  }
  const Proof proof = proof_of(job, attempt, *outcome.bloom);
  json += fmt::format(R"("bloom_start":{},"bloom_end":{},"r_q":{},"psi_q":{},"certificate":"{}",)",
                      outcome.bloom->start, outcome.bloom->end, proof.claim.r_q, proof.claim.psi_q,
                      base::to_hex(proof.certificate));
  return json + fmt::format(R"("cert_hash":"{}","work_hash":"{}"}})",
                            base::to_hex(proof.claim.cert_hash), base::to_hex(proof.work_hash));
}

std::string outcome_text(const coherence::Job& job, std::uint64_t attempt,
                         const AttemptOutcome& outcome) {
  std::string text =
      fmt::format("attempt      {}\nseed         {}\n", attempt, base::to_hex(outcome.seed));
  if (!outcome.bloom) {
    return text + fmt::format("no bloom among its {} states: the attempt is void\n",
                              coherence::states_per_attempt);
  }
  const Proof proof = proof_of(job, attempt, *outcome.bloom);
  text += fmt::format("bloom        states {} to {}\n", outcome.bloom->start, outcome.bloom->end);
  text += fmt::format("r_q          {} (r = {})\n", proof.claim.r_q, order_text(proof.claim.r_q));
  text += fmt::format("psi_q        {}\n", proof.claim.psi_q);
  text += fmt::format("certificate  {}\n", base::to_hex(proof.certificate));
  text += fmt::format("cert_hash    {}\n", base::to_hex(proof.claim.cert_hash));
  return text + fmt::format("work_hash    {}\n", base::to_hex(proof.work_hash));
}

int run_coherence_attempt(const Options& options, std::FILE* out) {
  struct Seen {
    std::uint32_t state = 0;
    std::uint16_t r_q = 0;
    bool told = true;
  } seen;
  const auto tell = [&seen, out] {
    fmt::print(out, "{}\n", progress_json(seen.state, seen.r_q));
    seen.told = true;
  };
  coherence::Watch watch;
  if (options.progress) {
    watch = [&](std::uint32_t state, const coherence::Order& order, const coherence::Phases&) {
      seen = {state, coherence::r_q_of(order), false};
      if (state % progress_every == 0) tell();
    };
  }
  const AttemptOutcome outcome = replay_attempt(options.job, options.attempt, watch);
  if (!seen.told) tell();  // the last of them
  fmt::print(out, "{}",
             options.json ? outcome_json(options.job, options.attempt, outcome) + "\n"
                          : outcome_text(options.job, options.attempt, outcome));
  return outcome.bloom ? 0 : 1;
}

}  // namespace miner
