// Cores, manners and memory: what texts mean, and what the system then says of a thread.
#include "miner/machine.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <thread>

namespace miner {
namespace {

using Cores = std::vector<std::uint32_t>;

TEST_CASE("cores as a list or as cpuminer's mask") {
  CHECK_EQ(parse_cores("0").value(), Cores{0});
  CHECK_EQ(parse_cores("0,2-4,3,1").value(), Cores{0, 2, 3, 4, 1});
  CHECK_EQ(parse_cores("1023").value(), Cores{1023});
  CHECK_EQ(parse_cores("0x1").value(), Cores{0});
  CHECK_EQ(parse_cores("0xd").value(), Cores{0, 2, 3});
  CHECK_EQ(parse_cores("0x8000000000000000").value(), Cores{63});
  for (const char* text : {"", ",", "1,", "-1", "3-1", "1024", "0-1024", "a", "1 ", "0x", "0x0",
                           "0x10000000000000000", "0xg", "18446744073709551616"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_cores(text).has_value());
  }
}

TEST_CASE("a control group's quota in cores") {
  CHECK_EQ(cores_of_quota("150000 100000\n").value(), 2);
  CHECK_EQ(cores_of_quota("200000 100000").value(), 2);
  CHECK_EQ(cores_of_quota("1000 100000").value(), 1);
  CHECK_EQ(cores_of_quota("0 100000").value(), 1);
  CHECK_EQ(cores_of_quota("18446744073709551 1").value(), core_number_max + 1);
  CHECK_FALSE(cores_of_quota("max 100000\n").has_value());
  CHECK_FALSE(cores_of_quota("100000 0").has_value());
  CHECK_FALSE(cores_of_quota("100000").has_value());
  CHECK_FALSE(cores_of_quota("").has_value());
}

TEST_CASE("a thread stands back and stays where it is told") {
  const std::uint32_t usable = usable_cores();
  CHECK_GE(usable, 1);
  cpu_set_t mine;
  REQUIRE_EQ(sched_getaffinity(0, sizeof mine, &mine), 0);
  std::uint32_t core = 0;
  while (!CPU_ISSET(core, &mine)) ++core;

  int nice = 0;
  cpu_set_t after;
  CPU_ZERO(&after);
  std::thread([&] {
    apply_manners({19, core});
    nice = getpriority(PRIO_PROCESS, 0);
    (void)sched_getaffinity(0, sizeof after, &after);
  }).join();
  CHECK_EQ(nice, 19);
  CHECK_EQ(CPU_COUNT(&after), 1);
  CHECK(CPU_ISSET(core, &after));

  cpu_set_t still;  // of this thread: unchanged
  REQUIRE_EQ(sched_getaffinity(0, sizeof still, &still), 0);
  CHECK(CPU_EQUAL(&mine, &still));
  CHECK_LT(getpriority(PRIO_PROCESS, 0), 19);
}

TEST_CASE("a core that the machine has not is no reason to stop") {
  std::thread([] { apply_manners({10, core_number_max}); }).join();
}

TEST_CASE("threads within a memory limit") {
  constexpr std::uint64_t gib = std::uint64_t{1} << 30;
  CHECK_EQ(threads_within(60 * gib, 8), 8);
  CHECK_EQ(threads_within(memory_base_bytes + 3 * memory_bytes_per_thread, 8), 3);
  CHECK_EQ(threads_within(memory_base_bytes + 3 * memory_bytes_per_thread - 1, 8), 2);
  CHECK_EQ(threads_within(memory_base_bytes, 8), 1);
  CHECK_EQ(threads_within(0, 8), 1);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("who asks for more memory than the limit ends with the exit code that was said") {
  const pid_t child = fork();
  REQUIRE_GE(child, 0);
  if (child == 0) {
    (void)!freopen("/dev/null", "w", stderr);  // it says why
    if (limit_memory(memory_base_bytes, 44)) std::_Exit(1);
    volatile const std::size_t much = std::size_t{4} * memory_base_bytes;
    const std::unique_ptr<char[]> block(new char[much]);
    std::_Exit(block[0] == 1 ? 2 : 3);
  }
  int status = 0;
  REQUIRE_EQ(waitpid(child, &status, 0), child);
  REQUIRE(WIFEXITED(status));
  CHECK_EQ(WEXITSTATUS(status), 44);
}
#endif

}  // namespace
}  // namespace miner
