// Ways to break the pool or its world on purpose, so that each oracle can be seen to fail. A
// breakage stands where a thread's work is simulated, never in the pool's own code.
//
// Thread: plain data.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sim {

enum class Break : std::uint8_t {
  nothing,
  true_before_sync,  // durable: shards are told "durable" before the disk is
  lose_row,          // durable: the store leaves out a row and moves on
  store_twice,       // once: the position is not in the transaction that stores the rows
  miss_record,       // totals: the auditor of the journal leaves out a record
  forget_totals,     // totals: one shard's counts are lost
  wrong_work,        // credit: the store credits a little more
  swallow_answer,    // answers: one of them is never sent
  spoil_submit,      // fair: one shard mistakes a nonce
  same_extranonce1,  // extranonce1: two shards believe that they are the same
  lose_block,        // blocks: a found block never gets to the node, which is said to have it
  bad_block,         // blocks: the node is sent a block with a changed byte
  lose_outcome,      // blocks: the store leaves out what became of blocks
  lose_rejects,      // totals: the store leaves out the sums of rejects
  long_grace,        // stale: shards go on taking shares for old jobs
  endless_queue,     // queues: miners that do not read are kept
  lose_synced,       // gap: a crash takes bytes that were synced
  deaf_shard,        // liveness: one shard hears of no job after a while
  lazy_store,        // liveness: the store stops to ship
};

struct BreakName {
  Break how;
  std::string_view name;
};
inline constexpr std::array break_names = {
    BreakName{Break::nothing, "nothing"},
    BreakName{Break::true_before_sync, "true_before_sync"},
    BreakName{Break::lose_row, "lose_row"},
    BreakName{Break::store_twice, "store_twice"},
    BreakName{Break::miss_record, "miss_record"},
    BreakName{Break::forget_totals, "forget_totals"},
    BreakName{Break::wrong_work, "wrong_work"},
    BreakName{Break::swallow_answer, "swallow_answer"},
    BreakName{Break::spoil_submit, "spoil_submit"},
    BreakName{Break::same_extranonce1, "same_extranonce1"},
    BreakName{Break::lose_block, "lose_block"},
    BreakName{Break::bad_block, "bad_block"},
    BreakName{Break::lose_outcome, "lose_outcome"},
    BreakName{Break::lose_rejects, "lose_rejects"},
    BreakName{Break::long_grace, "long_grace"},
    BreakName{Break::endless_queue, "endless_queue"},
    BreakName{Break::lose_synced, "lose_synced"},
    BreakName{Break::deaf_shard, "deaf_shard"},
    BreakName{Break::lazy_store, "lazy_store"},
};

inline std::optional<Break> break_from_name(std::string_view name) {
  for (const BreakName& known : break_names) {
    if (known.name == name) return known.how;
  }
  return std::nullopt;
}

}  // namespace sim
