// JournalWriter: appends framed records to segment files; one write and one sync for everything
// that came since the last flush.
//
// A failed write or sync is never repeated on the same file, whose state is then unknown: what was
// not durable is reported as failed, the segment ends at its last durable byte, and the next one
// takes over with the sequence numbers that were not used up, but at most one a second: a disk that
// fails each write would fill with files. If no segment can be made, or none yet, every append
// fails until there is one: open_segment() is worth trying about once a second.
//
// Each segment's header commits to the one before it, of which only what was durable counts: the
// hash is taken of the bytes as they become so.
//
// Thread: one (the journal's). Calls block for as long as the disk takes.
#pragma once

#include "common/base/result.h"
#include "common/crypto/sha256.h"
#include "pool/core/segment_header.h"
#include "pool/journal/file_calls.h"
#include "pool/messages.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pool {

struct WriterOptions {
  std::string folder;
  JournalUuid journal{};
  bool fsync = true;  // false: "durable" means handed to the system; sync_relaxed() bounds the loss
  std::size_t segment_bytes_max = 0;
  FileCalls calls = system_file_calls();
};

struct FlushReport {
  struct Written {
    JournalSource source;
    Durable durable;
  };
  struct Failed {
    JournalSource source;
    NotDurable failed;
  };
  std::vector<Written> written;
  std::vector<Failed> failed;
};

class JournalWriter {
 public:
  // `recovered` is where earlier processes' records end, `recovered_sha256` the hash of what counts
  // of that segment.
  JournalWriter(WriterOptions options, const JournalPosition& recovered,
                const crypto::Digest& recovered_sha256 = {});

  // Begins a new segment. Numbers rise with the clock (at least), so that a data_dir restored from
  // an older copy never repeats a segment number that the database has seen.
  [[nodiscard]] base::Result<void, std::string> open_segment(std::int64_t unix_seconds);
  // Takes the records of one append; they go to disk with the next flush().
  // REQUIRES: payloads as append_payload() made them; ids of a source rise by one.
  void append(JournalSource source, AppendId id, base::ByteSpan payloads);
  std::size_t waiting_bytes() const { return buffer_.size(); }
  bool has_waiting() const { return !waiting_.empty(); }

  // Everything appended is, on return, durable or failed, and in the report as one of them.
  FlushReport flush(std::int64_t unix_seconds);
  // Without fsync: syncs what has been written. A failure ends the segment.
  void sync_relaxed(std::int64_t unix_seconds);

  bool writable() const { return file_.is_open(); }
  const std::string& error() const { return error_; }  // the last one; empty once all is well
  // Of the last write or sync that failed, even if another segment took over at once.
  const std::string& last_failure() const { return last_failure_; }
  const JournalPosition& durable_to() const { return durable_; }
  // The segment that durable_to() stands in, as the header of the next one will name it.
  SegmentLink link() const;
  std::uint64_t syncs() const { return syncs_; }

 private:
  struct Waiting {
    JournalSource source;
    AppendId first;
    AppendId last;
  };

  [[nodiscard]] bool write_buffer();
  void rotate_if_full(std::int64_t unix_seconds);
  void abandon_segment(const std::string& why, std::int64_t unix_seconds);
  FlushReport report(bool written);

  const WriterOptions options_;
  FileDescriptor file_;
  std::uint64_t newest_segment_;  // highest number used
  JournalPosition durable_;
  const crypto::Digest recovered_sha256_;
  std::optional<crypto::Sha256> hash_;  // of durable_'s segment up to there; none: not begun by us
  std::uint64_t next_sequence_;
  base::Bytes buffer_;            // framed records that wait for a flush
  std::vector<Waiting> waiting_;  // one per source; there are few
  std::string error_;
  std::string last_failure_;
  std::uint64_t syncs_ = 0;
  bool unsynced_ = false;
  std::int64_t rotate_not_before_ = 0;  // seconds since 1970: after a rotation that failed
  std::int64_t reopen_not_before_ = 0;  // after a segment that failed
};

}  // namespace pool
