// The journal's folder, <data_dir>/journal: its segment files, the journal's id, and the lock that
// keeps a second pool out.
//
//   journal_id                   32 hex digits: this journal's name in the database
//   stored                       how far the database had the journal when it last told
//   lock                         held with flock() while a pool runs
//   <16 hex digits>.journal      segments; a segment's file appears under its name only when its
//                                header is on disk (it is written as *.tmp first)
//   <16 hex digits>.journal.damaged  second name of a segment from which records are missing; never
//                                deleted by the pool
//
// Errors: one line for the operator, which names the file.
// Thread: functions of the file system; listing and removing are safe while a writer adds segments.
#pragma once

#include "common/base/result.h"
#include "pool/core/limits.h"
#include "pool/core/segment_header.h"
#include "pool/journal/file_calls.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace pool {

std::string journal_folder(const std::string& data_dir);
std::string segment_path(const std::string& folder, std::uint64_t segment);

// Makes the folder (and data_dir) if need be, and syncs the folders above a new one.
[[nodiscard]] base::Result<void, std::string> make_journal_folder(const std::string& folder);
// The lock lives as long as the descriptor. Error: another process holds it.
[[nodiscard]] base::Result<FileDescriptor, std::string> lock_journal(const std::string& folder);
// Reads the journal's id; makes one in a folder that is new; takes it from the newest segment where
// only the id's file is lost.
[[nodiscard]] base::Result<JournalUuid, std::string> load_or_make_journal_id(
    const std::string& folder);

// Why a segment's header can't be had. A file that can't be read now may be readable later; a
// damaged one stays damaged.
struct SegmentError {
  enum class Kind { missing, unreadable, damaged } kind = Kind::unreadable;
  std::string message;
};

// Numbers of the segment files there are, rising.
[[nodiscard]] base::Result<std::vector<std::uint64_t>, std::string> list_segments(
    const std::string& folder);
[[nodiscard]] base::Result<SegmentHeader, SegmentError> read_segment_header(
    const std::string& folder, std::uint64_t segment);

// Makes the segment's file, with its header on disk. The descriptor stands behind the header.
[[nodiscard]] base::Result<FileDescriptor, std::string> create_segment(const FileCalls& calls,
                                                                       const std::string& folder,
                                                                       const SegmentHeader& header);

// Which segments stay when the database has stored them.
struct Retention {
  std::size_t newest = limits::journal_segments_kept_min;                 // always
  std::chrono::seconds at_least = limits::journal_segments_kept_for_min;  // always, too
  std::chrono::seconds at_most = std::chrono::hours(24 * 30);             // since their last record
  std::uint64_t stored_bytes_max = limits::journal_kept_bytes_max;        // together
  std::uint64_t folder_bytes_max = std::numeric_limits<std::uint64_t>::max();  // with the unstored
};

// Deletes segments before `stored_segment`, the oldest first, for as long as they are older or more
// than they may be. Returns how many went. What can't be deleted is left for next time.
std::size_t remove_stored_segments(const std::string& folder, std::uint64_t stored_segment,
                                   const Retention& retention);

// How far the database has stored the journal, as the store last noted it here; nothing else may
// know while the database is away. Position{} when there is no note.
JournalPosition read_stored_note(const std::string& folder);
[[nodiscard]] base::Result<void, std::string> write_stored_note(const std::string& folder,
                                                                const JournalPosition& stored);
// Bytes that are left to us on the folder's disk; nothing when the system won't say.
std::optional<std::uint64_t> free_bytes(const std::string& folder);
std::uint64_t segment_bytes(const std::string& folder, std::uint64_t segment);  // 0: not there

// Gives the segments from `first` up to, not including, `end` a second name, *.damaged, which
// outlives the removal of the first: somebody may want to look for what is missing.
[[nodiscard]] base::Result<void, std::string> keep_damaged_segments(const std::string& folder,
                                                                    std::uint64_t first,
                                                                    std::uint64_t end);

// Replaces a small file as a whole: temporary file, sync, rename, sync of the folder.
[[nodiscard]] base::Result<void, std::string> replace_file(const std::string& folder,
                                                           const std::string& name,
                                                           std::string_view contents);

}  // namespace pool
