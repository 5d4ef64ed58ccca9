#include "miner/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace miner {
namespace {

std::string four_digits(double value) {
  const int decimals = value < 9.9995 ? 3 : value < 99.995 ? 2 : value < 999.95 ? 1 : 0;
  return fmt::format("{:.{}f}", value, decimals);
}

bool is_printable(char c) { return c >= 0x20 && c < 0x7f; }

}  // namespace

std::string hash_rate_text(double hashes_per_second) {
  constexpr std::string_view units[] = {"H/s", "kH/s", "MH/s", "GH/s", "TH/s", "PH/s", "EH/s"};
  double value = std::max(0.0, hashes_per_second);
  std::size_t unit = 0;
  while (value >= 999.95 && unit + 1 < std::size(units)) {
    value /= 1000;
    ++unit;
  }
  if (unit == 0) return fmt::format("{:.0f} {}", value, units[0]);
  return fmt::format("{} {}", four_digits(value), units[unit]);
}

std::string duration_text(std::chrono::seconds duration) {
  const std::int64_t seconds = std::max<std::int64_t>(0, duration.count());
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
  if (seconds < 86400) return fmt::format("{} h {:02} min", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{} d {:02} h", seconds / 86400, seconds / 3600 % 24);
}

std::string difficulty_text(double difficulty) {
  constexpr std::string_view units[] = {"", " K", " M", " G", " T", " P", " E"};
  if (difficulty < 10000 && difficulty == std::floor(difficulty)) {
    return fmt::format("{:.0f}", difficulty);
  }
  if (difficulty < 1000) return fmt::format("{:.4g}", difficulty);
  std::size_t unit = 0;
  while (difficulty >= 999.95 && unit + 1 < std::size(units)) {
    difficulty /= 1000;
    ++unit;
  }
  return fmt::format("{}{}", four_digits(difficulty), units[unit]);
}

std::string order_text(std::uint16_t r_q) { return fmt::format("{:.5f}", r_q / 65536.0); }

std::string count_text(double count) {
  constexpr std::string_view units[] = {"", " K", " M", " G", " T", " P", " E"};
  double value = std::max(0.0, count);
  std::size_t unit = 0;
  while (value >= 999.95 && unit + 1 < std::size(units)) {
    value /= 1000;
    ++unit;
  }
  if (unit == 0 && value == std::floor(value)) return fmt::format("{:.0f}", value);
  if (value >= 999.95) return fmt::format("{:.3e}", count);  // a pool may set any target
  return fmt::format("{}{}", four_digits(value), units[unit]);
}

std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string out(text.substr(0, bytes_max));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return !is_printable(c); }, '?');
  return out;
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (is_printable(c)) {
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += '?';
    }
  }
  return out + '"';
}

}  // namespace miner
