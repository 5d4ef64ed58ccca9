#include "common/stratum/json_text.h"

#include <cstdint>
#include <cstring>

namespace stratum::json {

namespace {

bool is_continuation(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<std::uint8_t>(text[at]) & 0xc0) == 0x80;
}

// Length of the well-formed UTF-8 sequence at the front of `text`, or 0. Source: Unicode 15,
// table 3-7 (no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text) {
  const auto first = static_cast<std::uint8_t>(text[0]);
  const auto second = text.size() > 1 ? static_cast<std::uint8_t>(text[1]) : std::uint8_t{0};
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return is_continuation(text, 1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (first == 0xe0 && second < 0xa0) return 0;
    if (first == 0xed && second > 0x9f) return 0;
    return is_continuation(text, 1) && is_continuation(text, 2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (first == 0xf0 && second < 0x90) return 0;
    if (first == 0xf4 && second > 0x8f) return 0;
    const bool whole =
        is_continuation(text, 1) && is_continuation(text, 2) && is_continuation(text, 3);
    return whole ? 4 : 0;
  }
  return 0;
}

void append_escaped(std::string& out, char c) {
  static constexpr char digits[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  out += "\\u00";
  out += digits[(static_cast<std::uint8_t>(c) >> 4) & 15];
  out += digits[static_cast<std::uint8_t>(c) & 15];
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const char c = text[0];
    if (length == 0) {
      out += '?';
    } else if (c == '"' || c == '\\' || static_cast<std::uint8_t>(c) < 0x20) {
      append_escaped(out, c);
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

bool is_utf8(std::string_view text) {
  constexpr std::uint64_t high_bits = 0x8080808080808080;
  while (!text.empty()) {
    std::uint64_t eight = high_bits;
    if (text.size() >= sizeof eight) std::memcpy(&eight, text.data(), sizeof eight);
    const std::size_t length = (eight & high_bits) == 0 ? sizeof eight : utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool has_control(std::string_view text) {
  constexpr std::uint64_t each = 0x0101010101010101;
  while (!text.empty()) {
    // Eight bytes at a time: a byte below 0x20 borrows when 0x20 is taken from it.
    std::uint64_t eight = 0;
    if (text.size() >= sizeof eight) std::memcpy(&eight, text.data(), sizeof eight);
    const bool clean =
        text.size() >= sizeof eight && ((eight - 0x20 * each) & ~eight & 0x80 * each) == 0;
    if (clean) {
      text.remove_prefix(sizeof eight);
      continue;
    }
    const auto c = static_cast<std::uint8_t>(text[0]);
    if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') return true;
    text.remove_prefix(1);
  }
  return false;
}

std::string excerpt(std::string_view value) {
  constexpr std::size_t bytes_max = 40;
  std::string shown(value.substr(0, bytes_max));
  for (char& c : shown) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  if (value.size() > bytes_max) shown += "...";
  return shown;
}

}  // namespace stratum::json
