// A shard that gives out coherence work, a miner that does it with the reference, and a verifier
// that replays what the shard asks for.
#pragma once

#include "common/coherence/difficulty.h"
#include "common/coherence/verify.h"
#include "common/stratum/codec.h"
#include "pool/core/coherence_book.h"
#include "pool/core/journal_format.h"
#include "tests/unit/pool/core/shard_fixture.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pool_test {

// Target of a hash difficulty as the pool gives it: 2^256 / h, less what Difficulty's 0xffff takes.
inline base::U256 target_of(double hash_difficulty) {
  const auto difficulty = *bitcoin::Difficulty::from_double(hash_difficulty / 4294967296.0);
  return base::U256::from_le_bytes(bitcoin::Target256::from_difficulty(difficulty).bytes());
}

inline pool::ShardOptions coherence_options(double hash_difficulty = 1) {
  pool::ShardOptions options = test_options();
  options.coherence.enabled = true;
  options.coherence.difficulty.start =
      *bitcoin::Difficulty::from_double(hash_difficulty / 4294967296.0);
  options.coherence.difficulty.min = options.coherence.difficulty.start;
  return options;
}

struct CoherenceJobOptions {
  std::uint64_t id = 1;
  std::uint32_t level = 0;  // blooms soonest
  bool clean = true;
  double block_hash_difficulty = 1e9;  // no block by chance
  std::uint8_t header_fill = 0;
};

inline std::shared_ptr<pool::CoherenceJob> make_coherence_job(const CoherenceJobOptions& options) {
  auto job = std::make_shared<pool::CoherenceJob>();
  job->id = pool::CoherenceJobId{options.id};
  job->header.fill(options.header_fill);
  job->params = coherence::params_of(options.level);
  job->level = options.level;
  job->height = 7;
  job->block_target = target_of(options.block_hash_difficulty);
  job->bitcoin_tip.bytes.fill(9);
  job->stretches = {{{5, 11, 22, {}}, {}}};
  job->clean = options.clean;
  return job;
}

struct Proof {
  coherence::Claim claim;
  coherence::Bloom bloom;
};

// The first attempt from `first` on that blooms and whose work hash is as `wanted`.
inline Proof do_work(const pool::CoherenceJob& job, std::uint64_t extranonce,
                     const std::function<bool(const crypto::Digest&)>& wanted,
                     std::uint64_t first = 0) {
  const coherence::Job work{job.header, extranonce, job.params};
  for (std::uint64_t attempt = first; attempt < first + 100'000; ++attempt) {
    const auto seed = coherence::seed_of(work, attempt);
    const auto bloom = coherence::run(coherence::phases_of(seed), job.level);
    if (!bloom) continue;
    const coherence::Claim claim = coherence::claim_of(attempt, *bloom);
    if (wanted(coherence::work_hash_of(job.header, claim))) return {claim, *bloom};
  }
  FAIL("no proof found");
  return {};
}
inline std::function<bool(const crypto::Digest&)> below(const base::U256& target) {
  return [target](const crypto::Digest& hash) { return coherence::meets(hash, target); };
}
inline std::function<bool(const crypto::Digest&)> not_below(const base::U256& target) {
  return [target](const crypto::Digest& hash) { return !coherence::meets(hash, target); };
}

// The extranonce of a shard's first coherence connection: instance 0, shard 3, counter 0.
inline constexpr std::uint64_t first_coherence_extranonce = 0x0003000000000000;

struct CoherenceWorld : World {
  std::vector<std::shared_ptr<const pool::CoherenceJob>> jobs;

  explicit CoherenceWorld(const pool::ShardOptions& options = coherence_options())
      : World(options) {}

  void coherence_job(const CoherenceJobOptions& options) {
    jobs.push_back(make_coherence_job(options));
    shard.on_coherence_job(jobs.back(), false, clock.now);
  }
  void ask(const std::string& options = R"("coherence.version":1)") {
    say(R"({"id":0,"method":"mining.configure","params":[["coherence"],{)" + options + "}]}");
  }
  // A miner of coherence work alone, who has a job; what was said so far is forgotten.
  void log_in() {
    ask(R"("coherence.version":1,"coherence.only":true)");
    handshake();
    heard();
  }
  Proof work(std::uint64_t first = 0) {
    return do_work(*jobs.back(), first_coherence_extranonce, below(target_of(1)), first);
  }
  std::string submit_line(const coherence::Claim& claim, const std::string& id = "7",
                          const std::string& worker = std::string(address) + ".rig") {
    stratum::CoherenceSubmit submit;
    submit.worker_name = worker;
    submit.job_id = pool::coherence_job_id_text(jobs.back()->id);
    submit.attempt = claim.attempt;
    submit.bloom_end = claim.bloom_end;
    submit.r_q = claim.r_q;
    submit.psi_q = claim.psi_q;
    submit.cert_hash = claim.cert_hash;
    std::string line = stratum::write_coherence_submit(0, submit);
    line.pop_back();
    return line.replace(line.find(":0,"), 3, ":" + id + ",");
  }
  // Every proof that waits for one gets its verdict, by the reference.
  void verify() {
    for (const pool::ProofToVerify& asked : std::exchange(host.proofs, {})) {
      shard.on_verdict(verdict_on(asked), clock.now);
    }
  }
  static pool::ProofVerdict verdict_on(const pool::ProofToVerify& asked) {
    const coherence::Job job{asked.job->header, asked.extranonce, asked.job->params};
    pool::ProofVerdict verdict;
    verdict.ticket = asked.ticket;
    verdict.flaw = coherence::verify(job, asked.claim, base::U256::max());
    if (verdict.flaw) return verdict;
    const auto bloom = coherence::run(
        coherence::phases_of(coherence::seed_of(job, asked.claim.attempt)), asked.job->level);
    verdict.certificate = coherence::encode(coherence::certificate_of(*bloom));
    return verdict;
  }
  std::vector<pool::JournalRecord> journalled() const {
    base::Bytes frames;
    std::uint64_t sequence = 1;
    for (const auto& append : host.appends) {
      sequence += pool::append_frames(frames, append.payloads, sequence);
    }
    std::vector<pool::JournalRecord> records;
    for (base::ByteSpan rest(frames); !rest.empty();) {
      const auto frame = pool::parse_frame(rest);
      REQUIRE(frame);
      records.push_back(frame->record);
      rest = rest.subspan(frame->bytes);
    }
    return records;
  }
  std::uint64_t rejects(stratum::RejectReason reason) const {
    return shard.stats().coherence.rejects[static_cast<std::size_t>(reason)];
  }
};

}  // namespace pool_test
