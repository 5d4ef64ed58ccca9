#include "pool/http/process_facts.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace pool {

TEST_CASE("the process tells of itself") {
  const ProcessFacts facts = read_process_facts();
  const auto now_us = std::chrono::duration_cast<std::chrono::microseconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
  CHECK_GT(facts.started_us, now_us - 86'400'000'000);
  CHECK_LE(facts.started_us, now_us + 2'000'000);  // the boot time is known to a second
  CHECK_GE(facts.resident_bytes, 100'000);
  CHECK_GT(facts.virtual_bytes, facts.resident_bytes);
  CHECK_GE(facts.threads, 1);
  CHECK_GE(facts.descriptors, 3);
  CHECK_GT(facts.descriptors_max, facts.descriptors);
}

TEST_CASE("descriptors and threads are counted as they come and go") {
  const ProcessFacts before = read_process_facts();
  const int descriptor = ::open("/dev/null", O_RDONLY);
  REQUIRE(descriptor >= 0);
  CHECK_EQ(read_process_facts().descriptors, before.descriptors + 1);
  ::close(descriptor);
  CHECK_EQ(read_process_facts().descriptors, before.descriptors);
  std::jthread other([](std::stop_token stop) {
    while (!stop.stop_requested()) std::this_thread::yield();
  });
  CHECK_EQ(read_process_facts().threads, before.threads + 1);
}

TEST_CASE("time that is spent is counted") {
  const ProcessFacts before = read_process_facts();
  ProcessFacts after;
  do {
    after = read_process_facts();  // which is work
  } while (after.cpu_us < before.cpu_us + 20'000);
  CHECK_GE(after.cpu_us, before.cpu_us + 20'000);
}

}  // namespace pool
