#include "pool/core/password_options.h"

#include "pool/core/asked_difficulty.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace pool {
namespace {

constexpr std::string_view separators = ",;& \t\r\n\v\f";

bool is_key(std::string_view text, std::string_view key) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(text.begin(), text.end(), key.begin(), key.end(),
                    [&](char a, char b) { return lower(a) == b; });
}

// Plain decimals: digits and at most one point, which keeps out "nan", "inf", "1e9" and "0x10".
std::optional<double> parse_decimal(std::string_view text) {
  if (text.find_first_not_of("0123456789.") != std::string_view::npos) return std::nullopt;
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return value;
}

void read_option(std::string_view key, double value, PasswordOptions& options) {
  if (is_key(key, "d") || is_key(key, "diff")) {
    if (const auto asked = asked_difficulty(value)) options.start = asked;
  } else if (is_key(key, "md")) {
    if (const auto asked = asked_difficulty(value)) options.min = asked;
  } else if (is_key(key, "fd")) {
    if (const auto asked = asked_difficulty(value)) options.fixed = asked;
  } else if (is_key(key, "th")) {
    if (value > 0) options.terahashes_per_second = value;
  }
}

}  // namespace

PasswordOptions parse_password_options(std::string_view password) {
  PasswordOptions options;
  while (!password.empty()) {
    const std::size_t end = std::min(password.find_first_of(separators), password.size());
    const std::string_view word = password.substr(0, end);
    password.remove_prefix(std::min(end + 1, password.size()));
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) continue;
    if (const auto value = parse_decimal(word.substr(equals + 1))) {
      read_option(word.substr(0, equals), *value, options);
    }
  }
  return options;
}

}  // namespace pool
