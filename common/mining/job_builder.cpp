#include "common/mining/job_builder.h"

#include "common/base/assert.h"
#include "common/bitcoin/merkle.h"
#include "common/mining/coinbase_fit.h"
#include "common/stratum/codec.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace mining {

namespace {

// Counts down from the total, so that no sum overflows and a negative amount can not make up for
// another.
bool sum_is(const std::vector<bitcoin::TxOut>& outputs, bitcoin::Sats total) {
  std::int64_t rest = total.value;
  for (const bitcoin::TxOut& output : outputs) {
    if (output.value.value < 0 || output.value.value > rest) return false;
    rest -= output.value.value;
  }
  return rest == 0;
}

std::shared_ptr<const TierWork> make_work(const Job& job, bitcoin::CoinbaseParts coinbase) {
  auto work = std::make_shared<TierWork>();
  work->coinbase = std::move(coinbase);
  stratum::Notify notify;
  notify.job_id = job_id_text(job.id);
  notify.prev_hash = job.prev_hash();
  notify.coinb1 = work->coinbase.coinb1;
  notify.coinb2 = work->coinbase.coinb2;
  notify.merkle_branch = job.merkle_branch;
  notify.version = job.version;
  notify.nbits = job.nbits();
  notify.ntime = job.ntime;
  notify.clean_jobs = true;
  work->notify_line_clean = stratum::write_notify(notify);
  notify.clean_jobs = job.clean_jobs;
  work->notify_line = stratum::write_notify(notify);
  return work;
}

// Tiers whose coinbase is the same share it, and its lines.
base::Result<void, JobError> build_tiers(const JobSpec& spec, Job& job) {
  std::vector<std::size_t> tiers = spec.tier_bytes_max;
  if (tiers.empty()) tiers.push_back(std::numeric_limits<std::size_t>::max());
  for (const std::size_t bytes_max : tiers) {
    auto coinbase = fit_coinbase(spec, bytes_max);
    if (!coinbase) return base::err(coinbase.error());
    const auto same = std::find_if(job.tiers.begin(), job.tiers.end(), [&](const auto& other) {
      return other->coinbase.coinb1 == coinbase->coinb1 &&
             other->coinbase.coinb2 == coinbase->coinb2;
    });
    job.tiers.push_back(same != job.tiers.end() ? *same : make_work(job, std::move(*coinbase)));
  }
  return {};
}

}  // namespace

std::string_view describe(JobError error) {
  switch (error) {
    case JobError::wrong_sum:
      return "the outputs do not add up to the coinbase value";
    case JobError::script_sig_too_long:
      return "the coinbase's scriptSig is over 100 bytes";
    case JobError::no_output:
      return "the coinbase has no output";
    case JobError::no_height:
      return "the template has no height";
    case JobError::block_too_heavy:
      return "with the shortest coinbase, the block weighs more than its limit";
    case JobError::block_too_large:
      return "with the shortest coinbase, the block has more bytes than its limit";
    case JobError::too_many_sigops:
      return "with the shortest coinbase, the block has more sigops than its limit";
  }
  return "unknown job error";
}

base::Result<std::shared_ptr<const Job>, JobError> build_job(const JobSpec& spec) {
  ASSERT(spec.block_template != nullptr);
  const BlockTemplate& block_template = *spec.block_template;
  if (spec.outputs.empty()) return base::err(JobError::no_output);
  if (!sum_is(spec.outputs, block_template.coinbase_value)) return base::err(JobError::wrong_sum);
  auto job = std::make_shared<Job>();
  job->id = spec.id;
  job->block_template = spec.block_template;
  job->coinbase_unique = spec.coinbase_unique;
  job->merkle_branch = bitcoin::coinbase_merkle_branch(block_template.txids);
  job->version = block_template.version & ~spec.version_mask;
  job->ntime = std::max(spec.ntime, block_template.mintime);
  job->clean_jobs = spec.clean_jobs;
  job->coinbase_value = block_template.coinbase_value;
  job->tip_seen_at = spec.tip_seen_at;
  if (auto built = build_tiers(spec, *job); !built) return base::err(built.error());
  return std::shared_ptr<const Job>(std::move(job));
}

std::shared_ptr<const Job> reissue_job(const Job& job, JobId id, std::uint32_t ntime) {
  ASSERT(job.id < id && id.value - job.id.value < job_id_step);
  auto again = std::make_shared<Job>(job);
  again->id = id;
  again->ntime = std::max(ntime, job.block_template->mintime);
  again->clean_jobs = false;
  again->coinbase_unique = job.coinbase_unique + (id.value - job.id.value);
  for (std::size_t i = 0; i < again->tiers.size(); ++i) {
    const auto same = std::find(job.tiers.begin(),
                                job.tiers.begin() + static_cast<std::ptrdiff_t>(i), job.tiers[i]);
    const auto k = static_cast<std::size_t>(same - job.tiers.begin());
    again->tiers[i] = k < i ? again->tiers[k]
                            : make_work(*again, bitcoin::with_unique(job.tiers[i]->coinbase,
                                                                     again->coinbase_unique));
  }
  return again;
}

}  // namespace mining
