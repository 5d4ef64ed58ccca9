#include "pool/http/format.h"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace pool {
namespace {

constexpr const char* no_break_space = "\u00a0";
constexpr const char* thin_space = "\u2009";

template <class... Values>
std::string print(const char* form, Values... values) {
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), form, values...);
  return {text.data(), static_cast<std::size_t>(length)};
}

// Three significant digits of a number in [1, 1000).
std::string three_digits(double value) {
  if (value < 9.995) return print("%.2f", value);
  if (value < 99.95) return print("%.1f", value);
  return print("%.0f", value);
}

// "0.012", "1.2e-8": three significant digits at most, and no zero in front of the exponent.
std::string small(double value) {
  std::string out = print("%.3g", value);
  const std::size_t zero = out.find("e-0");
  if (zero != std::string::npos) out.erase(zero + 2, 1);
  return out;
}

struct Scaled {
  std::string number;
  std::string letter;
};

// Three significant digits and the SI letter.
Scaled si(double value) {
  constexpr std::array<const char*, 9> letters{"", "k", "M", "G", "T", "P", "E", "Z", "Y"};
  if (!(value > 0) || !std::isfinite(value)) return {"0", ""};
  if (value < 0.9995) return {small(value), ""};
  std::size_t step = 0;
  while (value >= 999.5 && step + 1 < letters.size()) {
    value /= 1000;
    ++step;
  }
  return {three_digits(value), letters[step]};
}

std::tm utc(std::int64_t unix_micros) {
  std::int64_t seconds = unix_micros / 1'000'000;
  if (unix_micros % 1'000'000 < 0) --seconds;
  const auto time = static_cast<std::time_t>(seconds);
  std::tm out{};
  gmtime_r(&time, &out);
  return out;
}

std::string utc_text(std::int64_t unix_micros, const char* form) {
  const std::tm time = utc(unix_micros);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), form, &time)};
}

}  // namespace

std::string format_count(std::uint64_t value) {
  std::string out = std::to_string(value);
  for (std::size_t i = out.size(); i > 3; i -= 3) out.insert(i - 3, ",");
  return out;
}

Figure format_hashrate(double hashes_per_second) {
  const Scaled scaled = si(hashes_per_second);
  return {scaled.number, scaled.letter + "H/s"};
}

std::string format_difficulty(double difficulty) {
  const Scaled scaled = si(difficulty);
  return scaled.letter.empty() ? scaled.number : scaled.number + no_break_space + scaled.letter;
}

std::string format_btc(std::int64_t sats) {
  const std::string sign = sats < 0 ? "\u2212" : "";
  const std::uint64_t whole = static_cast<std::uint64_t>(sats < 0 ? -sats : sats);
  const std::string digits = print("%08llu", static_cast<unsigned long long>(whole % 100'000'000));
  return sign + std::to_string(whole / 100'000'000) + "." + digits.substr(0, 2) + thin_space +
         digits.substr(2, 3) + thin_space + digits.substr(5, 3);
}

std::string format_sats(std::int64_t sats) {
  const std::string with_commas = format_count(sats < 0 ? 0 - static_cast<std::uint64_t>(sats)
                                                        : static_cast<std::uint64_t>(sats));
  std::string out(sats < 0 ? "\u2212" : "");
  for (const char c : with_commas) {
    if (c == ',') {
      out.append(thin_space);
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string format_effort(double effort) {
  if (!(effort >= 0) || !std::isfinite(effort)) return std::string(unknown_figure);
  if (effort >= 9.995) {
    const Scaled scaled = si(effort);
    return std::string(scaled.number).append(no_break_space).append(scaled.letter).append("\u00d7");
  }
  const double percent = 100 * effort;
  return print(percent < 9.995   ? "%.2f"
               : percent < 99.95 ? "%.1f"
                                 : "%.0f",
               percent) +
         thin_space + "%";
}

std::string format_signed_percent(double part) {
  if (!std::isfinite(part)) return std::string(unknown_figure);
  const std::string digits = print("%.1f", std::abs(100 * part));
  std::string out;
  if (digits != "0.0") out += part < 0 ? "\u2212" : "+";
  return out.append(digits).append(thin_space).append("%");
}

std::string format_duration(std::int64_t seconds) {
  struct Unit {
    std::int64_t seconds;
    const char* name;
  };
  constexpr std::array<Unit, 4> units{{{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}}};
  if (seconds < 0) seconds = 0;
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (seconds < units[i].seconds && i + 1 < units.size()) continue;
    std::string out = std::to_string(seconds / units[i].seconds) + no_break_space + units[i].name;
    const std::int64_t rest = seconds % units[i].seconds;
    if (i + 1 < units.size() && rest / units[i + 1].seconds > 0) {
      out += std::string(" ") + std::to_string(rest / units[i + 1].seconds) + no_break_space +
             units[i + 1].name;
    }
    return out;
  }
  return {};
}

std::string format_latency(std::int64_t microseconds) {
  if (microseconds < 1000) return std::to_string(microseconds) + no_break_space + "µs";
  const double ms = static_cast<double>(microseconds) / 1000;
  if (ms < 1000) return three_digits(ms) + no_break_space + "ms";
  return three_digits(ms / 1000) + no_break_space + "s";
}

std::string format_percent(double part, double whole) {
  if (!(whole > 0)) return std::string(unknown_figure);
  const double percent = 100 * part / whole;
  return print(percent >= 10                       ? "%.1f"
               : percent >= 0.0995 || percent == 0 ? "%.2f"
                                                   : "%.3f",
               percent) +
         thin_space + "%";
}

std::string format_utc(std::int64_t unix_micros) {
  return utc_text(unix_micros, "%Y-%m-%d %H:%M:%S UTC");
}

std::string format_utc_machine(std::int64_t unix_micros) {
  return utc_text(unix_micros, "%Y-%m-%dT%H:%M:%SZ");
}

std::string format_day(std::int64_t unix_micros) {
  constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::tm time = utc(unix_micros);
  return print("%d %s, %02d:%02d", time.tm_mday, months[static_cast<std::size_t>(time.tm_mon)],
               time.tm_hour, time.tm_min);
}

std::string format_clock(std::int64_t unix_micros) { return utc_text(unix_micros, "%H:%M:%S"); }

std::optional<std::int64_t> parse_utc(std::string_view text) {
  constexpr std::string_view form = "0000-00-00T00:00:00";  // 0: a digit
  if (text.size() < form.size() + 1 || text.back() != 'Z') return std::nullopt;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] == '0' ? !is_digit(text[i]) : text[i] != form[i]) return std::nullopt;
  }
  const auto number = [&](std::size_t at, std::size_t digits) {
    int value = 0;
    for (std::size_t i = at; i < at + digits; ++i) value = value * 10 + (text[i] - '0');
    return value;
  };
  std::int64_t micros = 0;
  const std::string_view fraction = text.substr(form.size(), text.size() - form.size() - 1);
  if (!fraction.empty()) {
    if (fraction.front() != '.' || fraction.size() < 2 || fraction.size() > 7) return std::nullopt;
    std::int64_t scale = 100'000;
    for (const char c : fraction.substr(1)) {
      if (!is_digit(c)) return std::nullopt;
      micros += (c - '0') * scale;
      scale /= 10;
    }
  }
  const std::chrono::year_month_day day{std::chrono::year{number(0, 4)},
                                        std::chrono::month{static_cast<unsigned>(number(5, 2))},
                                        std::chrono::day{static_cast<unsigned>(number(8, 2))}};
  if (!day.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 60) {
    return std::nullopt;
  }
  const std::int64_t days = std::chrono::sys_days{day}.time_since_epoch().count();
  const std::int64_t seconds =
      days * 86400 + number(11, 2) * 3600 + number(14, 2) * 60 + number(17, 2);
  return seconds * 1'000'000 + micros;
}

std::string shorten(std::string_view text, std::size_t head, std::size_t tail) {
  if (text.size() <= head + tail + 1) return std::string(text);
  return std::string(text.substr(0, head)) + "…" + std::string(text.substr(text.size() - tail));
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace pool
