#include "common/uv/thread_priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace uv {
namespace {

constexpr int nicest = 19;
constexpr std::chrono::nanoseconds slice = std::chrono::microseconds(100);

// As the system call takes it (sched_setattr(2)); the C library has no name for it.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = SCHED_OTHER;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = static_cast<std::uint64_t>(slice.count());
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};

}  // namespace

// On Linux all of this is a thread's own.
void lower_thread_priority(int nicer_by) {
  const auto self = static_cast<id_t>(::gettid());
  SchedulingAttributes attributes;
  attributes.nice = std::min(::getpriority(PRIO_PROCESS, self) + nicer_by, nicest);
  (void)::setpriority(PRIO_PROCESS, self, attributes.nice);
  (void)::syscall(SYS_sched_setattr, 0, &attributes, 0U);
}

}  // namespace uv
