#include "common/bitcoin/base58.h"

#include "common/base/random.h"

#include <doctest/doctest.h>

#include <string>

using base::Bytes;
using bitcoin::Base58Error;

TEST_CASE("base58 gives the published answers both ways") {
  struct Row {
    const char* hex;
    const char* text;
  };
  // Bitcoin Core, test/data/base58_encode_decode.json.
  const Row rows[] = {
      {"", ""},
      {"61", "2g"},
      {"626262", "a3gV"},
      {"636363", "aPEr"},
      {"73696d706c792061206c6f6e6720737472696e67", "2cFupjhnEsSn59qHXstmK2ffpLv2"},
      {"00eb15231dfceb60925886b67d065299925915aeb172c06647", "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L"},
      {"516b6fcd0f", "ABnLTmg"},
      {"bf4f89001e670274dd", "3SEo3LWLoPntC"},
      {"572e4794", "3EFU7m"},
      {"ecac89cad93923c02321", "EJDM8drfXA6uyA"},
      {"10c8511e", "Rt5zm"},
      {"00000000000000000000", "1111111111"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto decoded = bitcoin::decode_base58(row.text);
    REQUIRE(decoded);
    CHECK_EQ(base::to_hex(*decoded), row.hex);
    CHECK_EQ(bitcoin::encode_base58(*decoded), row.text);
  }
}

TEST_CASE("base58 has no zero, O, I, l, and nothing but its digits") {
  for (const char* text : {"0", "O", "I", "l", " ", "1 ", " 1", "a+", "\n", "\xff", "bad0"}) {
    CAPTURE(text);
    CHECK_FALSE(bitcoin::decode_base58(text));
    CHECK_EQ(bitcoin::decode_base58check(text).error(), Base58Error::bad_character);
  }
  CHECK_FALSE(bitcoin::decode_base58(std::string_view("1\0", 2)));
}

TEST_CASE("any bytes survive base58check, and a changed character is noticed") {
  base::Random random(1);
  for (int i = 0; i < 500; ++i) {
    Bytes payload(1 + random.below(40));
    for (auto& byte : payload) byte = static_cast<std::uint8_t>(random.next());
    for (std::size_t zero = random.below(4); zero-- > 0;) payload[zero % payload.size()] = 0;
    std::string text = bitcoin::encode_base58check(payload);
    const auto decoded = bitcoin::decode_base58check(text);
    REQUIRE(decoded);
    CHECK_EQ(*decoded, payload);
    char& changed = text[random.below(text.size())];
    changed = changed == 'z' ? 'y' : 'z';
    CHECK_FALSE(bitcoin::decode_base58check(text));
  }
}

TEST_CASE("a text with nothing but a checksum, or less, has no payload") {
  for (const char* text : {"", "1", "1111", "3QJmnh"}) {  // the last: the checksum of nothing
    CAPTURE(text);
    CHECK_EQ(bitcoin::decode_base58check(text).error(), Base58Error::bad_checksum);
  }
}
