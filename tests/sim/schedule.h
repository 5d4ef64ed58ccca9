// Schedule: virtual time, and what is to happen at which moment of it. The earliest event comes
// first; of two at one moment, the one that was asked for first. So a run depends on its seed
// alone.
//
// An event belongs to an owner: the world (0), or one life of the pool, whose events die with it.
//
// Units:  microseconds since the run began.
// Thread: the one there is.
#pragma once

#include "common/base/time.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace sim {

using Micros = std::int64_t;
inline constexpr Micros millisecond = 1000;
inline constexpr Micros second = 1000 * millisecond;
inline constexpr Micros minute = 60 * second;
inline constexpr Micros hour = 60 * minute;

using Owner = std::uint64_t;
inline constexpr Owner world_owner = 0;

class Schedule {
 public:
  using Action = std::function<void()>;

  Micros now() const { return now_; }
  // As the pool reads its clocks: the wall's may have been set wrong, the other never jumps.
  base::Instant instant() const;
  std::int64_t true_unix_seconds() const;

  void at(Micros when, Owner owner, Action action);
  void after(Micros delay, Owner owner, Action action) { at(now_ + delay, owner, action); }
  // Events of any other life of the pool do not happen any more.
  void set_living(Owner owner) { living_ = owner; }
  void set_wall_error(Micros error) { wall_error_ = error; }
  Micros wall_error() const { return wall_error_; }

  // Lets the next event happen, if it comes before `until`. False: there is none, and it is `until`
  // now.
  bool step(Micros until);
  std::uint64_t events() const { return next_order_; }

 private:
  struct Event {
    Micros when;
    std::uint64_t order;
    Owner owner;
    Action action;
  };
  static bool later(const Event& a, const Event& b);

  Micros now_ = 0;
  Micros wall_error_ = 0;
  Owner living_ = world_owner;
  std::uint64_t next_order_ = 0;
  std::vector<Event> heap_;
};

}  // namespace sim
