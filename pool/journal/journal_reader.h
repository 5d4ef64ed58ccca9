// JournalReader: the journal's records in order, from a position up to what is durable.
//
// A segment ends at its last whole, valid record, or where the next one begins: a record whose
// sequence number is not before the next segment's first belongs to a write that failed, and is not
// data. Where sequence numbers do not meet across two segments, the reader goes on and reports a
// gap. A file that is there but can't be read (permissions, descriptors, the disk) is never taken
// for an end: read() fails until it can.
//
// A segment that it leaves is handed out with its hash, for the chain of segments. What was read of
// it should be what the next header says; where it is not, the file was changed after it was
// closed.
//
// Thread: one; a writer in another thread may append meanwhile, beyond `durable_to`.
#pragma once

#include "common/base/result.h"
#include "pool/core/segment_header.h"
#include "pool/journal/file_calls.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pool {

struct JournalEntry {
  JournalPosition end;  // behind this record
  JournalRecord record;
};

// The reader stood at `before`; the next record there is comes after `after`. A higher sequence:
// the records between are missing. A lower one: the journal had lost its tail (a power cut without
// fsync, an older copy restored) after those records were read, and then went on.
struct JournalGap {
  JournalPosition before;
  JournalPosition after;
};

// A segment that the reader has left for the next one, as that one's header has it.
struct ClosedSegment {
  std::uint64_t segment = 0;
  std::uint64_t first_sequence = 0;  // that its first record has, or would have
  std::uint64_t last_sequence = 0;
  std::uint64_t bytes = 0;           // that count: a torn tail does not
  crypto::Digest sha256{};           // of those
  crypto::Digest prev_sha256{};      // in its own header; zeros in the first and in version 1
  std::optional<SegmentLink> found;  // what was read, where that is something else and no gap
};

// "1234 bytes with sha256 ab…, but 1234 with cd… are there". REQUIRES: closed.found.
std::string describe_change(const ClosedSegment& closed);

struct JournalBatch {
  std::vector<JournalEntry> entries;
  std::vector<JournalGap> gaps;
  std::vector<ClosedSegment> closed;  // left on the way; without them, there is nothing new
  bool empty() const { return entries.empty() && gaps.empty() && closed.empty(); }
  void clear() {
    entries.clear();
    gaps.clear();
    closed.clear();
  }
};

class JournalReader {
 public:
  // `from` may be JournalPosition{}: from the oldest segment there is.
  JournalReader(std::string folder, const JournalUuid& journal, JournalPosition from);

  // Appends at most `records_max` records before `durable_to` to `out`; none when there are no
  // more. Error: one line; a damaged record before `durable_to`, or a file that can't be read. The
  // position is then behind the last record that was given out.
  [[nodiscard]] base::Result<void, std::string> read(std::size_t records_max,
                                                     const JournalPosition& durable_to,
                                                     JournalBatch& out);
  // Everything before it has been given out.
  const JournalPosition& position() const { return position_; }
  // Of the position's segment up to there. REQUIRES: read() has looked into it since it came there.
  crypto::Digest segment_sha256() const;

 private:
  enum class Step { record, end_of_segment, caught_up };
  struct NoFrame {
    bool unreadable = false;  // the file can't be read; else its bytes hold no whole record
    std::string why;
  };

  [[nodiscard]] base::Result<Step, std::string> step(const JournalPosition& durable_to,
                                                     JournalBatch& out);
  [[nodiscard]] base::Result<bool, std::string> next_segment(const JournalPosition& durable_to,
                                                             JournalBatch& out);
  [[nodiscard]] base::Result<std::optional<SegmentHeader>, std::string> header_after(
      std::uint64_t segment) const;
  [[nodiscard]] base::Result<void, std::string> find_next_first_sequence(
      const JournalPosition& durable_to);
  [[nodiscard]] base::Result<bool, std::string> open_segment();
  [[nodiscard]] base::Result<void, std::string> hash_what_was_read();
  std::optional<ClosedSegment> close_segment(const SegmentHeader& next) const;
  base::Result<ParsedFrame, NoFrame> frame_before(std::uint64_t limit);
  [[nodiscard]] base::Result<std::size_t, std::string> refill(std::size_t wanted);
  void drop_segment();

  const std::string folder_;
  const JournalUuid journal_;
  JournalPosition position_;
  FileDescriptor file_;
  base::Bytes buffer_;                   // of the file, from position_.offset - used_ on
  std::size_t used_ = 0;                 // of the buffer
  std::optional<SegmentHeader> header_;  // of the open file, unless it is damaged
  std::optional<crypto::Sha256> hash_;   // of the file up to position_; none: it is not so long
  // First sequence of the segment after this one, once there is one; data ends before it.
  std::optional<std::uint64_t> next_first_sequence_;
  std::optional<JournalPosition> no_next_at_;  // the durable_to at which there was none
};

}  // namespace pool
