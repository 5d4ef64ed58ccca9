// `phasepool verify payout`: the split once more, from an export's journal segments alone, offline.
//
//   ok    run        3: block 00ab… of height 101, pplns: 4,950,000,000 sats among 12 miners from …
//   FAIL  run        3: line 24 is "miner bc1q… 40 0 0 397 0", but the shares say "miner …"
//
// The segments are verified first (verify_journal.h), and held against the hashes that the database
// knew. A block is held against its own header: its coinbase must be in it, and pay what was
// divided. Then each run is computed from the shares (pool/core/payout_recompute.h), and its
// canonical text must come out byte for byte, with the digest that the database has.
//
// Taken from the export as it is: how much PPS runs before had credited.
//
// Errors: a FAIL line says what does not hold.
// Thread: the caller's, which it blocks.
#pragma once

#include "pool/tools/verify.h"

#include <string>

namespace pool {

// `folder`: as `phasepool export` made it. True when all holds.
bool verify_payout(const std::string& folder, const VerifyReport& report);

// The command: prints the lines and returns the exit code, 0 or 1.
int verify_payout_command(const std::string& folder);

}  // namespace pool
