#include "common/uv/worker.h"

#include <utility>

namespace uv {

Worker::Worker(Loop& loop, std::size_t jobs_max)
    : done_(
          loop, 1, [](Job&& job) { job.on_done(); }, jobs_max),
      jobs_(
          own_loop_, 1, [this](Job&& job) { on_job(std::move(job)); }, jobs_max + 1),
      thread_([this] { own_loop_.run(); }) {}

Worker::~Worker() {
  jobs_.post_reserved({});
  thread_.join();
}

void Worker::run(std::function<void()> work, std::function<void()> on_done) {
  jobs_.post_reserved({std::move(work), std::move(on_done)});
}

void Worker::on_job(Job&& job) {
  if (!job.work) return own_loop_.stop();
  job.work();
  job.work = nullptr;  // what it holds may be large
  done_.post_reserved(std::move(job));
}

}  // namespace uv
