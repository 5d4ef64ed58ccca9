#include "common/bloom/lanes.h"

#include "common/base/assert.h"

#include <algorithm>
#include <new>

namespace bloom {
namespace {

constexpr std::align_val_t alignment{64};

}  // namespace

void Lanes::Free::operator()(void* memory) const { ::operator delete(memory, alignment); }

Lanes::Lanes(const Kernel& kernel)
    : kernel_(kernel),
      memory_(::operator new(kernel.lanes.bytes, alignment)),
      places_(kernel.lanes.count) {
  kernel_.lanes.start(memory_.get(), tables());
}

void Lanes::put(std::uint32_t lane, const Walk& walk) {
  Place& place = places_[lane];
  ASSERT(!place.busy && walk.coherent < bloom_states && walk.state < walk.last_state);
  place = {true, false, walk.state, walk.last_state, walk.kappa};
  ++busy_;
  kernel_.lanes.load(memory_.get(), lane, walk);
}

void Lanes::clear() {
  for (std::uint32_t lane = 0; lane < count(); ++lane) {
    if (places_[lane].busy) take(lane);
  }
}

Walk Lanes::peek(std::uint32_t lane) const {
  const Place& place = places_[lane];
  ASSERT(place.busy);
  Walk walk{};
  walk.kappa = place.kappa;
  walk.state = place.state;
  walk.last_state = place.last_state;
  kernel_.lanes.save(memory_.get(), lane, walk);
  return walk;
}

Walk Lanes::take(std::uint32_t lane) {
  const Walk walk = peek(lane);
  places_[lane] = {};
  --busy_;
  kernel_.lanes.idle(memory_.get(), lane);
  return walk;
}

std::uint32_t Lanes::run(std::uint32_t steps_max) {
  ASSERT(steps_max > 0 && busy_ > 0);
  std::uint32_t steps = steps_max;
  for (const Place& place : places_) {
    ASSERT(!place.ended);
    if (place.busy) steps = std::min(steps, place.last_state - place.state);
  }
  std::uint32_t bloomed = 0;
  steps = kernel_.lanes.run(memory_.get(), steps, &bloomed);
  for (std::uint32_t lane = 0; lane < count(); ++lane) {
    Place& place = places_[lane];
    if (!place.busy) continue;
    place.state += steps;
    place.ended = place.state == place.last_state || (bloomed >> lane & 1) != 0;
  }
  return steps;
}

}  // namespace bloom
