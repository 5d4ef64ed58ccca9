#include "tests/sim/schedule.h"

#include <algorithm>
#include <utility>

namespace sim {
namespace {

constexpr std::int64_t began_unix_seconds = 1'800'000'000;

}  // namespace

base::Instant Schedule::instant() const {
  const std::chrono::microseconds passed{now_};
  return {base::MonoTime{} + std::chrono::hours{1} + passed,
          base::WallTime{} + std::chrono::seconds{began_unix_seconds} + passed +
              std::chrono::microseconds{wall_error_}};
}

std::int64_t Schedule::true_unix_seconds() const { return began_unix_seconds + now_ / second; }

bool Schedule::later(const Event& a, const Event& b) {
  return a.when != b.when ? a.when > b.when : a.order > b.order;
}

void Schedule::at(Micros when, Owner owner, Action action) {
  heap_.push_back({std::max(when, now_), next_order_++, owner, std::move(action)});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

bool Schedule::step(Micros until) {
  while (!heap_.empty() && heap_.front().when < until) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    Event event = std::move(heap_.back());
    heap_.pop_back();
    now_ = event.when;
    if (event.owner != world_owner && event.owner != living_) continue;
    event.action();
    return true;
  }
  now_ = std::max(now_, until);
  return false;
}

}  // namespace sim
