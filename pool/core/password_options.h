// Options that miners write into the password of mining.authorize: "x,d=4096", "md=512;foo".
//
//   d=, diff=  the difficulty to start with, and not to fall below
//   md=        the difficulty not to fall below
//   fd=        the difficulty for good: vardiff stays off
//   th=        the miner's speed in TH/s, from which the start is computed
// Words are split at , ; & and blanks; keys may be upper case; of a key given twice the last
// counts. Anything else in a password ("x", "123", unknown keys, values that are no number above
// zero) is passed over: a login never fails because of it.
//
// Units:  difficulties of 1 and more are whole, the rest cut off; out of range means the nearest.
// Source: practice of btcpool (d, md), ckpool (diff) and p2poolv2 (th).
// Thread: a pure function.
#pragma once

#include "common/bitcoin/target.h"

#include <optional>
#include <string_view>

namespace pool {

struct PasswordOptions {
  std::optional<bitcoin::Difficulty> start;  // d=, diff=
  std::optional<bitcoin::Difficulty> min;    // md=
  std::optional<bitcoin::Difficulty> fixed;  // fd=
  std::optional<double> terahashes_per_second;

  friend bool operator==(const PasswordOptions&, const PasswordOptions&) = default;
};

PasswordOptions parse_password_options(std::string_view password);

}  // namespace pool
