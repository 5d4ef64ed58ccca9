// The kernel that runs anywhere: one lane, plain integers, the waves of a state kept for the step
// that leaves it. The loops go over all 64 places, of which the last is nobody's, so that the
// compiler can make what vector code its target has of them.
#include "common/bloom/walk.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bloom {
namespace {

constexpr std::uint32_t idle_need = 0xffffffff;  // a lane that never has enough coherent states

struct Waves {
  std::int32_t c[64];
  std::int32_t s[64];
};

struct Lane {
  Walk walk;
  Waves waves;
  const Tables* tables;
  std::uint32_t need;
};

inline std::int32_t mr(std::int32_t a, std::int32_t b) { return (a * b + 16384) >> 15; }

inline std::int32_t icos(std::int32_t t) {
  const std::int32_t y = 16384 - (t < 0 ? -t : t);
  const std::int32_t v = 2 * mr(y, y);
  return mr(y, 25727 - mr(v, 21030 - mr(v, 4690)));
}

void make_waves(const std::uint32_t* phases, Waves& waves) {
  for (std::uint32_t i = 0; i < 64; ++i) {
    const auto angle = static_cast<std::uint16_t>(phases[i] >> 16);
    waves.c[i] = icos(static_cast<std::int16_t>(angle));
    waves.s[i] = icos(static_cast<std::int16_t>(angle - 16384));
  }
}

void note_order(Walk& walk, const Waves& waves, std::uint32_t r2_coherent) {
  std::int32_t c = 0;
  std::int32_t s = 0;
  for (std::uint32_t i = 0; i < oscillators; ++i) {
    c += waves.c[i];
    s += waves.s[i];
  }
  std::memmove(walk.c, walk.c + 1, sizeof(walk.c) - sizeof(walk.c[0]));
  std::memmove(walk.s, walk.s + 1, sizeof(walk.s) - sizeof(walk.s[0]));
  c >>= 4;
  s >>= 4;
  walk.c[bloom_states - 1] = c;
  walk.s[bloom_states - 1] = s;
  walk.coherent = static_cast<std::uint32_t>(c * c + s * s) >= r2_coherent ? walk.coherent + 1 : 0;
}

void step(const Tables& tables, Walk& walk, Waves& waves) {
  const std::int32_t c = walk.c[bloom_states - 1];
  const std::int32_t s = walk.s[bloom_states - 1];
  const std::int32_t growth = tables.gate_growth[(c * c + s * s) >> 24];
  const std::int32_t g = walk.kappa + mr(walk.kappa, growth);
  const std::int32_t a = mr(g, s);
  const std::int32_t b = mr(g, c);
  for (std::uint32_t i = 0; i < 64; ++i) {
    const std::uint32_t phase = walk.phases[i];
    const auto noise = static_cast<std::int16_t>(static_cast<std::uint16_t>(phase * 0x9E37));
    const std::int32_t push = a * waves.c[i] - b * waves.s[i] + noise * 1024;
    walk.phases[i] = phase + tables.frequencies[i] + static_cast<std::uint32_t>(push);
  }
  make_waves(walk.phases, waves);
  note_order(walk, waves, tables.r2_coherent);
}

// --- lanes: there is one ---

void start(void* lanes, const Tables& tables) {
  auto& lane = *static_cast<Lane*>(lanes);
  std::memset(&lane, 0, sizeof(lane));
  lane.tables = &tables;
  lane.need = idle_need;
}

void load(void* lanes, std::uint32_t, const Walk& walk) {
  auto& lane = *static_cast<Lane*>(lanes);
  lane.walk = walk;
  lane.need = bloom_states;
  make_waves(lane.walk.phases, lane.waves);
}

void idle(void* lanes, std::uint32_t) { static_cast<Lane*>(lanes)->need = idle_need; }

void save(const void* lanes, std::uint32_t, Walk& walk) {
  const Walk& from = static_cast<const Lane*>(lanes)->walk;
  std::memcpy(walk.phases, from.phases, sizeof(walk.phases));
  std::memcpy(walk.c, from.c, sizeof(walk.c));
  std::memcpy(walk.s, from.s, sizeof(walk.s));
  walk.coherent = from.coherent;
}

std::uint32_t run(void* lanes, std::uint32_t steps_max, std::uint32_t* bloomed) {
  auto& lane = *static_cast<Lane*>(lanes);
  *bloomed = 0;
  for (std::uint32_t steps = 1;; ++steps) {
    step(*lane.tables, lane.walk, lane.waves);
    if (lane.walk.coherent >= lane.need) *bloomed = 1;
    if (*bloomed != 0 || steps == steps_max) return steps;
  }
}

}  // namespace

// Two walks in turns would gain nothing here: the first alone, until it ends.
void walk_portable(const Tables& tables, Walk* first, Walk*) {
  Waves waves;
  make_waves(first->phases, waves);
  while (first->coherent < bloom_states && first->state < first->last_state) {
    step(tables, *first, waves);
    ++first->state;
  }
}

extern const LaneKernel lanes_portable;
const LaneKernel lanes_portable = {1, sizeof(Lane), start, load, idle, save, run};

}  // namespace bloom
