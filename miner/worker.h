// Worker: one thread that hashes. It takes orders through its mailbox and posts what it finds to
// the miner loop's.
//
// The thread is a loop like every other: it looks into its mailbox between batches, and a batch is
// sized to last about 10 ms, so a new job reaches it within 50 ms, also where others want its core.
// Where the pool wants fewer shares than are found it keeps hashing, and leaves the rest
// unverified.
//
// Thread: the object belongs to the miner loop's thread, which also destroys it (and joins).
#pragma once

#include "common/base/time.h"
#include "common/uv/mailbox.h"
#include "miner/coherence_work.h"
#include "miner/machine.h"
#include "miner/search.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <variant>

namespace miner {

struct SearchExhausted {  // every unit of this worker's has been searched; it waits for a job
  std::uint32_t worker = 0;
};
using WorkerMessage = std::variant<FoundShare, SearchExhausted, FoundProof>;
using WorkerOutbox = uv::Mailbox<WorkerMessage>;

// What all workers read: written by the miner loop, relaxed, since any recent value will do.
struct WorkerGuide {
  std::atomic<Appetite> appetite{Appetite::shares};
};

class Worker {
 public:
  // `outbox` and `guide` outlive the worker. REQUIRES: index < workers; nonce_step is odd.
  Worker(std::uint32_t index, std::uint32_t workers, const ScanKernel& kernel, WorkerOutbox& outbox,
         const WorkerGuide& guide, const ThreadManners& manners = {}, std::uint32_t nonce_step = 1);
  // Within a batch's time.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Null: hash nothing. An order that still waits is replaced.
  void post(std::shared_ptr<const Work> work);
  // Begins to stop without waiting, so that many workers stop together.
  void request_stop();

  // Since the start.
  std::uint64_t hashes() const { return hashes_.load(std::memory_order_relaxed); }
  std::uint64_t wrong_proposals() const { return wrong_proposals_.load(std::memory_order_relaxed); }
  // The longest that it went on with what it had after another order was posted.
  std::chrono::microseconds switch_time_max() const {
    return std::chrono::microseconds(switch_us_max_.load(std::memory_order_relaxed));
  }

 private:
  struct Order {
    std::shared_ptr<const Work> work;
    base::MonoTime posted_at;
  };

  void run(const std::stop_token& stop);
  void on_order(Order&& order);
  void scan_batch();
  void size_next_batch(std::chrono::nanoseconds took, std::uint32_t tried);

  const std::uint32_t index_;
  WorkerOutbox& outbox_;
  const WorkerGuide& guide_;
  const ThreadManners manners_;
  Search search_;
  uv::Loop loop_;
  uv::Mailbox<Order> orders_;
  std::uint32_t batch_;
  // Written once per batch, so where they lie does not matter.
  std::atomic<std::uint64_t> hashes_{0};
  std::atomic<std::uint64_t> wrong_proposals_{0};
  std::atomic<std::int64_t> switch_us_max_{0};
  std::jthread thread_;  // last: everything above is there before it starts
};

}  // namespace miner
