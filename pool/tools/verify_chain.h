// `phasepool verify chain`: was anything of the proof chain, or of the journals that it commits to,
// changed, removed or moved since?
//
//   FAIL  block      12: bits are 1e07ffff, expected 1e080000 by the retarget
//   FAIL  stretch    block 14, stretch of pool 1, records 301 to 350 of journal 00ab…: …
//   FAIL  witness    log.txt line 9: height 15 was mined on 00cd…, but block 14 is 00ef…
//   ok    chain      15 blocks, tip 00ef…
//
// Every block is judged anew from its proof (pool/core/coherence_judge.h): hashes, heights, bits by
// the retarget's rules, times, merkle roots, replays. Journals: verify_stretches.h. A witness is a
// log that phaseminer keeps, "height prev_hash time" of each job it was given: whoever rewrites the
// chain as a whole must get past those.
//
// Errors: a FAIL line says what does not hold, and where.
// Thread: the caller's, which it blocks: a few milliseconds a block, and the reading of the
//         journals.
#pragma once

#include "pool/tools/chain_files.h"
#include "pool/tools/verify.h"

#include <string>
#include <vector>

namespace pool {

struct VerifyChainCommand {
  std::string folder;  // an export; empty: the chain is the database's
  std::string database;
  std::vector<std::string> journals;   // data_dirs or folders of segments, beside `folder`
  std::vector<std::string> witnesses;  // files
};

// True when nothing is wrong.
bool verify_chain(const ProofChain& chain, const std::vector<std::string>& journals,
                  const std::vector<std::string>& witnesses, const VerifyReport& report);

// The chain as the database has it at this moment.
[[nodiscard]] base::Result<ProofChain, std::string> read_chain_rows(const std::string& database);

// The command: prints the lines and returns the exit code, 0 or 1.
int verify_chain_command(const VerifyChainCommand& command);

}  // namespace pool
