#include "miner/worker.h"

#include "common/base/assert.h"
#include "common/uv/clock.h"

#include <algorithm>
#include <utility>

namespace miner {
namespace {

constexpr std::uint32_t first_batch = 64 * scan_count_multiple;
constexpr std::uint32_t batch_max = 1U << 28;
constexpr std::chrono::nanoseconds batch_aim = std::chrono::milliseconds(10);

}  // namespace

Worker::Worker(std::uint32_t index, std::uint32_t workers, const ScanKernel& kernel,
               WorkerOutbox& outbox, const WorkerGuide& guide, const ThreadManners& manners,
               std::uint32_t nonce_step)
    : index_(index),
      outbox_(outbox),
      guide_(guide),
      manners_(manners),
      search_(index, workers, kernel, nonce_step),
      orders_(loop_, 1, [this](Order&& order) { on_order(std::move(order)); }),
      batch_(first_batch),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Worker::~Worker() {
  request_stop();
  thread_.join();
}

void Worker::request_stop() {
  thread_.request_stop();
  post(nullptr);  // wakes the loop if it waits
}

void Worker::post(std::shared_ptr<const Work> work) {
  const auto same = [](const Order&, const Order&) { return true; };
  ASSERT(orders_.post_latest(Order{std::move(work), uv::read_clock().mono}, same));
}

void Worker::run(const std::stop_token& stop) {
  apply_manners(manners_);
  while (!stop.stop_requested()) {
    if (search_.active()) {
      scan_batch();
      (void)loop_.run_once_nowait();
    } else {
      (void)loop_.run_once();
    }
  }
}

void Worker::on_order(Order&& order) {
  const bool was_active = search_.active();
  search_.set_work(std::move(order.work));
  if (!was_active) return;
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(uv::read_clock().mono -
                                                                          order.posted_at);
  if (took > switch_time_max()) switch_us_max_.store(took.count(), std::memory_order_relaxed);
}

void Worker::scan_batch() {
  const Appetite appetite = guide_.appetite.load(std::memory_order_relaxed);
  const base::MonoTime began = uv::read_clock().mono;
  const std::uint32_t tried = search_.step(batch_, appetite, [this](FoundShare share) {
    share.thread = index_;
    return outbox_.post(WorkerMessage(std::move(share)));
  });
  size_next_batch(uv::read_clock().mono - began, tried);
  hashes_.fetch_add(tried, std::memory_order_relaxed);
  wrong_proposals_.store(search_.wrong_proposals(), std::memory_order_relaxed);
  // A notice that finds no room is lost, and costs nothing.
  if (!search_.active()) (void)outbox_.post(WorkerMessage(SearchExhausted{index_}));
}

// At most doubled, so that one short measurement can't lead to one long batch.
void Worker::size_next_batch(std::chrono::nanoseconds took, std::uint32_t tried) {
  const double ratio = static_cast<double>(batch_aim.count()) /
                       static_cast<double>(std::max<std::int64_t>(took.count(), 1));
  const double wanted = static_cast<double>(tried) * std::min(ratio, 2.0);
  batch_ = static_cast<std::uint32_t>(
      std::clamp(wanted, static_cast<double>(scan_count_multiple), static_cast<double>(batch_max)));
}

}  // namespace miner
