// JournalSpace: how much of its bound the journal has used, and when to say so.
//
// Only what PostgreSQL has not stored counts: the rest makes room. At bytes_max the journal takes
// no more shares until enough has been stored. Alarms come before: at 50, 75 and 90 percent of what
// there is room for, which is the bound or, if that is less, what the disk has left. A level is
// left when the use is 5 percent below it, so that nobody is told twice a minute.
//
// Units: bytes; levels in percent.
// Thread: one owner; pure.
#pragma once

#include "pool/core/journal_format.h"

#include <cstdint>
#include <map>
#include <optional>

namespace pool {

class JournalSpace {
 public:
  explicit JournalSpace(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // A segment's file is there, or has grown.
  void set_segment(std::uint64_t segment, std::uint64_t bytes);
  // The database has stored everything before `stored`. False when it had more before (it was set
  // back): segments that were let go count again, and set_segment() has to name them.
  [[nodiscard]] bool set_stored(const JournalPosition& stored);

  std::uint64_t unstored_bytes() const;
  std::uint64_t bytes_max() const { return bytes_max_; }
  // No more shares may be taken. It ends a little below the bound.
  bool full() const { return full_; }
  int level() const { return level_; }  // 0, 50, 75, 90, 100
  // The disk has less than what the bound lets the journal grow by.
  bool disk_is_short() const { return short_; }

  struct Change {
    int level_before = 0;
    int level = 0;
    bool short_before = false;
    bool is_short = false;
  };
  // Looks anew; a change if there is one to be told. `free_bytes`: on the journal's disk.
  std::optional<Change> update(std::uint64_t free_bytes);

 private:
  int level_of(std::uint64_t used, std::uint64_t room) const;

  const std::uint64_t bytes_max_;
  std::map<std::uint64_t, std::uint64_t> segments_;  // bytes of those that are not wholly stored
  std::uint64_t sum_ = 0;                            // of these
  JournalPosition stored_;
  bool full_ = false;
  bool short_ = false;
  int level_ = 0;
};

}  // namespace pool
