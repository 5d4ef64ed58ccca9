// Job: one unit of work as given to miners. Immutable once built, shared by all shards, and kept
// (with the template whose transactions it needs) until nothing refers to it: a block is always
// assembled from the job its share was for.
#pragma once

#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/bitcoin/coinbase.h"
#include "common/bitcoin/hash.h"
#include "common/bitcoin/target.h"
#include "common/mining/block_template.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mining {

using JobId = base::Strong<struct JobIdTag, std::uint64_t>;
// Jobs from a node's templates are numbered in steps of this; between two of them a shard has room
// for jobs of its own, made of the same template (reissue_job, job_builder.h).
inline constexpr std::uint64_t job_id_step = 1 << 16;

// What differs between miners that can take coinbases of different lengths: a tier's coinbase, and
// the mining.notify line with its newline, serialised once since it has no per-miner part; with the
// job's clean_jobs, and with clean_jobs true for a miner's first job.
struct TierWork {
  bitcoin::CoinbaseParts coinbase;
  std::string notify_line;
  std::string notify_line_clean;
};

struct Job {
  JobId id;  // never reused while the process lives; rises with every job
  std::shared_ptr<const BlockTemplate> block_template;
  std::vector<std::shared_ptr<const TierWork>> tiers;  // at least one; equal ones are the same
  std::uint64_t coinbase_unique = 0;
  std::vector<bitcoin::Hash256> merkle_branch;
  std::uint32_t version = 0;  // the bits of the pool's version_mask cleared
  std::uint32_t ntime = 0;
  bool clean_jobs = false;  // true: the tip changed; earlier jobs are stale
  bitcoin::Sats coinbase_value;
  base::MonoTime tip_seen_at{};  // when the pool first heard of this tip

  // A tier beyond those the job was built for gets the last one's.
  const TierWork& work(std::size_t tier = 0) const {
    return *tiers[std::min(tier, tiers.size() - 1)];
  }
  const bitcoin::BlockHash& prev_hash() const { return block_template->prev_hash; }
  const bitcoin::Target256& network_target() const { return block_template->network_target; }
  std::uint32_t height() const { return block_template->height; }
  std::uint32_t nbits() const { return block_template->nbits; }
};

// 16 lower-case hex digits, as on the wire, and back. parse accepts exactly what text gives.
std::string job_id_text(JobId id);
[[nodiscard]] bool parse_job_id(std::string_view text, JobId& out);

}  // namespace mining
