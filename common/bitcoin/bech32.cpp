#include "common/bitcoin/bech32.h"

#include "common/base/assert.h"

#include <algorithm>

namespace bitcoin {
namespace {

constexpr std::string_view charset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t checksum_digits = 6;

constexpr std::uint32_t checksum_constant(Bech32Form form) {
  return form == Bech32Form::bech32 ? 1 : 0x2bc830a3;
}

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
char to_lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

// The BCH code of BIP173 over the expanded human-readable part and all digits.
std::uint32_t checksum_of(std::string_view human_readable_part, base::ByteSpan digits) {
  constexpr std::uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                         0x2a1462b3};
  std::uint32_t checksum = 1;
  const auto feed = [&](std::uint32_t value) {
    const std::uint32_t top = checksum >> 25;
    checksum = (checksum & 0x1ffffff) << 5 ^ value;
    for (int i = 0; i < 5; ++i) {
      if (top >> i & 1) checksum ^= generator[i];
    }
  };
  for (char c : human_readable_part) feed(static_cast<std::uint8_t>(c) >> 5);
  feed(0);
  for (char c : human_readable_part) feed(static_cast<std::uint8_t>(c) & 31);
  for (std::uint8_t digit : digits) feed(digit);
  return checksum;
}

}  // namespace

base::Result<Bech32, Bech32Error> decode_bech32(std::string_view text) {
  ASSERT(text.size() <= bech32_chars_max);
  // BIP173: characters 33 to 126.
  if (std::any_of(text.begin(), text.end(), [](char c) { return c < '!' || c > '~'; })) {
    return base::err(Bech32Error::bad_character);
  }
  if (std::any_of(text.begin(), text.end(), is_upper) &&
      std::any_of(text.begin(), text.end(), is_lower)) {
    return base::err(Bech32Error::mixed_case);
  }
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
  const std::size_t separator = lower.rfind('1');
  if (separator == std::string::npos || separator == 0) {
    return base::err(Bech32Error::bad_separator);
  }

  Bech32 value;
  value.human_readable_part = lower.substr(0, separator);
  for (char c : lower.substr(separator + 1)) {
    const std::size_t digit = charset.find(c);
    if (digit == std::string_view::npos) return base::err(Bech32Error::bad_character);
    value.digits.push_back(static_cast<std::uint8_t>(digit));
  }
  if (value.digits.size() < checksum_digits) return base::err(Bech32Error::bad_checksum);
  const std::uint32_t checksum = checksum_of(value.human_readable_part, value.digits);
  value.digits.resize(value.digits.size() - checksum_digits);
  for (Bech32Form form : {Bech32Form::bech32, Bech32Form::bech32m}) {
    value.form = form;
    if (checksum == checksum_constant(form)) return value;
  }
  return base::err(Bech32Error::bad_checksum);
}

std::string encode_bech32(const Bech32& value) {
  base::Bytes digits = value.digits;
  digits.resize(digits.size() + checksum_digits);
  const std::uint32_t checksum =
      checksum_of(value.human_readable_part, digits) ^ checksum_constant(value.form);
  for (std::size_t i = 0; i < checksum_digits; ++i) {
    const std::size_t shift = 5 * (checksum_digits - 1 - i);
    digits[value.digits.size() + i] = static_cast<std::uint8_t>(checksum >> shift & 31);
  }
  std::string text = value.human_readable_part + "1";
  for (std::uint8_t digit : digits) {
    ASSERT(digit < charset.size());
    text.push_back(charset[digit]);
  }
  return text;
}

std::optional<base::Bytes> bytes_from_digits(base::ByteSpan digits) {
  base::Bytes bytes;
  std::uint32_t pending = 0;
  int pending_bits = 0;
  for (std::uint8_t digit : digits) {
    pending = (pending << 5 | digit) & 0xfff;
    pending_bits += 5;
    if (pending_bits < 8) continue;
    pending_bits -= 8;
    bytes.push_back(static_cast<std::uint8_t>(pending >> pending_bits));
  }
  const std::uint32_t padding = pending & ((1u << pending_bits) - 1);
  if (pending_bits > 4 || padding != 0) return std::nullopt;
  return bytes;
}

base::Bytes digits_from_bytes(base::ByteSpan bytes) {
  base::Bytes digits;
  std::uint32_t pending = 0;
  int pending_bits = 0;
  for (std::uint8_t byte : bytes) {
    pending = (pending << 8 | byte) & 0xfff;
    pending_bits += 8;
    for (; pending_bits >= 5; pending_bits -= 5) {
      digits.push_back(static_cast<std::uint8_t>(pending >> (pending_bits - 5) & 31));
    }
  }
  if (pending_bits > 0) {
    digits.push_back(static_cast<std::uint8_t>(pending << (5 - pending_bits) & 31));
  }
  return digits;
}

}  // namespace bitcoin
