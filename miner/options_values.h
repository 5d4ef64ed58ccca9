// What the parts of the command line's parser share: a mistake, and how values are read.
// Errors: one line that names the option, its value and what was expected.
// Thread: pure functions.
#pragma once

#include "miner/options.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace miner {

// A mistake on the command line, on its way to parse_options.
using Mistake = std::optional<std::string>;

inline Mistake expected(std::string_view option, std::string_view value, std::string_view what) {
  return fmt::format("{} \"{}\": expected {}", option, value, what);
}

// The first that is one.
inline Mistake first_of(std::initializer_list<Mistake> mistakes) {
  for (const Mistake& mistake : mistakes) {
    if (mistake) return mistake;
  }
  return std::nullopt;
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

// A number with a decimal point, above 0; `least` and `most` are allowed.
Mistake read_positive(std::string_view option, const std::string& text, double least, double most,
                      double& out);

// What stands before the @ of a URL.
struct UserInfo {
  std::optional<std::string> username;
  std::optional<std::string> password;
};
// Takes it off the front of `rest`, a URL without its scheme. Nullopt: there is one that makes no
// sense.
std::optional<UserInfo> take_user_info(std::string_view& rest);
// The URL without the password in it, for messages.
std::string without_password(std::string_view url);

// "socks5://user:password@host:port", "socks5h://…", "host:port"; the port is 1080 when missing.
[[nodiscard]] base::Result<ProxySettings, std::string> parse_proxy_url(std::string_view url);

struct Texts;
// All but where the work comes from is also read for `bench`.
// REQUIRES: options.command, json and progress have been set.
Mistake read_mining_options(const Texts& texts, Options& options);
// Into options.pools or options.solo.
Mistake read_source(const Texts& texts, Options& options);

// The values of coherence-attempt's options, as they were given.
struct AttemptTexts {
  std::string header76, extranonce, attempt, level;
};
// Into options.job and options.attempt; none of them has a default.
Mistake read_attempt_options(const AttemptTexts& texts, Options& options);

}  // namespace miner
