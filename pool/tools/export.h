// `phasepool export`: a period's journal segments and the payout inputs, for whoever wants to
// compute the payouts once more (`phasepool verify payout`).
//
//   OUT/payout_inputs.json            the runs, and which segments belong to them
//   OUT/<journal's uuid>/*.journal    the segments, as they are
//   OUT/coherence_chain.jsonl         the proof chain, if one was begun: its rules and all blocks
//   OUT/coherence_proofs.jsonl        the proofs of those blocks, and those that the runs or the
//                                     period count (`phasepool verify coherence`, `verify chain`)
//
// Errors: one line; above all, which segments are wanted and not here. Nothing is left half-written
//         under a name that somebody could take for whole: payout_inputs.json comes last.
// Thread: the caller's, which it blocks.
#pragma once

#include "pool/store/payout_export.h"

#include <string>
#include <vector>

namespace pool {

struct ExportCommand {
  std::string database;
  std::vector<std::string> folders;  // of journals: data_dirs, or what was copied from other hosts
  ExportQuestion question;
  std::string out;
};

// What was written, a line each for the operator.
[[nodiscard]] base::Result<std::vector<std::string>, std::string> export_payouts(
    const ExportCommand& command);

// The command: prints and returns the exit code, 0 or 1.
int export_command(const ExportCommand& command);

}  // namespace pool
