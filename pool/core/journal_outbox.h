// JournalOutbox: a shard's way into the journal. Gathers the records of a turn into one append, and
// knows what has been handed over and is not settled (on disk, or refused) yet.
//
// Flow control: at most appends_in_flight_max appends are out at a time; while they are, records
// gather in the next one. So the journal's mailbox, sized for every shard's window, is never full,
// and appends grow as the disk gets slower. full() tells when to read no further.
//
// Invariant: append ids rise by one.
// Thread: one shard's.
#pragma once

#include "pool/core/journal_format.h"
#include "pool/core/shard_types.h"

#include <cstddef>
#include <deque>
#include <optional>

namespace pool {

class JournalOutbox {
 public:
  explicit JournalOutbox(JournalSource source) : source_(source) {}

  // Adds a record to the append being gathered and returns that append's id.
  AppendId add(const JournalRecord& record);
  // The append gathered so far, now in flight; empty when there is nothing or the window is used
  // up.
  std::optional<JournalAppend> take();
  // Appends up to and including `up_to` are settled.
  void settle(AppendId up_to);
  // True when so much is unsettled that the shard should read no further.
  bool full() const;
  bool idle() const { return gathering_.empty() && in_flight_.empty(); }

 private:
  struct InFlight {
    AppendId id;
    std::size_t bytes;
  };

  const JournalSource source_;
  AppendId next_{1};  // of the append being gathered
  base::Bytes gathering_;
  std::deque<InFlight> in_flight_;
  std::size_t bytes_in_flight_ = 0;
};

}  // namespace pool
