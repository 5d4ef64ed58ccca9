// The choice among bloom kernels, made once at startup, for mining and for verification.
//
// To add one: a file kernel_<isa>.cpp, a row in kernels(), a compile option in CMakeLists.txt. The
// tests run every supported row against the reference, and the self test runs it before use.
//
// Thread: pure.
#pragma once

#include "common/bloom/walk.h"
#include "common/coherence/attempt.h"
#include "common/crypto/cpu_features.h"

#include <functional>
#include <span>
#include <string_view>

namespace bloom {

struct Kernel {
  std::string_view name;  // "x86_avx512", "x86_avx2", "arm_neon", "portable"
  bool (*supported)(const crypto::CpuFeatures&);
  LaneKernel lanes;
  std::uint32_t lanes_least;  // so many attempts end sooner in lanes than as walks, two at a time
  WalkFunction* walk;
};

// Every kernel compiled in, fastest first; the portable one is last and runs anywhere.
std::span<const Kernel> kernels();

// The first kernel `cpu` supports or, when `forced` is not empty, the one of that name. Null when
// there is none such. Pure, so a test can pretend to be any processor.
const Kernel* pick_kernel(std::span<const Kernel> kernels, const crypto::CpuFeatures& cpu,
                          std::string_view forced);

// Compares both of a kernel's ways with the reference, in every lane. REQUIRES: the processor
// supports the kernel. A few milliseconds.
bool self_test(const Kernel& kernel);

// pick_kernel among the rows that also pass self_test; `on_failed` is told of each that does not.
const Kernel* pick_working_kernel(std::span<const Kernel> kernels, const crypto::CpuFeatures& cpu,
                                  std::string_view forced,
                                  const std::function<void(const Kernel&)>& on_failed);

// --- for those who drive a kernel ---

const Tables& tables();
// State 0 of an attempt. REQUIRES: level < coherence::levels, last_state < states_per_attempt.
Walk walk_from(const coherence::Phases& phases, std::uint32_t level, std::uint32_t last_state);
bool has_ended(const Walk& walk);  // bloomed, or at its last state
coherence::Phases phases_of(const Walk& walk);
// Of the last states, the newest at bloom_states - 1.
coherence::Order order_of(const Walk& walk, std::size_t i);
// REQUIRES: walk.coherent == 7.
coherence::Bloom bloom_of(const Walk& walk);

}  // namespace bloom
