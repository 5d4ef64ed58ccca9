// Rules for difficulties, to be compared: the pool's own, and short restatements of how ckpool and
// DATUM's gateway are described in docs/stratum.md (their bounds left out, which no scenario
// needs).
#pragma once

#include "tests/sim/vardiff_world.h"

#include <memory>

namespace sim {

// DifficultyControl as a session drives it.
std::unique_ptr<Rule> make_pool_rule(double start, double shares_per_minute, bool power_of_two);

inline constexpr double ckpool_shares_per_minute = 18;
std::unique_ptr<Rule> make_ckpool_rule(double start);

inline constexpr double datum_shares_per_minute = 8;
std::unique_ptr<Rule> make_datum_rule(double start);

}  // namespace sim
