#include "miner/machine.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>
#include <string>
#include <thread>

namespace miner {
namespace {

std::atomic<int> out_of_memory_code{0};

// No allocation, no flushing of half-made output: there is no memory for either.
[[noreturn]] void end_out_of_memory() {
  constexpr std::string_view text = "phaseminer: the memory limit is reached (--max-memory-gb)\n";
  (void)!::write(STDERR_FILENO, text.data(), text.size());
  std::_Exit(out_of_memory_code.load());
}

std::optional<std::uint64_t> parse_natural(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::vector<std::uint32_t>> cores_of_mask(std::string_view digits) {
  const auto mask = parse_natural(digits, 16);
  if (!mask || *mask == 0) return std::nullopt;
  std::vector<std::uint32_t> cores;
  for (std::uint64_t rest = *mask; rest != 0; rest &= rest - 1) {
    cores.push_back(static_cast<std::uint32_t>(std::countr_zero(rest)));
  }
  return cores;
}

// "3" or "2-5", appended.
bool append_range(std::string_view text, std::vector<std::uint32_t>& cores) {
  const std::size_t dash = text.find('-');
  const auto first = parse_natural(text.substr(0, dash), 10);
  const auto last =
      dash == std::string_view::npos ? first : parse_natural(text.substr(dash + 1), 10);
  if (!first || !last || *first > *last || *last > core_number_max) return false;
  for (std::uint64_t core = *first; core <= *last; ++core) {
    const auto number = static_cast<std::uint32_t>(core);
    if (std::find(cores.begin(), cores.end(), number) == cores.end()) cores.push_back(number);
  }
  return true;
}

std::uint32_t cores_by_affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    return static_cast<std::uint32_t>(CPU_COUNT(&set));
  return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

void apply_manners(const ThreadManners& manners) {
  (void)setpriority(PRIO_PROCESS, 0, manners.nice);
  if (!manners.core) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(*manners.core, &set);
  (void)sched_setaffinity(0, sizeof set, &set);
}

std::optional<std::uint32_t> cores_of_quota(std::string_view cpu_max) {
  while (!cpu_max.empty() && cpu_max.back() == '\n') cpu_max.remove_suffix(1);
  const std::size_t space = cpu_max.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto quota = parse_natural(cpu_max.substr(0, space), 10);
  const auto period = parse_natural(cpu_max.substr(space + 1), 10);
  if (!quota || !period || *period == 0) return std::nullopt;  // "max 100000"
  const std::uint64_t cores = std::max<std::uint64_t>(1, (*quota + *period - 1) / *period);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(cores, core_number_max + 1));
}

std::uint32_t usable_cores() {
  std::uint32_t cores = cores_by_affinity();
  // Where a container sees its own group; outside one the file is not there.
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string line;
  if (std::getline(file, line)) cores = std::min(cores, cores_of_quota(line).value_or(cores));
  return std::max(1U, cores);
}

std::optional<std::vector<std::uint32_t>> parse_cores(std::string_view text) {
  if (text.starts_with("0x")) return cores_of_mask(text.substr(2));
  std::vector<std::uint32_t> cores;
  while (true) {
    const std::size_t comma = text.find(',');
    if (!append_range(text.substr(0, comma), cores)) return std::nullopt;
    if (comma == std::string_view::npos) return cores;
    text.remove_prefix(comma + 1);
  }
}

std::uint32_t threads_within(std::uint64_t memory_bytes_max, std::uint32_t threads) {
  if (memory_bytes_max <= memory_base_bytes) return 1;
  const std::uint64_t fitting = (memory_bytes_max - memory_base_bytes) / memory_bytes_per_thread;
  return static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(threads, 1, std::max<std::uint64_t>(fitting, 1)));
}

std::optional<std::string> limit_memory(std::uint64_t bytes, int exit_code) {
  const rlimit limit{bytes, bytes};
  if (setrlimit(RLIMIT_DATA, &limit) != 0) {
    return fmt::format("the memory limit can't be set: {}", std::strerror(errno));
  }
  out_of_memory_code = exit_code;
  std::set_new_handler(end_out_of_memory);
  return std::nullopt;
}

}  // namespace miner
