// Attempts by the thousand: a miner's, and the replays of claims.
//
// Miner advances one attempt in each lane of a kernel and gives a lane that ended the next attempt.
// Verifier replays claims up to the state that they name and compares; what it says is what
// coherence::verify says of step (iv). It has many claims in a kernel's lanes, and few (or the last
// of many) as walks, two at a time. Start here.
//
// Thread: one per object; the objects share nothing.
// Source: docs/coherence.md, sections 4, 10 and 13.
#pragma once

#include "common/bloom/kernel.h"
#include "common/bloom/lanes.h"
#include "common/coherence/certificate.h"
#include "common/coherence/verify.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace bloom {

// An attempt at its end: with its first bloom, or void.
struct Finished {
  std::uint64_t attempt = 0;
  std::optional<coherence::Bloom> bloom;
};

class Miner {
 public:
  explicit Miner(const Kernel& kernel);

  // What ran is dropped. False, and nothing runs then: the job's params are not COH1's.
  bool set_job(const coherence::Job& job);
  // The attempts from the next one on: first, first + stride, first + 2 stride … (modulo 2^64).
  // Lanes that run go on.
  void start_at(std::uint64_t first, std::uint64_t stride = 1);
  std::uint64_t next_attempt() const { return next_attempt_; }

  // Advances every lane by `rounds_max` states. Attempts that end on the way are told to `sink` in
  // the order of their ends, and their lanes go on with the next ones. Allocates nothing. Does
  // nothing without a job. `sink` may not call this object.
  using Sink = std::function<void(const Finished&)>;
  void run(std::uint32_t rounds_max, const Sink& sink);

  struct Counters {
    std::uint64_t rounds = 0;    // steps of 63 oscillators, of all lanes
    std::uint64_t attempts = 0;  // that ended
    std::uint64_t blooms = 0;
  };
  const Counters& counters() const { return counters_; }

  // The most ordered of the running attempts' states: r in 1/65536. Zero if nothing runs.
  std::uint16_t best_r_q() const { return best().r_q; }
  // And the state in which it is.
  struct Best {
    std::uint32_t state = 0;
    std::uint16_t r_q = 0;
  };
  Best best() const;

 private:
  void refill(std::uint32_t lane);
  void finish(std::uint32_t lane, const Sink& sink);

  Lanes lanes_;
  std::vector<std::uint64_t> attempts_;  // of each lane
  std::optional<coherence::Job> job_;
  std::uint32_t level_ = 0;
  std::uint64_t next_attempt_ = 0;
  std::uint64_t stride_ = 1;
  Counters counters_;
};

// A claim and the job it is about.
struct Replay {
  coherence::Job job;
  coherence::Claim claim;
};

struct Outcome {
  std::optional<coherence::Flaw> flaw;        // none: the claim is true
  coherence::CertificateBytes certificate{};  // of a true claim; else zeros
};

class Verifier {
 public:
  explicit Verifier(const Kernel& kernel);

  // Outcome i is that of replay i. Looks at everything that the replay decides, and at params and
  // ranges, but not at the target (coherence::check_claim does).
  // REQUIRES: as many outcomes as replays.
  void verify(std::span<const Replay> replays, std::span<Outcome> outcomes);

 private:
  struct Going {  // a replay on its way
    std::size_t index = 0;
    Walk walk{};
  };
  std::optional<Going> begin_next();
  std::optional<Going> next_going();
  void end(const Going& going);
  void verify_in_lanes();
  void verify_in_pairs();

  const Kernel& kernel_;
  Lanes lanes_;
  std::vector<std::size_t> who_;  // the replay in each lane
  std::span<const Replay> replays_;
  std::span<Outcome> outcomes_;
  std::size_t next_ = 0;
};

}  // namespace bloom
