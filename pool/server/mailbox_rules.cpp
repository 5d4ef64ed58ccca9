#include "pool/server/mailbox_rules.h"

#include <algorithm>
#include <variant>

namespace pool {

void keep_clean_jobs(const ShardMessage& waiting, ShardMessage& incoming) {
  const auto& old_job = std::get<NewJob>(waiting);
  auto& new_job = std::get<NewJob>(incoming);
  new_job.replaced_clean = old_job.replaced_clean || old_job.job->clean_jobs;
  new_job.spread = std::min(new_job.spread, old_job.spread);
}

// Where there is no coherence work any more, nothing of it need be kept.
void keep_clean_coherence(const ShardMessage& waiting, ShardMessage& incoming) {
  const auto& old_job = std::get<NewCoherenceJob>(waiting);
  const bool was_clean = old_job.job == nullptr || old_job.job->clean;
  std::get<NewCoherenceJob>(incoming).replaced_clean = old_job.replaced_clean || was_clean;
}

bool same_coherence(const ShardMessage& waiting, const ShardMessage& incoming) {
  return std::holds_alternative<NewCoherenceJob>(waiting) &&
         std::holds_alternative<NewCoherenceJob>(incoming);
}

bool same_job_kind(const ShardMessage& waiting, const ShardMessage& incoming) {
  return std::holds_alternative<NewJob>(waiting) && std::holds_alternative<NewJob>(incoming);
}

bool same_sender(const HttpMessage& waiting, const HttpMessage& incoming) {
  if (waiting.index() != incoming.index()) return false;
  const auto* stats = std::get_if<ShardStats>(&waiting);
  if (stats != nullptr) return stats->shard == std::get<ShardStats>(incoming).shard;
  return !std::holds_alternative<QueryResult>(waiting) &&
         !std::holds_alternative<SubmitsRejected>(waiting) &&
         !std::holds_alternative<TipTold>(waiting);
}

}  // namespace pool
