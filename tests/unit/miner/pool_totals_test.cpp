// The sums of what several pools have counted: no counter is left out.
#include "miner/pool_totals.h"

#include <doctest/doctest.h>

namespace miner {
namespace {

TEST_CASE("each of a client's counters is added; the best share is the better one") {
  ClientCounters one;
  one.accepted = 1;
  one.rejected = 2;
  one.blocks_found = 3;
  one.blocks_accepted = 4;
  one.difficulty_accepted = 5;
  one.best_share = 6;
  one.reject_reasons.count("stale", 7);
  one.dropped_stale = 8;
  one.dropped_full = 9;
  one.dropped_repeat = 10;
  one.unanswered_lost = 11;
  one.resubmitted = 12;
  one.resubmitted_known = 13;
  one.jobs = 14;
  one.lines_not_understood = 15;
  ClientCounters sum;
  add(sum, one);
  add(sum, one);
  CHECK_EQ(sum.accepted, 2);
  CHECK_EQ(sum.rejected, 4);
  CHECK_EQ(sum.blocks_found, 6);
  CHECK_EQ(sum.blocks_accepted, 8);
  CHECK_EQ(sum.difficulty_accepted, 10);
  CHECK_EQ(sum.best_share, 6);
  CHECK_EQ(sum.reject_reasons.counts().at("stale"), 14);
  CHECK_EQ(sum.dropped_stale, 16);
  CHECK_EQ(sum.dropped_full, 18);
  CHECK_EQ(sum.dropped_repeat, 20);
  CHECK_EQ(sum.unanswered_lost, 22);
  CHECK_EQ(sum.resubmitted, 24);
  CHECK_EQ(sum.resubmitted_known, 26);
  CHECK_EQ(sum.jobs, 28);
  CHECK_EQ(sum.lines_not_understood, 30);
}

TEST_CASE("each of the coherence counters is added") {
  CoherenceCounters one;
  one.accepted = 1;
  one.rejected = 2;
  one.blocks_found = 3;
  one.blocks_accepted = 4;
  one.work_accepted = 5;
  one.retries = 6;
  one.dropped_stale = 7;
  one.dropped_full = 8;
  one.dropped_repeat = 9;
  one.dropped_busy = 10;
  one.unanswered_lost = 11;
  one.jobs = 12;
  one.reject_reasons.count("false proof", 13);
  CoherenceCounters sum;
  add(sum, one);
  add(sum, one);
  CHECK_EQ(sum.accepted, 2);
  CHECK_EQ(sum.rejected, 4);
  CHECK_EQ(sum.blocks_found, 6);
  CHECK_EQ(sum.blocks_accepted, 8);
  CHECK_EQ(sum.work_accepted, 10);
  CHECK_EQ(sum.retries, 12);
  CHECK_EQ(sum.dropped_stale, 14);
  CHECK_EQ(sum.dropped_full, 16);
  CHECK_EQ(sum.dropped_repeat, 18);
  CHECK_EQ(sum.dropped_busy, 20);
  CHECK_EQ(sum.unanswered_lost, 22);
  CHECK_EQ(sum.jobs, 24);
  CHECK_EQ(sum.reject_reasons.counts().at("false proof"), 26);
}

TEST_CASE("reasons beyond those that are kept apart are counted together") {
  ClientCounters sum;
  for (int i = 0; i < 20; ++i) {
    ClientCounters one;
    one.reject_reasons.count("reason " + std::to_string(i));
    add(sum, one);
  }
  CHECK_EQ(sum.reject_reasons.counts().size(), RejectReasons::reasons_max + 1);
  CHECK_EQ(sum.reject_reasons.counts().at("other"), 4);
}

}  // namespace
}  // namespace miner
