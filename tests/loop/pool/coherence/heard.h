// Heard: what a loop's thread tells, gathered for the test's thread, which waits for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include <doctest/doctest.h>

namespace coherence_test {

class Heard {
 public:
  // On the loop's thread.
  template <class Change>
  void note(Change change) {
    const std::scoped_lock lock(mutex_);
    change();
    changed_.notify_all();
  }
  // On the test's: until `condition`, which may read what was noted, holds; fails after 20 s.
  template <class Condition>
  void wait_until(Condition condition) {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, std::chrono::seconds{20}, condition));
  }
  template <class Read>
  auto read(Read read) {
    const std::scoped_lock lock(mutex_);
    return read();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace coherence_test
