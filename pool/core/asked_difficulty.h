// The difficulty that a miner's number asks for, wherever it wrote it: mining.suggest_difficulty,
// configure's minimum-difficulty, the password.
//
// Nothing for what is no number above zero; the nearest end of the range for what is beyond it;
// whole from 1 on, since some firmware reads difficulties as integers.
// Thread: a pure function.
#pragma once

#include "common/bitcoin/target.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace pool {

inline std::optional<bitcoin::Difficulty> asked_difficulty(double value) {
  if (!(value > 0)) return std::nullopt;  // NaN too
  const double inside = std::clamp(value, bitcoin::Difficulty::least, bitcoin::Difficulty::most);
  return *bitcoin::Difficulty::from_double(inside < 1 ? inside : std::floor(inside));
}

}  // namespace pool
