// Random: a seeded generator that is passed in wherever chance is needed, as time is.
//
// xoshiro256** (Blackman, Vigna: "Scrambled linear pseudorandom number generators"), seeded by
// splitmix64. Not for secrets.
#pragma once

#include <array>
#include <cstdint>

namespace base {

class Random {
 public:
  explicit Random(std::uint64_t seed);
  std::uint64_t next();
  // Uniform in [0, bound). REQUIRES: bound > 0.
  std::uint64_t below(std::uint64_t bound);

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace base
