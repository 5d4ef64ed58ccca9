// build_job: a template and the payout outputs become a Job.
//
// Firmwares differ in how long a coinbase they can take, so a job is built for several tiers, each
// with its most bytes; how a coinbase is shortened stands in coinbase_fit.h.
//
// Money: the outputs' values must add up to the template's coinbase_value exactly; anything else is
// JobError::wrong_sum, so that no satoshi is left to the network by an oversight.
// Thread: pure.
#pragma once

#include "common/base/result.h"
#include "common/mining/job.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mining {

enum class JobError {
  wrong_sum,
  script_sig_too_long,
  no_output,
  no_height,
  block_too_heavy,  // these three: with the shortest coinbase, over the template's limit
  block_too_large,
  too_many_sigops,
};
std::string_view describe(JobError error);

struct JobSpec {
  JobId id;
  std::shared_ptr<const BlockTemplate> block_template;
  std::vector<bitcoin::TxOut> outputs;  // the first one is never left out
  // Most bytes of each tier's coinbase, without witness. Empty: one tier without a bound.
  std::vector<std::size_t> tier_bytes_max;
  // The coinbase's unique push; distinct per job, so that two jobs never share a coinbase.
  std::uint64_t coinbase_unique = 0;
  std::string coinbase_tag;
  base::Bytes coinbase_extra_push;  // empty: none
  std::uint32_t version_mask = 0;   // cleared from the version miners get
  std::size_t extranonce1_size = 4;
  std::size_t extranonce2_size = 8;
  std::uint32_t ntime = 0;  // raised to the template's mintime where it is less
  bool clean_jobs = false;
  base::MonoTime tip_seen_at{};
};

[[nodiscard]] base::Result<std::shared_ptr<const Job>, JobError> build_job(const JobSpec& spec);

// The same work under another id, with coinbases of its own (the id enters their unique push) and
// another time: for a miner that needs a notify now. It is never clean_jobs, and cheap: no hashing.
// REQUIRES: build_job() made it; job.id < id < job.id + job_id_step.
std::shared_ptr<const Job> reissue_job(const Job& job, JobId id, std::uint32_t ntime);

}  // namespace mining
