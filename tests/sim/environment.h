// What every part of the simulated world is given: time, chance, what goes wrong, and who watches.
//
// Thread: plain data.
#pragma once

#include "common/base/random.h"
#include "tests/sim/breakage.h"
#include "tests/sim/faults.h"
#include "tests/sim/oracle.h"
#include "tests/sim/schedule.h"
#include "tests/sim/transcript.h"

#include <cstdint>
#include <functional>

namespace sim {

struct Environment {
  Environment(std::uint64_t seed, Break how, bool print_all)
      : random(seed), broken(how), transcript(schedule, print_all), oracle(transcript) {}
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  Micros now() const { return schedule.now(); }

  base::Random random;
  const Break broken;
  Faults faults;
  Schedule schedule;
  Transcript transcript;
  Oracle oracle;
  std::function<void()> on_block_found;  // so that things go wrong just then
};

}  // namespace sim
