// `phasepool verify journal`: are the segments in this folder whole, and do they follow from each
// other? Reads the files alone, offline, and changes nothing.
//
//   ok    segment  …/0000000069a1.journal  records 1 to 4,812, 64,000 bytes, sha256 5be1…
//   FAIL  segment  …/0000000069b2.journal: byte 7,210: checksum mismatch; expected record 57 …
//
// Each segment is held against what the next one's header says of it: its length, its hash, its
// last record. What lies behind that length is not data, and no fault: a write that failed or was
// torn. Only the last segment has nobody to speak for it; a whole record behind a broken one is
// taken for damage there. Segments before the first that is here have been stored in the database
// and removed.
//
// Errors: a FAIL line names the file and the byte, what was expected there and what was found.
// Thread: the caller's, which it blocks.
#pragma once

#include "pool/tools/verify.h"

#include <string>

namespace pool {

// `path`: a folder of segments, or a data_dir. True when nothing is wrong.
bool verify_journal(const std::string& path, const VerifyReport& report);

// The command: prints the lines and returns the exit code, 0 or 1.
int verify_journal_command(const std::string& path);

}  // namespace pool
