// CoherenceThreads: the threads of coherence work, as server.cpp starts and stops them: the
// coherence loop, the chain's thread, and the verifiers.
//
// Start:  before the shards, which ask verifiers.
// Stop:   after the shards, which wait for verdicts.
// Thread: verify() and tell() any, also before start() and after stop(); the others the owner's.
#pragma once

#include "common/base/result.h"
#include "pool/coherence/coherence_loop.h"
#include "pool/coherence/verifier_loop.h"
#include "pool/config/config.h"
#include "pool/messages.h"
#include "pool/server/database_thread.h"
#include "pool/store/chain_loop.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace pool {

class CoherenceThreads {
 public:
  // Called on these threads.
  struct Hooks {
    std::function<void(const NewCoherenceJob&)> job;  // to every shard
    std::function<void(ShardIndex, const ProofVerified&)> verdict;
    std::function<void(const CoherenceTip&)> tip;        // to the node loop
    std::function<void(const CoherenceStatus&)> status;  // to http
    std::function<void(JournalAppend)> journal;          // events; may be lost
  };

  // Error: one line; no kernel of this program verifies rightly on this machine.
  [[nodiscard]] static base::Result<std::unique_ptr<CoherenceThreads>, std::string> open(
      const Config& config, const JournalUuid& journal, std::uint64_t random, Hooks hooks);
  CoherenceThreads(const CoherenceThreads&) = delete;
  CoherenceThreads& operator=(const CoherenceThreads&) = delete;

  void start();
  void stop();

  // False: every verifier is full.
  [[nodiscard]] bool verify(const ProofToVerify& proof);
  void tell(const BitcoinTip& tip);
  void tell(const JournalHead& head);
  void tell(const InstanceChanged& changed);

 private:
  CoherenceThreads(const Config& config, const JournalUuid& journal, std::uint64_t random,
                   const bloom::Kernel& kernel, Hooks hooks);

  const Hooks hooks_;
  std::vector<std::unique_ptr<VerifierLoop>> verifiers_;
  std::unique_ptr<ChainLoop> chain_;
  std::unique_ptr<CoherenceLoop> coherence_;
  std::vector<std::thread> verifier_threads_;
  DatabaseThread chain_thread_;
  std::thread coherence_thread_;
};

}  // namespace pool
