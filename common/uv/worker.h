// Worker: a thread of its own for what may block (a file's fsync); the loop hears when it is done.
//
// Not libuv's pool: that is one for the whole process, four threads wide, and looks up host names
// as well, so a disk that hangs would hold up connections to nodes which have names. Work runs in
// the order given, one at a time.
//
// `work` runs on the worker's thread and shares nothing with the loop but what it was given;
// `on_done` runs on the loop's thread afterwards. Neither may throw.
//
// Thread: the loop's, which never waits here but in the destructor: that finishes all the work
//         given, and after it no `on_done` comes.
#pragma once

#include "common/uv/loop.h"
#include "common/uv/mailbox.h"

#include <cstddef>
#include <functional>
#include <thread>

namespace uv {

class Worker {
 public:
  // `jobs_max` bounds what may wait; the caller keeps to it.
  Worker(Loop& loop, std::size_t jobs_max);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void run(std::function<void()> work, std::function<void()> on_done);

 private:
  struct Job {
    std::function<void()> work;  // empty: the end
    std::function<void()> on_done;
  };

  void on_job(Job&& job);

  Mailbox<Job> done_;
  Loop own_loop_;
  Mailbox<Job> jobs_;
  std::thread thread_;
};

}  // namespace uv
