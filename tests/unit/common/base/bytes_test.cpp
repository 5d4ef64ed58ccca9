#include "common/base/bytes.h"

#include <doctest/doctest.h>

using base::Bytes;
using base::HexError;

TEST_CASE("hex keeps the order of the bytes, reversed hex turns it round") {
  const Bytes bytes = {0x00, 0x01, 0xab, 0xff};
  CHECK_EQ(base::to_hex(bytes), "0001abff");
  CHECK_EQ(base::to_reversed_hex(bytes), "ffab0100");
  CHECK_EQ(base::to_hex({}), "");
  std::string out = "x";
  base::append_hex(out, bytes);
  CHECK_EQ(out, "x0001abff");
}

TEST_CASE("every byte survives hex in either case") {
  for (int value = 0; value < 256; ++value) {
    const Bytes bytes = {static_cast<std::uint8_t>(value)};
    std::string hex = base::to_hex(bytes);
    CHECK_EQ(base::from_hex(hex).value(), bytes);
    for (char& c : hex) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
    CHECK_EQ(base::from_hex(hex).value(), bytes);
  }
}

TEST_CASE("a character that is no digit is found wherever it stands") {
  for (const std::size_t length : {2, 14, 16, 18, 30, 32, 34, 62, 64, 66}) {
    CAPTURE(length);
    std::string hex;
    base::Bytes bytes;
    for (std::size_t i = 0; i < length / 2; ++i) {
      bytes.push_back(static_cast<std::uint8_t>(17 * i + 3));
      base::append_hex(hex, {&bytes.back(), 1});
    }
    CHECK_EQ(base::from_hex(hex).value(), bytes);
    for (std::size_t at = 0; at < length; ++at) {
      for (const char c :
           {'/', ':', '@', 'G', '`', 'g', '\0', '\x7f', '\x80', '\xb1', '\xff', ' '}) {
        std::string wrong = hex;
        wrong[at] = c;
        CHECK_FALSE(base::from_hex(wrong).has_value());
      }
    }
  }
}

TEST_CASE("exactly the hex digits are hex digits") {
  const std::string digits = "0123456789abcdefABCDEF";
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    const bool is_digit = digits.find(c) != std::string::npos;
    CAPTURE(value);
    CHECK_EQ(base::from_hex(std::string{c, '0'}).has_value(), is_digit);
    CHECK_EQ(base::from_hex(std::string{'0', c}).has_value(), is_digit);
  }
}

TEST_CASE("decoding is strict") {
  struct Row {
    const char* why;
    const char* hex;
    HexError error;
  };
  const Row rows[] = {
      {"half a byte", "abc", HexError::odd_length},
      {"too short", "ab", HexError::wrong_length},
      {"too long", "abcdef", HexError::wrong_length},
      {"nothing", "", HexError::wrong_length},
      {"a prefix", "0xab", HexError::not_hex},
      {"white space before", " abc", HexError::not_hex},
      {"white space after", "abc ", HexError::not_hex},
      {"a sign", "-abc", HexError::not_hex},
      {"a letter after f", "abcg", HexError::not_hex},
      {"a letter with the high bit", "ab\xc3\xa9", HexError::not_hex},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    std::array<std::uint8_t, 2> out{};
    const auto decoded = base::decode_hex(row.hex, out);
    REQUIRE_FALSE(decoded);
    CHECK_EQ(decoded.error(), row.error);
  }
}

TEST_CASE("append_decoded_hex leaves its output alone when it fails") {
  Bytes out = {1, 2};
  REQUIRE(base::append_decoded_hex("0304", out));
  CHECK_EQ(out, Bytes{1, 2, 3, 4});
  CHECK_EQ(base::append_decoded_hex("05zz", out).error(), HexError::not_hex);
  CHECK_EQ(base::append_decoded_hex("050", out).error(), HexError::odd_length);
  CHECK_EQ(out, Bytes{1, 2, 3, 4});
  REQUIRE(base::append_decoded_hex("", out));
  CHECK_EQ(out, Bytes{1, 2, 3, 4});
}

TEST_CASE("integers are read and written in the order of their name") {
  const Bytes bytes = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0xf8};
  CHECK_EQ(base::read_le16(bytes), 0x0201);
  CHECK_EQ(base::read_le32(bytes), 0x04030201u);
  CHECK_EQ(base::read_le64(bytes), 0xf807060504030201u);
  CHECK_EQ(base::read_be32(bytes), 0x01020304u);

  Bytes out(8);
  base::write_le64(out, 0xf807060504030201u);
  CHECK_EQ(out, bytes);
  base::write_le32(out, 0xa1b2c3d4u);
  CHECK_EQ(base::to_hex(out), "d4c3b2a1050607f8");
  base::write_le16(out, 0xe5f6);
  CHECK_EQ(base::to_hex(out), "f6e5b2a1050607f8");
  base::write_be32(out, 0xa1b2c3d4u);
  CHECK_EQ(base::to_hex(out), "a1b2c3d4050607f8");

  Bytes appended;
  base::append_le16(appended, 0x0102);
  base::append_le32(appended, 0x03040506);
  base::append_le64(appended, 0x0708090a0b0c0d0e);
  base::append(appended, Bytes{0xff});
  CHECK_EQ(base::to_hex(appended), "0201060504030e0d0c0b0a090807ff");
}

TEST_CASE("integers as hex are padded with zeros") {
  CHECK_EQ(base::u32_hex(0), "00000000");
  CHECK_EQ(base::u32_hex(0x20000000), "20000000");
  CHECK_EQ(base::u32_hex(0xfedcba98), "fedcba98");
  CHECK_EQ(base::u64_hex(1), "0000000000000001");
  CHECK_EQ(base::u64_hex(0xfedcba9876543210), "fedcba9876543210");
}

TEST_CASE("text and bytes are views of each other") {
  const std::string text = std::string("a\0b", 3);
  CHECK_EQ(base::as_bytes(text).size(), 3);
  CHECK_EQ(base::as_text(base::as_bytes(text)), text);
}
