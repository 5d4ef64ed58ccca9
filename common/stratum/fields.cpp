#include "common/stratum/fields.h"

#include "common/stratum/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace stratum {

using json::JsonKind;
using json::Value;

namespace {

constexpr std::string_view blanks = " \t\r\n";

bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

}  // namespace

std::string_view trim_blanks(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

// from_chars alone is no judge: it stops at the first foreign character, and takes a minus sign.
std::optional<std::uint32_t> parse_hex_u32(std::string_view digits) {
  if (digits.empty() || digits.size() > 8) return std::nullopt;
  for (const char c : digits) {
    if (!is_hex_digit(c)) return std::nullopt;
  }
  std::uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

std::optional<std::uint64_t> parse_decimal(std::string_view digits) {
  std::uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

std::optional<double> parse_finite(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

void Fields::fail(std::string_view name, Value value, std::string_view expected) {
  if (!ok()) return;
  const std::string shown =
      value.is(JsonKind::missing) ? "a missing value" : json::excerpt(value.raw());
  fail(name, shown + " is not " + std::string(expected));
}

void Fields::fail(std::string_view name, std::string_view what) {
  if (!ok()) return;
  why_.append(name).append(": ").append(what);
}

std::string Fields::text(std::string_view name, Value value) {
  if (!value.is(JsonKind::string) || value.text().find('\0') != std::string_view::npos) {
    fail(name, value, "a string without NUL");
    return {};
  }
  return std::string(value.text());
}

std::string Fields::trimmed_text(std::string_view name, Value value) {
  if (!value.is(JsonKind::string) || value.text().find('\0') != std::string_view::npos) {
    fail(name, value, "a string without NUL");
    return {};
  }
  return std::string(trim_blanks(value.text()));
}

std::uint32_t Fields::u32(std::string_view name, Value value) {
  if (value.is(JsonKind::number)) {
    const auto integer = parse_decimal(value.text());
    if (integer && *integer <= std::numeric_limits<std::uint32_t>::max()) {
      return static_cast<std::uint32_t>(*integer);
    }
    fail(name, value, "an integer of 32 bits");
    return 0;
  }
  if (value.is(JsonKind::string)) {
    if (const auto hex = parse_hex_u32(trim_blanks(value.text()))) return *hex;
  }
  fail(name, value, "1 to 8 hex digits");
  return 0;
}

std::string Fields::hex_text(std::string_view name, Value value) {
  const std::string_view digits = value.text();
  bool hex = value.is(JsonKind::string) && digits.size() % 2 == 0;
  for (const char c : digits) hex = hex && is_hex_digit(c);
  if (!hex) {
    fail(name, value, "an even number of hex digits");
    return {};
  }
  return std::string(digits);
}

base::Bytes Fields::bytes(std::string_view name, Value value) {
  base::Bytes out;
  if (!value.is(JsonKind::string) || !base::append_decoded_hex(value.text(), out)) {
    fail(name, value, "an even number of hex digits");
  }
  return out;
}

bitcoin::Hash256 Fields::hash(std::string_view name, Value value) {
  bitcoin::Hash256 out;
  if (!value.is(JsonKind::string) || !base::decode_hex(value.text(), out.bytes)) {
    fail(name, value, "64 hex digits");
    return {};
  }
  return out;
}

void Fields::exact_hex(std::string_view name, Value value, std::span<std::uint8_t> out) {
  const std::string_view digits = value.text();
  const auto is_capital = [](char c) { return c >= 'A' && c <= 'F'; };
  const bool exact = value.is(JsonKind::string) && base::decode_hex(digits, out).has_value() &&
                     std::none_of(digits.begin(), digits.end(), is_capital);
  if (exact) return;
  fail(name, value, std::to_string(2 * out.size()) + " lower-case hex digits");
  std::fill(out.begin(), out.end(), std::uint8_t{0});
}

std::uint64_t Fields::exact_u64(std::string_view name, Value value) {
  std::array<std::uint8_t, 8> bytes{};
  exact_hex(name, value, bytes);
  const base::ByteSpan all(bytes);
  return std::uint64_t{base::read_be32(all)} << 32 | base::read_be32(all.subspan(4));
}

std::uint32_t Fields::exact_u32(std::string_view name, Value value) {
  std::array<std::uint8_t, 4> bytes{};
  exact_hex(name, value, bytes);
  return base::read_be32(bytes);
}

std::uint32_t Fields::json_u32(std::string_view name, Value value) {
  if (value.is(JsonKind::number)) {
    const auto integer = parse_decimal(value.text());
    if (integer && *integer <= std::numeric_limits<std::uint32_t>::max()) {
      return static_cast<std::uint32_t>(*integer);
    }
  }
  fail(name, value, "a JSON integer from 0 to 4294967295");
  return 0;
}

double Fields::number(std::string_view name, Value value) {
  if (value.is(JsonKind::number) || value.is(JsonKind::string)) {
    if (const auto finite = parse_finite(trim_blanks(value.text()))) return *finite;
  }
  fail(name, value, "a number");
  return 0;
}

std::uint32_t Fields::integer(std::string_view name, Value value, std::uint32_t most) {
  if (value.is(JsonKind::number) || value.is(JsonKind::string)) {
    const auto integer = parse_decimal(trim_blanks(value.text()));
    if (integer && *integer <= most) return static_cast<std::uint32_t>(*integer);
  }
  fail(name, value, "an integer from 0 to " + std::to_string(most));
  return 0;
}

}  // namespace stratum
