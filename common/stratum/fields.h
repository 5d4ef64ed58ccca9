// Fields: reads the params of a Stratum message and remembers the first thing that was wrong.
//
// Each reader returns an empty value on error, so a message is read field by field and judged once
// at the end. Tolerances are those that real miners need; each is named at its reader.
//
// Errors: why() is empty, or one line: field, value, what was expected.
// Thread: pure; one owner.
#pragma once

#include "common/base/bytes.h"
#include "common/bitcoin/hash.h"
#include "common/stratum/json_tokens.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace stratum {

class Fields {
 public:
  bool ok() const { return why_.empty(); }
  std::string take_why() { return std::move(why_); }
  // `value` is quoted as the peer wrote it; `expected` completes "… is not ".
  void fail(std::string_view name, json::Value value, std::string_view expected);
  void fail(std::string_view name, std::string_view what);

  // A string without a NUL.
  std::string text(std::string_view name, json::Value value);
  // The same without blanks around it.
  std::string trimmed_text(std::string_view name, json::Value value);
  // Up to 8 hex digits of the integer, either case, blanks around them (NerdMiner v1.7.0 pads with
  // blanks, v2 drops leading zeros); or a JSON integer (some libraries send numbers).
  std::uint32_t u32(std::string_view name, json::Value value);
  // An even number of hex digits.
  std::string hex_text(std::string_view name, json::Value value);
  base::Bytes bytes(std::string_view name, json::Value value);
  bitcoin::Hash256 hash(std::string_view name, json::Value value);
  // Strict, for what no old firmware sends: exactly the digits that fill `out`, in lower case.
  void exact_hex(std::string_view name, json::Value value, std::span<std::uint8_t> out);
  // Likewise, 16 or 8 digits of the integer.
  std::uint64_t exact_u64(std::string_view name, json::Value value);
  std::uint32_t exact_u32(std::string_view name, json::Value value);
  // Likewise: a JSON integer of 32 bits, no string.
  std::uint32_t json_u32(std::string_view name, json::Value value);
  // A JSON number, or a string that holds one (cpuminer-opt); finite.
  double number(std::string_view name, json::Value value);
  // A JSON integer, or a string that holds one, of at most `most`.
  std::uint32_t integer(std::string_view name, json::Value value, std::uint32_t most);

 private:
  std::string why_;
};

std::string_view trim_blanks(std::string_view text);
// 1 to 8 hex digits and nothing else.
std::optional<std::uint32_t> parse_hex_u32(std::string_view digits);
std::optional<std::uint64_t> parse_decimal(std::string_view digits);
std::optional<double> parse_finite(std::string_view text);

}  // namespace stratum
