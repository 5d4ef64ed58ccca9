#include "common/base/assert.h"
#include "common/bloom/bloom.h"

#include <utility>

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

Verifier::Verifier(const Kernel& kernel) : kernel_(kernel), lanes_(kernel), who_(lanes_.count()) {}

void Verifier::verify(std::span<const Replay> replays, std::span<Outcome> outcomes) {
  ASSERT(replays.size() == outcomes.size());
  replays_ = replays;
  outcomes_ = outcomes;
  next_ = 0;
  if (replays.size() >= kernel_.lanes_least) verify_in_lanes();
  verify_in_pairs();
}

// The next replay whose ranges are in order; those before it get their outcomes.
std::optional<Verifier::Going> Verifier::begin_next() {
  while (next_ < replays_.size()) {
    const std::size_t index = next_++;
    outcomes_[index] = {};
    outcomes_[index].flaw = check_ranges(replays_[index]);
    if (!outcomes_[index].flaw) return Going{index, begin(replays_[index])};
  }
  return std::nullopt;
}

void Verifier::end(const Going& going) {
  outcomes_[going.index] = judge(replays_[going.index], going.walk);
}

// As long as enough lanes are busy; who is still on the way then stays in its lane.
void Verifier::verify_in_lanes() {
  for (;;) {
    for (std::uint32_t lane = 0; lane < lanes_.count(); ++lane) {
      if (lanes_.is_busy(lane)) continue;
      const std::optional<Going> going = begin_next();
      if (!going) break;
      who_[lane] = going->index;
      lanes_.put(lane, going->walk);
    }
    if (lanes_.busy() < kernel_.lanes_least) return;
    lanes_.run(coherence::states_per_attempt);
    for (std::uint32_t lane = 0; lane < lanes_.count(); ++lane) {
      if (lanes_.has_ended(lane)) end({who_[lane], lanes_.take(lane)});
    }
  }
}

std::optional<Verifier::Going> Verifier::next_going() {
  for (std::uint32_t lane = 0; lanes_.busy() > 0 && lane < lanes_.count(); ++lane) {
    if (lanes_.is_busy(lane)) return Going{who_[lane], lanes_.take(lane)};
  }
  return begin_next();
}

void Verifier::verify_in_pairs() {
  std::optional<Going> first = next_going();
  std::optional<Going> second = next_going();
  while (first) {
    kernel_.walk(tables(), &first->walk, second ? &second->walk : nullptr);
    if (second && has_ended(second->walk)) {
      end(*second);
      second = next_going();
    }
    if (has_ended(first->walk)) {
      end(*first);
      first = second ? std::exchange(second, next_going()) : next_going();
    }
  }
}

}  // namespace bloom
