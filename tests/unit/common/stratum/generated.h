// Generated values for the codec's property tests, and respell(): the same JSON by another hand,
// with members in another order, blanks wherever JSON allows them, any character of a string as an
// escape, further members that nobody knows.
#pragma once

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/bitcoin/target.h"
#include "common/stratum/json_tokens.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace generated {

using base::Random;
using stratum::json::Document;
using stratum::json::JsonKind;
using stratum::json::Value;

// ---------------------------------------------------------------- text

inline void append_utf8(std::string& out, std::uint32_t point) {
  const auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
  if (point < 0x80) return byte(point);
  if (point < 0x800) {
    byte(0xc0 | point >> 6);
  } else if (point < 0x10000) {
    byte(0xe0 | point >> 12);
    byte(0x80 | (point >> 6 & 63));
  } else {
    byte(0xf0 | point >> 18);
    byte(0x80 | (point >> 12 & 63));
    byte(0x80 | (point >> 6 & 63));
  }
  byte(0x80 | (point & 63));
}

// Any code point but NUL and the surrogates, with a liking for what JSON has to escape and for the
// ends of the ranges.
inline std::uint32_t code_point(Random& random) {
  constexpr std::uint32_t special[] = {'"',   '\\',  '/',    1,      0x1f,   0x7f,    0x80,
                                       0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff,
                                       '\n',  '\r',  '\t',   '{',    '}',    ',',     ':'};
  switch (random.below(4)) {
    case 0:
      return special[random.below(std::size(special))];
    case 1:
      return static_cast<std::uint32_t>(0xa0 + random.below(0xd000 - 0xa0));
    default:
      return static_cast<std::uint32_t>('!' + random.below('~' - '!'));
  }
}

inline std::string text(Random& random, std::size_t points_max) {
  std::string out;
  for (std::size_t i = random.below(points_max + 1); i > 0; --i)
    append_utf8(out, code_point(random));
  return out;
}

// Without blanks at its ends, which the codec trims.
inline std::string name(Random& random) { return "w" + text(random, 20) + "x"; }

inline std::string hex(Random& random, std::size_t bytes) {
  base::Bytes out(bytes);
  for (auto& byte : out) byte = static_cast<std::uint8_t>(random.next());
  return base::to_hex(out);
}

inline std::uint32_t any_u32(Random& random) {
  constexpr std::uint32_t edges[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xf, 0x10};
  if (random.below(3) == 0) return edges[random.below(std::size(edges))];
  return static_cast<std::uint32_t>(random.next() >> random.below(33) % 32);
}

// From 2^-32 to 2^63, all magnitudes alike, and the ends.
inline double any_difficulty(Random& random) {
  switch (random.below(8)) {
    case 0:
      return bitcoin::Difficulty::least;
    case 1:
      return bitcoin::Difficulty::most;
    case 2:
      return std::ldexp(1.0, static_cast<int>(random.below(96)) - 32);
    default:
      return std::ldexp(1.0 + std::ldexp(static_cast<double>(random.next() >> 12), -52),
                        static_cast<int>(random.below(95)) - 32);
  }
}

// ---------------------------------------------------------------- another hand

inline std::string blanks(Random& random) {
  std::string out;
  while (random.below(3) == 0) out += " \t"[random.below(2)];
  return out;
}

inline std::string u_escape(std::uint32_t unit, Random& random) {
  std::string digits = base::u32_hex(unit).substr(4);
  for (char& c : digits) {
    if (random.below(2) == 0 && c >= 'a') c = static_cast<char>(c - 'a' + 'A');
  }
  return "\\u" + digits;
}

inline std::uint32_t take_point(std::string_view& rest) {
  const auto first = static_cast<std::uint8_t>(rest[0]);
  const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  std::uint32_t point = length == 1 ? first : first & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) point = point << 6 | (rest[i] & 63u);
  rest.remove_prefix(length);
  return point;
}

inline std::string spell_string(std::string_view rest, Random& random) {
  std::string out = "\"";
  while (!rest.empty()) {
    const std::uint32_t point = take_point(rest);
    const bool must = point < 0x20 || point == '"' || point == '\\';
    if (!must && random.below(4) != 0) {
      append_utf8(out, point);
    } else if (point == '/' || point == '"' || point == '\\') {
      out += '\\';
      out += static_cast<char>(point);
    } else if (point < 0x10000) {
      out += u_escape(point, random);
    } else {
      out += u_escape(0xd800 + ((point - 0x10000) >> 10), random);
      out += u_escape(0xdc00 + ((point - 0x10000) & 0x3ff), random);
    }
  }
  return out + '"';
}

inline std::string respell(Value value, Random& random);

inline std::string join(std::vector<std::string> parts, Random& random) {
  std::string out = blanks(random);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += ',';
    out += blanks(random) + parts[i] + blanks(random);
  }
  return out;
}

inline std::string respell_object(Value value, Random& random) {
  std::vector<std::string> members;
  value.for_each_member([&](std::string_view key, Value member) {
    members.push_back(spell_string(key, random) + blanks(random) + ":" + blanks(random) +
                      respell(member, random));
  });
  for (std::size_t i = members.size(); i > 1; --i)
    std::swap(members[i - 1], members[random.below(i)]);
  return "{" + join(std::move(members), random) + "}";
}

inline std::string respell(Value value, Random& random) {
  if (value.is(JsonKind::string)) return spell_string(value.text(), random);
  if (value.is(JsonKind::object)) return respell_object(value, random);
  if (!value.is(JsonKind::array)) return std::string(value.raw());
  std::vector<std::string> items;
  value.for_each_item([&](Value item) { items.push_back(respell(item, random)); });
  return "[" + join(std::move(items), random) + "]";
}

// The line as another program might have written it, without its newline.
inline std::string respelled(std::string_view line, Random& random) {
  Document document;
  const auto root = document.parse(line.substr(0, line.size() - 1));
  REQUIRE(root);
  std::string out = respell(*root, random);
  if (random.below(2) == 0) {
    out.pop_back();
    out += R"(,"jsonrpc":"2.0",)" + spell_string("x" + text(random, 5), random) + ":[{}]}";
  }
  return blanks(random) + out + blanks(random);
}

}  // namespace generated
