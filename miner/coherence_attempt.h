// `phaseminer coherence-attempt`: one attempt of coherence work, replayed by the reference.
// Thread: main's.
// Source: docs/coherence.md, sections 4 to 11.
#pragma once

#include "common/coherence/attempt.h"
#include "common/crypto/sha256.h"
#include "miner/options.h"

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

namespace miner {

struct AttemptOutcome {
  crypto::Digest seed{};
  std::optional<coherence::Bloom> bloom;  // none: the attempt is void
};
// `watch` is told of each state until the bloom, or all of them. REQUIRES: the job has a level.
AttemptOutcome replay_attempt(const coherence::Job& job, std::uint64_t attempt,
                              const coherence::Watch& watch = {});

// One JSON object without a newline; keys as miner/README.md lists them.
std::string outcome_json(const coherence::Job& job, std::uint64_t attempt,
                         const AttemptOutcome& outcome);
// The same for people: several lines.
std::string outcome_text(const coherence::Job& job, std::uint64_t attempt,
                         const AttemptOutcome& outcome);

// Exit code: 0 when the attempt blooms, 1 when it doesn't.
int run_coherence_attempt(const Options& options, std::FILE* out);

}  // namespace miner
