// `phasepool verify coherence`: is each proof of a file true? Offline, from the proof alone.
//
//   ok    proof      proofs.jsonl line 1: 00ab…, level 2, bloom 5654 to 5660, 6,815,744 rounds
//   FAIL  proof      proofs.jsonl line 2: replay: no bloom up to state 5661
//
// A file holds a proof a line, as `phasepool export` writes them. The steps, in order: form,
// params, certificate, header, work hash, target, replay; a FAIL line names the first that fails.
// A true proof that stands in a file for the second time fails as well, and so does a file without
// any, which may have been cut.
//
// Not checked, since a proof alone does not say it: that its job was one of the pool's (`phasepool
// verify chain` does that for the blocks of the chain).
//
// Errors: a FAIL line names the file and the line, and says what does not hold.
// Thread: the caller's, which it blocks: a few milliseconds a proof.
#pragma once

#include "pool/tools/verify.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

// Each line of a text file but empty ones, with its number from 1; an error says why it can't be
// read. No line is kept beyond `bytes_max` and one more.
[[nodiscard]] base::Result<void, std::string> for_each_line(
    const std::string& path, std::size_t bytes_max,
    const std::function<void(std::size_t number, const std::string& line)>& on_line);

// True when each file has proofs, every one is true, and none is there twice; each is told.
bool verify_coherence(const std::vector<std::string>& paths, const VerifyReport& report);

// The command: prints the lines and returns the exit code, 0 or 1.
int verify_coherence_command(const std::vector<std::string>& paths);

}  // namespace pool
