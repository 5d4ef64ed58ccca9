// BloomSearch: one worker's walk over its attempts. A kernel proposes, the reference disposes.
//
// Attempts are numbered. Of w workers, worker i takes i, i + w, i + 2w, … and never starts over, so
// no two threads ever try the same attempt, and none is tried twice, whatever job comes again.
//
// Every proof that leaves is replayed by coherence::verify first: a pool ends the connection over a
// false one. A replay takes one to four milliseconds, about fifteen times what its rounds cost the
// fastest kernel: a few ten-thousandths of the mining at the few shares a minute that pools aim
// for, and 1.5 % at the easiest target that they give (512 blooms a share), which is what a fast
// miner may have in its first seconds. Where nearly every bloom is a share (regtest) only as many
// are replayed as are wanted, the best first: those that may be blocks of the proof chain, which
// are wanted for longer than others (Appetite).
//
// Thread: one owner; no clock, no IO.
// Source: docs/coherence.md, sections 10, 11 and 13.
#pragma once

#include "common/bloom/bloom.h"
#include "miner/coherence_work.h"
#include "miner/work.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace miner {

class BloomSearch {
 public:
  // Proofs that are confirmed in one step; what else was found in it is passed over. Of one job no
  // more than one can become the chain's next block.
  static constexpr std::size_t confirmed_per_step_max = 4;

  struct Verbs {
    std::function<Appetite()> appetite;     // asked before each replay
    std::function<bool(FoundProof)> found;  // false: no more are wanted from this step
  };

  // REQUIRES: worker < workers.
  BloomSearch(std::uint32_t worker, std::uint32_t workers, const bloom::Kernel& kernel);

  // What to try from here on; null: nothing. A work of the same job, with another target say, goes
  // on where the one before it was; another job begins at once.
  void set_work(std::shared_ptr<const CoherenceWork> work);
  bool active() const { return work_ != nullptr; }

  // Advances every lane by `rounds` states. Nothing happens if not active.
  void step(std::uint32_t rounds, const Verbs& verbs);

  const bloom::Miner::Counters& counters() const { return miner_.counters(); }
  const bloom::Miner& miner() const { return miner_; }
  // Blooms that met the target and that the reference does not have: a faulty kernel.
  std::uint64_t wrong_blooms() const { return wrong_blooms_; }

 private:
  struct Candidate {
    coherence::Claim claim;
    crypto::Digest work_hash{};
    base::U256 value;  // of the work hash
  };

  void look_at(const bloom::Finished& finished);

  bloom::Miner miner_;
  const bloom::Miner::Sink sink_;
  std::shared_ptr<const CoherenceWork> work_;
  coherence::Job job_;  // that miner_ has, if any
  bool has_job_ = false;
  std::vector<Candidate> candidates_;  // of this step
  std::uint64_t wrong_blooms_ = 0;
};

}  // namespace miner
