// A kernel's lanes with their memory, and who is where: walks go in, walks that ended come out.
//
// Idea: all lanes advance together to the next thing that can happen to any of them, which is a
// last state that is known beforehand or a bloom, at which the kernel stops by itself. So a lane is
// free at the very state its walk ended with, and nothing has to be replayed.
//
// Thread: one.
#pragma once

#include "common/bloom/kernel.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace bloom {

class Lanes {
 public:
  explicit Lanes(const Kernel& kernel);

  std::uint32_t count() const { return kernel_.lanes.count; }
  std::uint32_t busy() const { return busy_; }
  bool is_busy(std::uint32_t lane) const { return places_[lane].busy; }

  // REQUIRES: the lane is free and the walk has not ended.
  void put(std::uint32_t lane, const Walk& walk);
  void clear();
  // The walk as it stands. REQUIRES: the lane is busy.
  Walk peek(std::uint32_t lane) const;
  // The same, and the lane is free.
  Walk take(std::uint32_t lane);

  // Advances by up to `steps_max` states, to the first walk's end; afterwards has_ended() tells
  // which. Returns the steps made. REQUIRES: steps_max > 0, busy() > 0, no ended walk in a lane.
  std::uint32_t run(std::uint32_t steps_max);
  bool has_ended(std::uint32_t lane) const { return places_[lane].ended; }

 private:
  struct Place {
    bool busy = false;
    bool ended = false;
    std::uint32_t state = 0;
    std::uint32_t last_state = 0;
    std::int32_t kappa = 0;
  };
  struct Free {
    void operator()(void* memory) const;
  };

  const Kernel& kernel_;
  std::unique_ptr<void, Free> memory_;
  std::vector<Place> places_;
  std::uint32_t busy_ = 0;
};

}  // namespace bloom
