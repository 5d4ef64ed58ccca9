#include "common/bloom/kernel.h"
#include "common/crypto/kernel_choice.h"

#include "common/base/assert.h"
#include "common/bloom/lanes.h"

#include <algorithm>
#include <vector>

namespace bloom {

// Each in its own file, so that it can be compiled with flags of its own.
extern const LaneKernel lanes_portable;
WalkFunction walk_portable;
#if defined(__aarch64__)
extern const LaneKernel lanes_arm_neon;
WalkFunction walk_arm_neon;
#endif
#if defined(__x86_64__)
extern const LaneKernel lanes_x86_avx512;
WalkFunction walk_x86_avx512;
extern const LaneKernel lanes_x86_avx2;
WalkFunction walk_x86_avx2;
#endif

static_assert(oscillators == coherence::oscillators);
static_assert(bloom_states == coherence::bloom_states);

namespace {

Tables make_tables() {
  Tables tables{};
  std::copy(coherence::frequencies.begin(), coherence::frequencies.end(), tables.frequencies);
  std::copy(coherence::gate_table.begin(), coherence::gate_table.end(), tables.gate_growth);
  tables.r2_coherent = coherence::r2_coherent;
  return tables;
}

// --- self test: attempts of no job, and what the reference makes of them ---

constexpr std::uint32_t test_states = 90;
constexpr std::uint32_t test_stop = 31;  // lanes are looked at on the way, too

// Phases that are spread at random for odd numbers, and bunched up for even ones: those bloom soon.
coherence::Phases test_phases(std::uint32_t number) {
  coherence::Phases phases;
  std::uint32_t x = number * 0x9E3779B9U + 1;
  for (std::uint32_t& phase : phases) {
    x = x * 1664525U + 1013904223U;
    phase = number % 2 == 0 ? number * 0x10000000U + x / 8 : x ^ (x >> 15);
  }
  return phases;
}

struct Expected {
  coherence::Phases phases{};
  coherence::Order order{};
  std::uint32_t state = 0;
  std::optional<coherence::Bloom> bloom;
};

Expected reference(std::uint32_t number, std::uint32_t last_state) {
  Expected expected;
  expected.bloom = coherence::run(
      test_phases(number), number % coherence::levels, last_state,
      [&](std::uint32_t state, const coherence::Order& order, const coherence::Phases& phases) {
        expected.state = state;
        expected.order = order;
        expected.phases = phases;
      });
  return expected;
}

bool matches(const Walk& walk, const Expected& expected) {
  if (walk.state != expected.state || phases_of(walk) != expected.phases) return false;
  if (order_of(walk, bloom_states - 1) != expected.order) return false;
  const bool bloomed = walk.coherent == bloom_states;
  if (bloomed != expected.bloom.has_value()) return false;
  return !bloomed || bloom_of(walk) == *expected.bloom;
}

Walk test_walk(std::uint32_t number) {
  // Each ends at another state.
  return walk_from(test_phases(number), number % coherence::levels, test_states + number);
}

bool lanes_match(const Kernel& kernel) {
  Lanes lanes(kernel);
  for (std::uint32_t lane = 0; lane < lanes.count(); ++lane) lanes.put(lane, test_walk(lane));
  while (lanes.busy() > 0) {
    lanes.run(test_stop);
    for (std::uint32_t lane = 0; lane < lanes.count(); ++lane) {
      if (!lanes.is_busy(lane)) continue;
      const Walk walk = lanes.has_ended(lane) ? lanes.take(lane) : lanes.peek(lane);
      if (walk.state > walk.last_state || !matches(walk, reference(lane, walk.state))) return false;
    }
  }
  return true;
}

bool walks_match(const Kernel& kernel) {
  for (std::uint32_t number = 0; number < 4; ++number) {
    Walk first = test_walk(number);
    Walk second = test_walk(number + 1);
    kernel.walk(tables(), &first, number == 0 ? nullptr : &second);
    if (number > 0 && !has_ended(first) && !has_ended(second)) return false;
    if (!matches(first, reference(number, first.state))) return false;
    if (!matches(second, reference(number + 1, second.state))) return false;
  }
  return true;
}

}  // namespace

std::span<const Kernel> kernels() {
  using crypto::CpuFeatures;
  static const Kernel rows[] = {
#if defined(__x86_64__)
    {"x86_avx512", [](const CpuFeatures& cpu) { return cpu.avx512bw && cpu.avx512vnni; },
     lanes_x86_avx512, 20, walk_x86_avx512},
    {"x86_avx2", [](const CpuFeatures& cpu) { return cpu.avx2; }, lanes_x86_avx2, 12,
     walk_x86_avx2},
#endif
#if defined(__aarch64__)
    {"arm_neon", [](const CpuFeatures&) { return true; }, lanes_arm_neon, 6, walk_arm_neon},
#endif
    {"portable", [](const CpuFeatures&) { return true; }, lanes_portable, 2, walk_portable},
  };
  return rows;
}

const Kernel* pick_kernel(std::span<const Kernel> kernels, const crypto::CpuFeatures& cpu,
                          std::string_view forced) {
  return crypto::first_supported(kernels, cpu, forced);
}

bool self_test(const Kernel& kernel) { return lanes_match(kernel) && walks_match(kernel); }

const Kernel* pick_working_kernel(std::span<const Kernel> kernels, const crypto::CpuFeatures& cpu,
                                  std::string_view forced,
                                  const std::function<void(const Kernel&)>& on_failed) {
  return crypto::first_working(kernels, cpu, forced, self_test, on_failed);
}

const Tables& tables() {
  static const Tables made = make_tables();
  return made;
}

Walk walk_from(const coherence::Phases& phases, std::uint32_t level, std::uint32_t last_state) {
  ASSERT(level < coherence::levels && last_state < coherence::states_per_attempt);
  Walk walk{};
  std::copy(phases.begin(), phases.end(), walk.phases);
  walk.kappa = coherence::couplings[level];
  walk.last_state = last_state;
  const coherence::Order order = coherence::order_of(phases);
  walk.coherent = order.is_coherent() ? 1 : 0;
  walk.c[bloom_states - 1] = order.c;
  walk.s[bloom_states - 1] = order.s;
  return walk;
}

bool has_ended(const Walk& walk) {
  return walk.coherent == bloom_states || walk.state == walk.last_state;
}

coherence::Phases phases_of(const Walk& walk) {
  coherence::Phases phases;
  std::copy_n(walk.phases, phases.size(), phases.begin());
  return phases;
}

coherence::Order order_of(const Walk& walk, std::size_t i) {
  const std::int32_t c = walk.c[i];
  const std::int32_t s = walk.s[i];
  return {c, s, static_cast<std::uint32_t>(c * c + s * s)};
}

coherence::Bloom bloom_of(const Walk& walk) {
  ASSERT(walk.coherent == bloom_states);
  coherence::Bloom bloom;
  bloom.end = walk.state;
  bloom.start = walk.state - (bloom_states - 1);
  for (std::size_t i = 0; i < bloom_states; ++i) bloom.orders[i] = order_of(walk, i);
  bloom.phases = phases_of(walk);
  return bloom;
}

}  // namespace bloom
