// What the system says of this process, as Prometheus's own client libraries report it.
//
// Errors: what can't be read is zero; a pool does not stop for want of a figure.
// Thread: any. Reads /proc and makes system calls: some microseconds.
#pragma once

#include <cstdint>

namespace pool {

struct ProcessFacts {
  std::int64_t started_us = 0;  // since 1970
  std::int64_t cpu_us = 0;      // user and system, of all threads
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t threads = 0;
  std::uint64_t descriptors = 0;      // open ones
  std::uint64_t descriptors_max = 0;  // the soft limit
};

ProcessFacts read_process_facts();

}  // namespace pool
