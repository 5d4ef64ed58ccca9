#include "common/base/bytes.h"

#include "common/base/assert.h"

#include <bit>
#include <cstring>

namespace base {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::uint8_t not_a_digit = 0xff;

// The value of each hex digit by its character; not_a_digit for every other character.
constexpr std::array<std::uint8_t, 256> make_digit_values() {
  std::array<std::uint8_t, 256> values{};
  for (auto& value : values) value = not_a_digit;
  for (std::uint8_t i = 0; i < 10; ++i) values['0' + std::size_t{i}] = i;
  for (std::uint8_t i = 0; i < 6; ++i) {
    values['a' + std::size_t{i}] = static_cast<std::uint8_t>(10 + i);
    values['A' + std::size_t{i}] = static_cast<std::uint8_t>(10 + i);
  }
  return values;
}
constexpr std::array<std::uint8_t, 256> digit_values = make_digit_values();

std::uint8_t digit_value(char c) { return digit_values[static_cast<std::uint8_t>(c)]; }

void append_hex_byte(std::string& out, std::uint8_t byte) {
  out.push_back(hex_digits[byte >> 4]);
  out.push_back(hex_digits[byte & 15]);
}

// Sixteen digits at a time, by the compiler's vectors: a block template is 8 MB of them.
using Chars = std::uint8_t __attribute__((vector_size(16)));
using Pairs = std::uint16_t __attribute__((vector_size(16)));
using Decoded = std::uint8_t __attribute__((vector_size(8)));

// The bytes that as many hex digits are; `bad` gets a set bit where one of them is none.
Decoded decode_chars(Chars chars, Chars& bad) {
  const Chars digit = chars - '0';
  const Chars letter = (chars | 0x20) - 'a';
  const Chars is_digit = static_cast<Chars>(digit < 10);
  const Chars is_letter = static_cast<Chars>(letter < 6);
  bad |= ~(is_digit | is_letter);
  const Chars values = (digit & is_digit) | ((letter + 10) & is_letter);
  Pairs pairs;
  std::memcpy(&pairs, &values, sizeof pairs);
  const Pairs high = std::endian::native == std::endian::little ? pairs << 4 : pairs >> 4;
  const Pairs low = std::endian::native == std::endian::little ? pairs >> 8 : pairs;
  return __builtin_convertvector((high | low) & 0xff, Decoded);
}

// REQUIRES: hex.size() == 2 * out.size().
bool decode_digits(std::string_view hex, std::span<std::uint8_t> out) {
  std::size_t i = 0;
  Chars bad{};
  for (; i + sizeof(Decoded) <= out.size(); i += sizeof(Decoded)) {
    Chars chars;
    std::memcpy(&chars, hex.data() + 2 * i, sizeof chars);
    const Decoded decoded = decode_chars(chars, bad);
    std::memcpy(out.data() + i, &decoded, sizeof decoded);
  }
  std::array<std::uint64_t, 2> any_bad;
  std::memcpy(any_bad.data(), &bad, sizeof any_bad);
  if ((any_bad[0] | any_bad[1]) != 0) return false;
  for (; i < out.size(); ++i) {
    const std::uint8_t high = digit_value(hex[2 * i]);
    const std::uint8_t low = digit_value(hex[2 * i + 1]);
    // A digit is below 16, so that a bit of the upper half means that one of them is none.
    if ((high | low) & 0xf0) return false;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

template <class Integer>
Integer read_little_endian(ByteSpan bytes) {
  ASSERT(bytes.size() >= sizeof(Integer));
  std::uint64_t value = 0;
  for (std::size_t i = sizeof(Integer); i-- > 0;) value = value << 8 | bytes[i];
  return static_cast<Integer>(value);
}

template <class Integer>
void write_little_endian(std::span<std::uint8_t> out, Integer value) {
  ASSERT(out.size() >= sizeof(Integer));
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    out[i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
}

template <class Integer>
void append_little_endian(Bytes& out, Integer value) {
  std::array<std::uint8_t, sizeof(Integer)> bytes;
  write_little_endian(bytes, value);
  append(out, bytes);
}

template <class Integer>
std::string integer_hex(Integer value) {
  std::string out;
  out.reserve(2 * sizeof(Integer));
  for (std::size_t i = sizeof(Integer); i-- > 0;) {
    append_hex_byte(out, static_cast<std::uint8_t>(value >> (8 * i)));
  }
  return out;
}

}  // namespace

std::string to_hex(ByteSpan bytes) {
  std::string out;
  append_hex(out, bytes);
  return out;
}

void append_hex(std::string& out, ByteSpan bytes) {
  const std::size_t old_size = out.size();
  out.resize(old_size + 2 * bytes.size());
  char* to = out.data() + old_size;
  for (const std::uint8_t byte : bytes) {
    *to++ = hex_digits[byte >> 4];
    *to++ = hex_digits[byte & 15];
  }
}

std::string to_reversed_hex(ByteSpan bytes) {
  std::string out;
  out.reserve(2 * bytes.size());
  for (std::size_t i = bytes.size(); i-- > 0;) append_hex_byte(out, bytes[i]);
  return out;
}

Result<Bytes, HexError> from_hex(std::string_view hex) {
  Bytes bytes;
  if (auto decoded = append_decoded_hex(hex, bytes); !decoded) return err(decoded.error());
  return bytes;
}

Result<void, HexError> decode_hex(std::string_view hex, std::span<std::uint8_t> out) {
  if (hex.size() % 2 != 0) return err(HexError::odd_length);
  if (hex.size() / 2 != out.size()) return err(HexError::wrong_length);
  if (!decode_digits(hex, out)) return err(HexError::not_hex);
  return {};
}

Result<void, HexError> append_decoded_hex(std::string_view hex, Bytes& out) {
  if (hex.size() % 2 != 0) return err(HexError::odd_length);
  const std::size_t old_size = out.size();
  out.resize(old_size + hex.size() / 2);
  if (!decode_digits(hex, std::span(out).subspan(old_size))) {
    out.resize(old_size);
    return err(HexError::not_hex);
  }
  return {};
}

std::string u32_hex(std::uint32_t value) { return integer_hex(value); }
std::string u64_hex(std::uint64_t value) { return integer_hex(value); }

std::uint16_t read_le16(ByteSpan bytes) { return read_little_endian<std::uint16_t>(bytes); }
std::uint32_t read_le32(ByteSpan bytes) { return read_little_endian<std::uint32_t>(bytes); }
std::uint64_t read_le64(ByteSpan bytes) { return read_little_endian<std::uint64_t>(bytes); }

std::uint32_t read_be32(ByteSpan bytes) {
  ASSERT(bytes.size() >= 4);
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]};
}

void write_le16(std::span<std::uint8_t> out, std::uint16_t value) {
  write_little_endian(out, value);
}
void write_le32(std::span<std::uint8_t> out, std::uint32_t value) {
  write_little_endian(out, value);
}
void write_le64(std::span<std::uint8_t> out, std::uint64_t value) {
  write_little_endian(out, value);
}

void write_be32(std::span<std::uint8_t> out, std::uint32_t value) {
  ASSERT(out.size() >= 4);
  for (std::size_t i = 0; i < 4; ++i) out[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

void append(Bytes& out, ByteSpan bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }
void append_le16(Bytes& out, std::uint16_t value) { append_little_endian(out, value); }
void append_le32(Bytes& out, std::uint32_t value) { append_little_endian(out, value); }
void append_le64(Bytes& out, std::uint64_t value) { append_little_endian(out, value); }

}  // namespace base
