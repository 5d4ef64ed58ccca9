// Holds the journals that are here against what the proof chain commits to of them.
//
// A block commits to a journal's head, SHA-256 of the segment's file from its start to the end of a
// record. The file that is here is hashed once more: where the head comes out, no record up to
// there was changed, removed or moved, whoever may have made the checksums and the segments' own
// hashes fit. The first head that doesn't come out tells which stretch was changed.
//
// What isn't here can't be held against anything: segments that retention deleted, or that an
// export doesn't have. That is said, and no fault. But a journal that ends before a record that is
// committed to, in a segment that nobody has said to be closed there, has lost records.
//
// No hash commits to the uuid by which a stretch names its journal, and record numbers can be
// moved up: a changed journal could be made to look like one that the chain does not speak of. So a
// journal that is here has records that are in a block, or it fails, unless the chain commits to no
// journal at all. (Stretches that only partly bear another uuid fail with their block: a journal's
// first begins with record 1, each other where the one before ended.)
//
// Errors: a FAIL line names the block, the journal and the records.
// Thread: the caller's, which it blocks.
#pragma once

#include "pool/core/records.h"
#include "pool/tools/verify.h"

#include <string>
#include <vector>

namespace pool {

struct StretchCounts {
  std::size_t good = 0;
  std::size_t wrong = 0;
  std::size_t not_here = 0;
};

// `folders`: data_dirs, folders of segments, or folders with a folder of segments for each journal;
// the segments are verified first (verify_journal.h). False when anything is wrong.
bool verify_stretches(const std::vector<CoherenceBlockRecord>& blocks,
                      const std::vector<std::string>& folders, const VerifyReport& report,
                      StretchCounts& counts);

}  // namespace pool
