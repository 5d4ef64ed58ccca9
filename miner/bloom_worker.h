// BloomWorker: one thread that mines coherence work. It takes orders through its mailbox and posts
// the proofs it finds to the miner loop's, as Worker does with shares.
//
// A batch is sized to last about 5 ms, less than an attempt takes in every lane of a kernel, so a
// new job reaches the oscillators within that, and a replay's time.
//
// Thread: the object belongs to the miner loop's thread, which also destroys it (and joins).
#pragma once

#include "common/uv/mailbox.h"
#include "miner/bloom_search.h"
#include "miner/worker.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>

namespace miner {

// What a worker has done since the start, and its most coherent attempt under way.
struct BloomProgress {
  std::uint64_t rounds = 0;
  std::uint64_t attempts = 0;
  std::uint64_t blooms = 0;
  std::uint64_t wrong_blooms = 0;
  std::uint32_t best_round = 0;
  std::uint16_t best_r_q = 0;  // 0: nothing runs
};

class BloomWorker {
 public:
  // `outbox` and `guide` outlive the worker. REQUIRES: index < workers.
  BloomWorker(std::uint32_t index, std::uint32_t workers, const bloom::Kernel& kernel,
              WorkerOutbox& outbox, const WorkerGuide& guide, const ThreadManners& manners = {});
  // Within a batch's time.
  ~BloomWorker();
  BloomWorker(const BloomWorker&) = delete;
  BloomWorker& operator=(const BloomWorker&) = delete;

  // Null: mine nothing. An order that still waits is replaced.
  void post(std::shared_ptr<const CoherenceWork> work);
  // Begins to stop without waiting, so that many workers stop together.
  void request_stop();

  BloomProgress progress() const;

 private:
  struct Order {
    std::shared_ptr<const CoherenceWork> work;
  };

  void run(const std::stop_token& stop);
  void run_batch(const BloomSearch::Verbs& verbs);
  void publish();

  WorkerOutbox& outbox_;
  const WorkerGuide& guide_;
  const ThreadManners manners_;
  BloomSearch search_;
  uv::Loop loop_;
  uv::Mailbox<Order> orders_;
  std::uint32_t batch_;  // rounds of each lane
  // Written once per batch, so where they lie does not matter.
  std::atomic<std::uint64_t> rounds_{0};
  std::atomic<std::uint64_t> attempts_{0};
  std::atomic<std::uint64_t> blooms_{0};
  std::atomic<std::uint64_t> wrong_blooms_{0};
  std::atomic<std::uint64_t> best_{0};  // round << 16 | r_q, so that the two belong together
  std::jthread thread_;                 // last: everything above is there before it starts
};

}  // namespace miner
