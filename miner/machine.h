// What the miner asks of the machine: how many cores it may use, on which of them a thread stays,
// how it stands back for others, how much memory the process may have.
//
// Thread: manners are applied by the thread they are for; the memory limit by main, before there
//         are others.
// Errors: what the system refuses is a sentence for the operator, or changes nothing that matters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace miner {

inline constexpr int nice_default = 10;

// How a thread that mines behaves towards everything else.
struct ThreadManners {
  int nice = nice_default;            // it takes what others leave: the pool on the same machine,
                                      // too, stays quick
  std::optional<std::uint32_t> core;  // it stays on this one; none: on any
};

// By the thread itself: on Linux, both hold for the calling thread alone. A refusal is no matter:
// it mines all the same.
void apply_manners(const ThreadManners& manners);

// Cores that this process may run on (its affinity), at most as many as the control group's quota
// pays for; at least 1.
std::uint32_t usable_cores();

// Whole cores that a control group's cpu.max pays for, rounded up ("150000 100000": 2); none
// without a quota.
std::optional<std::uint32_t> cores_of_quota(std::string_view cpu_max);

// "0,2-3" or a mask as cpuminer has it, "0xd": the cores, in order. None: it is neither.
std::optional<std::vector<std::uint32_t>> parse_cores(std::string_view text);
inline constexpr std::uint32_t core_number_max = 1023;  // what a cpu_set_t can say

// What the program takes before it mines, and with each thread (its stack, its part of the heap).
inline constexpr std::uint64_t memory_base_bytes = std::uint64_t{128} << 20;
inline constexpr std::uint64_t memory_bytes_per_thread = std::uint64_t{16} << 20;

// As many of `threads` as fit the limit, at least 1.
std::uint32_t threads_within(std::uint64_t memory_bytes_max, std::uint32_t threads);

// From here on the process has at most so many bytes of memory of its own (RLIMIT_DATA); it ends
// with one line on stderr and `exit_code` when it asks for more. The error says why not.
[[nodiscard]] std::optional<std::string> limit_memory(std::uint64_t bytes, int exit_code);

}  // namespace miner
