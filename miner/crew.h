// Crew: the threads that mine, of both kinds of work, as one: the same orders for all, one mailbox
// for what they find, their sums and rates.
//
// Thread: the loop's, which also destroys it (and joins). The threads start at once, wait for work,
//         and tell through the mailbox.
#pragma once

#include "miner/bloom_worker.h"
#include "miner/status.h"
#include "miner/worker.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace miner {

// Null where there are no threads for it.
struct MinerKernels {
  const ScanKernel* scan = nullptr;
  const bloom::Kernel* bloom = nullptr;
};

struct CrewSettings {
  std::uint32_t threads = 1;            // that hash
  std::uint32_t coherence_threads = 0;  // that mine coherence work
  int nice = nice_default;
  // Thread i stays on core i modulo their number, those of coherence work counted after the others;
  // empty: the system decides.
  std::vector<std::uint32_t> cores = {};
  std::uint32_t nonce_step = 1;  // of a NonceOrder
};

class Crew {
 public:
  using OnMessage = std::function<void(WorkerMessage&&)>;

  // `loop` and the kernels outlive it.
  Crew(uv::Loop& loop, const CrewSettings& settings, const MinerKernels& kernels,
       OnMessage on_message);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // Null: nothing.
  void set_work(const std::shared_ptr<const Work>& work);
  void set_coherence_work(const std::shared_ptr<const CoherenceWork>& work);
  void set_appetite(Appetite shares, Appetite proofs);
  // Begins to stop without waiting.
  void request_stop();

  bool mines_coherence() const { return !bloom_workers_.empty(); }
  // The pool's answer to a share that one of the threads found.
  void count_answer(const FoundShare& share, bool accepted);
  // Of all threads together; the best attempt of any.
  BloomProgress bloom_progress() const;
  // Call it every second, and before the last describe().
  void sample_rates(base::MonoTime now);
  // Fills in what the threads know: counts, rates, kernels; status.coherence where it is mined.
  void describe(Status& status) const;

 private:
  std::uint64_t hashes() const;
  ThreadManners manners_of(std::uint32_t thread) const;

  const CrewSettings settings_;
  const MinerKernels kernels_;
  RateMeter rate_;
  struct Answered {
    std::uint64_t accepted = 0;
    std::uint64_t rejected = 0;
    double difficulty_accepted = 0;
  };

  std::vector<RateMeter> thread_rates_;
  std::vector<Answered> answered_;  // of each thread
  RateMeter rounds_rate_;
  RateMeter attempts_rate_;
  WorkerGuide guide_;
  WorkerGuide bloom_guide_;
  WorkerOutbox found_;
  // Last: they post to found_.
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<BloomWorker>> bloom_workers_;
};

}  // namespace miner
