// VerifierLoop: a thread 'verifier'. Replays the proofs that shards ask about, all that wait
// together, and tells each shard its verdicts.
//
// Its queue is bounded: offer() says at once when as many wait as may, and the shard asks its miner
// to submit again. It runs at a lower priority than the others, so that however many proofs come,
// shares and jobs do not wait for them.
//
// Stop:   after the shards, which wait for their verdicts; what is asked later is dropped.
// Thread: offer() and mailbox().post*() any; run() is the thread. Hooks are called on it.
#pragma once

#include "common/bloom/bloom.h"
#include "common/uv/loop.h"
#include "common/uv/mailbox.h"
#include "pool/messages.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace pool {

class VerifierLoop {
 public:
  struct Hooks {
    std::function<void(ShardIndex, const ProofVerified&)> verdict;
    std::function<void(const VerifierCounts&)> counts;  // about once a second, where they changed
  };

  // `kernel` has passed its self test, and outlives the loop.
  VerifierLoop(std::uint32_t index, const bloom::Kernel& kernel, Hooks hooks);
  VerifierLoop(const VerifierLoop&) = delete;
  VerifierLoop& operator=(const VerifierLoop&) = delete;

  // False: full, and the proof was not taken.
  [[nodiscard]] bool offer(ProofToVerify proof);
  void run();  // until Shutdown
  uv::Mailbox<VerifierMessage>& mailbox() { return mailbox_; }

 private:
  void on_message(VerifierMessage&& message);
  void verify_waiting();
  void verify_batch(std::size_t first, std::size_t count);
  void tell_counts();

  const Hooks hooks_;
  bloom::Verifier verifier_;
  std::atomic<std::size_t> taken_{0};  // offered and not settled
  std::vector<ProofToVerify> waiting_;
  std::vector<bloom::Replay> replays_;
  std::vector<bloom::Outcome> outcomes_;
  VerifierCounts counts_;
  VerifierCounts told_;
  uv::Loop loop_;
  uv::Timer tick_;
  uv::TurnEnd turn_end_;
  uv::Mailbox<VerifierMessage> mailbox_;
};

}  // namespace pool
