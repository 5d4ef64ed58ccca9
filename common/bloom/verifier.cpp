#include "common/base/assert.h"
#include "common/bloom/bloom.h"

namespace bloom {
namespace {

// Such claims are not replayed. (Nobody should ask; but a replay has to end.)
std::optional<coherence::Flaw> check_ranges(const Replay& replay) {
  if (!coherence::level_of(replay.job.params)) return coherence::Flaw::bad_params;
  const std::uint32_t end = replay.claim.bloom_end;
  if (end < bloom_states - 1 || end >= coherence::states_per_attempt) {
    return coherence::Flaw::bloom_end_range;
  }
  if (replay.claim.r_q < coherence::r_q_least) return coherence::Flaw::r_q_range;
  return std::nullopt;
}

Walk begin(const Replay& replay) {
  const crypto::Digest seed = coherence::seed_of(replay.job, replay.claim.attempt);
  return walk_from(coherence::phases_of(seed), *coherence::level_of(replay.job.params),
                   replay.claim.bloom_end);
}

Outcome judge(const Replay& replay, const Walk& walk) {
  std::optional<coherence::Bloom> bloom;
  if (walk.coherent == bloom_states) bloom = bloom_of(walk);
  Outcome outcome;
  outcome.flaw = coherence::compare(replay.claim, bloom);
  if (!outcome.flaw) outcome.certificate = encode(coherence::certificate_of(*bloom));
  return outcome;
}

}  // namespace

Verifier::Verifier(const Kernel& kernel) : kernel_(kernel), lanes_(kernel) {}

void Verifier::verify(std::span<const Replay> replays, std::span<Outcome> outcomes) {
  ASSERT(replays.size() == outcomes.size());
  for (std::size_t i = 0; i < replays.size(); ++i) {
    outcomes[i] = {};
    outcomes[i].flaw = check_ranges(replays[i]);
    if (outcomes[i].flaw) continue;
    Walk walk = begin(replays[i]);
    while (!has_ended(walk)) kernel_.walk(tables(), &walk, nullptr);
    outcomes[i] = judge(replays[i], walk);
  }
}

}  // namespace bloom
