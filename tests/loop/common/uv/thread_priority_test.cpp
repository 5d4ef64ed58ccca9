#include "common/uv/thread_priority.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

namespace {

int nice_of_this_thread() { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); }

}  // namespace

TEST_CASE("a thread that steps back does so alone, and no further than it can") {
  const int before = nice_of_this_thread();
  int once = 0;
  int twice = 0;
  std::thread([&] {
    uv::lower_thread_priority(5);
    once = nice_of_this_thread();
    uv::lower_thread_priority(100);
    twice = nice_of_this_thread();
  }).join();
  CHECK_EQ(once, std::min(before + 5, 19));
  CHECK_EQ(twice, 19);
  CHECK_EQ(nice_of_this_thread(), before);
}
