// What a bloom kernel is given and gives back: attempts on their way. Plain C data on purpose:
// kernel files are compiled with -mavx512bw and the like, and any inline function they
// instantiated could be the copy that the linker keeps for the whole program, which then crashes on
// an older processor. So a kernel file includes this header, its intrinsics, and nothing else;
// tests/tidy looks for weak symbols in its object.
//
// A kernel has two ways to advance attempts, and each equals the reference (coherence::run) bit for
// bit:
//   lanes   many attempts side by side, an attempt in each lane: the most rounds per second
//   walk    one attempt, or two, with the oscillators side by side: the soonest end of an attempt
//
// Units:  a phase is 2^-32 turn; C' and S' as coherence::Order has them.
// Thread: kernels are pure functions of what they are given.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bloom {

constexpr std::uint32_t oscillators = 63;
constexpr std::uint32_t bloom_states = 7;

// The constants of the map, which the kernels are not compiled with.
struct Tables {
  std::uint32_t frequencies[64];  // W, and a zero
  std::int32_t gate_growth[64];   // E
  std::uint32_t r2_coherent;
};

// An attempt at one of its states, in no kernel's layout.
struct Walk {
  std::uint32_t phases[64];  // of `state`; the last one is nobody's
  std::int32_t kappa;
  std::uint32_t state;       // t
  std::uint32_t last_state;  // the walk ends here, or where it blooms
  std::uint32_t coherent;    // how many states in a row are, up to this one; blooms at 7
  // Orders of the last states, `state` last. Those before it count only as far as `coherent` says.
  std::int32_t c[bloom_states];
  std::int32_t s[bloom_states];
};

// Lanes live in memory that the caller has: `bytes` of it, aligned to 64.
struct LaneKernel {
  std::uint32_t count;
  std::size_t bytes;
  // Every lane idle: it turns, and nothing is heard of it.
  void (*start)(void* lanes, const Tables& tables);
  // REQUIRES of load: walk.coherent < 7.
  void (*load)(void* lanes, std::uint32_t lane, const Walk& walk);
  void (*idle)(void* lanes, std::uint32_t lane);
  // Sets phases, coherent, c and s; the rest of the walk is the caller's to know.
  void (*save)(const void* lanes, std::uint32_t lane, Walk& walk);
  // Advances all lanes by `steps_max` states, or fewer: by as many as bring the first of them to
  // bloom. Returns the steps made, and a bit for each lane that blooms in the state reached.
  // REQUIRES: steps_max > 0, and no lane blooms already.
  std::uint32_t (*run)(void* lanes, std::uint32_t steps_max, std::uint32_t* bloomed);
};

// Advances both until one of them ends; `second` may be null. REQUIRES: neither has ended.
using WalkFunction = void(const Tables& tables, Walk* first, Walk* second);

}  // namespace bloom
