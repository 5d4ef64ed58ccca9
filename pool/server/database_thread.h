// DatabaseThread: a thread that may be stuck in a call to PostgreSQL when it should end.
//
// Thread: start() and stop() belong to the thread that owns it.
#pragma once

#include "common/log.h"
#include "pool/messages.h"

#include <chrono>
#include <functional>
#include <future>
#include <thread>
#include <utility>

namespace pool {

class DatabaseThread {
 public:
  void start(std::function<void()> run) {
    std::packaged_task<void()> task(std::move(run));
    done_ = task.get_future();
    thread_ = std::thread(std::move(task));
  }
  template <class Loop>
  void stop(Loop& loop) {
    loop.mailbox().post_reserved(Shutdown{});
    if (done_.wait_for(stop_deadline) == std::future_status::timeout) {
      LOG(warning, "database_hangs",
          {"effect", "its connection is cut; what is on disk ships later"});
      loop.interrupt();
    }
    thread_.join();
    done_.get();
  }

 private:
  // After the loop's own deadline; a PostgreSQL that hangs would else hold up the stop for ever.
  static constexpr auto stop_deadline = std::chrono::seconds{15};

  std::future<void> done_;
  std::thread thread_;
};

}  // namespace pool
