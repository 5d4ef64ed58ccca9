// What a process before us left behind: how far the journal is valid.
#pragma once

#include "common/base/result.h"
#include "pool/core/segment_header.h"

#include <string>

namespace pool {

struct RecoveredTail {
  JournalPosition end;           // behind the last whole, valid record
  crypto::Digest sha256{};       // of that segment up to there
  std::uint64_t torn_bytes = 0;  // after it, in the same file: never to be read
};

// Walks the newest segment to its last whole record and syncs it, so that what was written but not
// synced before a crash is on disk before anyone counts on it. The torn tail stays where it is: the
// next segment's header says where this one ended. Removes unfinished *.tmp files.
// Error: one line; the newest segment can't be read, its header is damaged, or it belongs to
// another journal.
[[nodiscard]] base::Result<RecoveredTail, std::string> recover_journal(const std::string& folder,
                                                                       const JournalUuid& journal);

}  // namespace pool
