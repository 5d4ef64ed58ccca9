// Later: what is to be done after a while, unless it has been done before.
//
// Bounds: limits::http_later_max; what is one too many is done at once.
// Time:   an argument.
// Thread: the web loop's.
#pragma once

#include "common/base/time.h"
#include "pool/core/limits.h"

#include <functional>
#include <map>
#include <utility>

namespace pool {

class Later {
 public:
  using Task = std::function<void()>;

  void add(base::MonoTime at, Task task) {
    if (tasks_.size() >= limits::http_later_max) return task();
    tasks_.emplace(at, std::move(task));
  }
  // In the order of their times; a task may add others.
  void run_due(base::MonoTime now) {
    while (!tasks_.empty() && tasks_.begin()->first <= now) {
      const Task task = std::move(tasks_.begin()->second);
      tasks_.erase(tasks_.begin());
      task();
    }
  }
  bool is_empty() const { return tasks_.empty(); }

 private:
  std::multimap<base::MonoTime, Task> tasks_;
};

}  // namespace pool
