// What the tests of bloom kernels share: a job, every kernel that runs here, the reference.
#pragma once

#include "common/base/random.h"
#include "common/bloom/kernel.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace bloom::kernels_test {

// The one of the specification's second known answer, but for its level.
inline coherence::Job job_of_level(std::uint32_t level) {
  coherence::Job job;
  for (std::size_t i = 0; i < job.header.size(); ++i) job.header[i] = static_cast<std::uint8_t>(i);
  job.extranonce = 0x0123456789abcdef;
  job.params = coherence::params_of(level);
  return job;
}

inline std::optional<coherence::Bloom> bloom_of_attempt(const coherence::Job& job,
                                                        std::uint64_t attempt) {
  return coherence::run(coherence::phases_of(coherence::seed_of(job, attempt)),
                        *coherence::level_of(job.params));
}

// Calls `check` for each kernel that runs here, and says aloud which do not.
template <class Check>
void for_each_supported(Check check) {
  const crypto::CpuFeatures cpu = crypto::detect_cpu_features();
  for (const Kernel& kernel : kernels()) {
    const std::string name(kernel.name);
    CAPTURE(name);
    if (kernel.supported(cpu)) {
      check(kernel);
    } else {
      MESSAGE("SKIPPED: kernel " << name << " is not supported by this processor");
    }
  }
}

// An attempt as the reference steps it, of any phases, and on beyond blooms.
class Follower {
 public:
  Follower(const coherence::Phases& phases, std::uint32_t level)
      : phases_(phases), gate_(coherence::gate(level)) {
    look();
  }
  void advance(std::uint32_t steps) {
    for (; steps > 0; --steps) {
      coherence::step(phases_, waves_, orders_.back(), gate_);
      ++state_;
      look();
    }
  }
  std::uint32_t state() const { return state_; }
  std::uint32_t coherent() const { return coherent_; }
  const coherence::Order& order() const { return orders_.back(); }
  // Everything that a walk at this state must say.
  bool equals(const Walk& walk) const {
    if (walk.state != state_ || walk.coherent != coherent_ || phases_of(walk) != phases_) {
      return false;
    }
    const std::size_t known = std::min<std::size_t>(orders_.size(), state_ + 1);
    for (std::size_t i = orders_.size() - known; i < orders_.size(); ++i) {
      if (order_of(walk, i) != orders_[i]) return false;
    }
    return true;
  }

 private:
  void look() {
    waves_ = coherence::waves_of(phases_);
    std::rotate(orders_.begin(), orders_.begin() + 1, orders_.end());
    orders_.back() = coherence::order_of(waves_);
    coherent_ = orders_.back().is_coherent() ? coherent_ + 1 : 0;
  }

  coherence::Phases phases_;
  coherence::Gate gate_;
  coherence::Waves waves_{};
  std::array<coherence::Order, bloom_states> orders_{};  // of the last states, the newest last
  std::uint32_t state_ = 0;
  std::uint32_t coherent_ = 0;
};

// Phases as an attempt may have them, and now and then some that none will: all equal, all at a
// place where 16-bit arithmetic is at its limits, in two opposite bunches.
inline coherence::Phases random_phases(base::Random& random) {
  const std::uint64_t kind = random.below(8);
  const std::uint32_t limits[] = {0, 0x40000000, 0x7fffffff, 0x80000000, 0xc0000000, 0xffff8000};
  const auto at = static_cast<std::uint32_t>(random.next());
  coherence::Phases phases;
  for (std::size_t i = 0; i < phases.size(); ++i) {
    const auto any = static_cast<std::uint32_t>(random.next());
    phases[i] = any;
    if (kind == 0) phases[i] = limits[at % 6];
    if (kind == 1) phases[i] = at + any % 0x20000000;
    if (kind == 2) phases[i] = at + static_cast<std::uint32_t>(i % 2) * 0x80000000;
    if (kind == 3) phases[i] = limits[any % 6];
  }
  return phases;
}

}  // namespace bloom::kernels_test
