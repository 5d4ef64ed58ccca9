#include "common/mining/job_builder.h"

#include "common/base/assert.h"
#include "common/bitcoin/merkle.h"
#include "common/stratum/codec.h"

#include <algorithm>
#include <utility>

namespace mining {

namespace {

constexpr std::uint64_t block_weight_max = 4'000'000;  // BIP141
constexpr std::uint64_t header_bytes = 80;
// BIP141: marker and flag, and a witness of one item of 32 bytes.
constexpr std::uint64_t coinbase_witness_bytes = 2 + 1 + 1 + 32;

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

bitcoin::CoinbaseSpec coinbase_spec(const JobSpec& spec) {
  bitcoin::CoinbaseSpec coinbase;
  coinbase.height = spec.block_template->height;
  coinbase.unique = spec.coinbase_unique;
  coinbase.extranonce_bytes = spec.extranonce1_size + spec.extranonce2_size;
  coinbase.tag = spec.coinbase_tag;
  coinbase.outputs = spec.outputs;
  coinbase.witness_commitment_script = spec.block_template->default_witness_commitment;
  coinbase.extra_push = spec.coinbase_extra_push;
  return coinbase;
}

JobError job_error(bitcoin::CoinbaseError error) {
  switch (error) {
    case bitcoin::CoinbaseError::script_sig_too_long:
      return JobError::script_sig_too_long;
    case bitcoin::CoinbaseError::no_height:
      return JobError::no_height;
    case bitcoin::CoinbaseError::no_output:
      break;
  }
  return JobError::no_output;
}

std::uint64_t block_weight(const JobSpec& spec, const bitcoin::CoinbaseParts& coinbase) {
  const BlockTemplate& block_template = *spec.block_template;
  const std::uint64_t coinbase_bytes = coinbase.coinb1.size() + spec.extranonce1_size +
                                       spec.extranonce2_size + coinbase.coinb2.size();
  const std::uint64_t count_bytes = bitcoin::compact_size_length(block_template.txids.size() + 1);
  const std::uint64_t witness_bytes =
      block_template.default_witness_commitment ? coinbase_witness_bytes : 0;
  return 4 * (header_bytes + count_bytes + coinbase_bytes) + witness_bytes +
         block_template.transactions_weight;
}

void write_notify_lines(Job& job) {
  stratum::Notify notify;
  notify.job_id = job_id_text(job.id);
  notify.prev_hash = job.prev_hash();
  notify.coinb1 = job.coinbase.coinb1;
  notify.coinb2 = job.coinbase.coinb2;
  notify.merkle_branch = job.merkle_branch;
  notify.version = job.version;
  notify.nbits = job.nbits();
  notify.ntime = job.ntime;
  notify.clean_jobs = true;
  job.notify_line_clean = stratum::write_notify(notify);
  notify.clean_jobs = job.clean_jobs;
  job.notify_line = stratum::write_notify(notify);
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
      return "coinbase and template weigh over 4000000";
  }
  return "unknown job error";
}

base::Result<std::shared_ptr<const Job>, JobError> build_job(const JobSpec& spec) {
  ASSERT(spec.block_template != nullptr);
  const BlockTemplate& block_template = *spec.block_template;
  if (spec.outputs.empty()) return base::err(JobError::no_output);
  if (!sum_is(spec.outputs, block_template.coinbase_value)) return base::err(JobError::wrong_sum);
  auto coinbase = bitcoin::build_coinbase(coinbase_spec(spec));
  if (!coinbase) return base::err(job_error(coinbase.error()));
  if (block_weight(spec, *coinbase) > block_weight_max) {
    return base::err(JobError::block_too_heavy);
  }
  auto job = std::make_shared<Job>();
  job->id = spec.id;
  job->block_template = spec.block_template;
  job->coinbase = std::move(*coinbase);
  job->merkle_branch = bitcoin::coinbase_merkle_branch(block_template.txids);
  job->version = block_template.version & ~spec.version_mask;
  job->ntime = std::max(spec.ntime, block_template.mintime);
  job->clean_jobs = spec.clean_jobs;
  job->coinbase_value = block_template.coinbase_value;
  job->tip_seen_at = spec.tip_seen_at;
  write_notify_lines(*job);
  return std::shared_ptr<const Job>(std::move(job));
}

}  // namespace mining
