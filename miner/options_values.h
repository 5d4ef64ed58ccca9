// What the parts of the command line's parser share: a mistake, and how values are read.
// Errors: one line that names the option, its value and what was expected.
// Thread: pure functions.
#pragma once

#include "miner/options.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace miner {

// A mistake on the command line, on its way to parse_options.
using Mistake = std::optional<std::string>;

inline Mistake expected(std::string_view option, std::string_view value, std::string_view what) {
  return fmt::format("{} \"{}\": expected {}", option, value, what);
}

template <class T>
Mistake read_number(std::string_view option, const std::string& text, std::int64_t least,
                    std::int64_t most, std::string_view meaning, T& out) {
  if (text.empty()) return std::nullopt;  // not given: the default stays
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    return expected(option, text,
                    fmt::format("a whole number from {} to {}{}", least, most, meaning));
  }
  out = static_cast<T>(value);
  return std::nullopt;
}

// The values of coherence-attempt's options, as they were given.
struct AttemptTexts {
  std::string header76, extranonce, attempt, level;
};
// Into options.job and options.attempt; none of them has a default.
Mistake read_attempt_options(const AttemptTexts& texts, Options& options);

}  // namespace miner
