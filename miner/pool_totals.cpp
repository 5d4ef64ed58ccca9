#include "miner/pool_totals.h"

#include <algorithm>

namespace miner {

void add(ClientCounters& sum, const ClientCounters& more) {
  sum.accepted += more.accepted;
  sum.rejected += more.rejected;
  sum.blocks_found += more.blocks_found;
  sum.blocks_accepted += more.blocks_accepted;
  sum.difficulty_accepted += more.difficulty_accepted;
  sum.best_share = std::max(sum.best_share, more.best_share);
  sum.reject_reasons.add(more.reject_reasons);
  sum.dropped_stale += more.dropped_stale;
  sum.dropped_full += more.dropped_full;
  sum.dropped_repeat += more.dropped_repeat;
  sum.unanswered_lost += more.unanswered_lost;
  sum.resubmitted += more.resubmitted;
  sum.resubmitted_known += more.resubmitted_known;
  sum.jobs += more.jobs;
  sum.lines_not_understood += more.lines_not_understood;
}

void add(CoherenceCounters& sum, const CoherenceCounters& more) {
  sum.accepted += more.accepted;
  sum.rejected += more.rejected;
  sum.blocks_found += more.blocks_found;
  sum.blocks_accepted += more.blocks_accepted;
  sum.work_accepted += more.work_accepted;
  sum.retries += more.retries;
  sum.dropped_stale += more.dropped_stale;
  sum.dropped_full += more.dropped_full;
  sum.dropped_repeat += more.dropped_repeat;
  sum.dropped_busy += more.dropped_busy;
  sum.unanswered_lost += more.unanswered_lost;
  sum.jobs += more.jobs;
  sum.reject_reasons.add(more.reject_reasons);
}

}  // namespace miner
