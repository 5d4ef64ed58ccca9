#include "common/bitcoin/bech32.h"

#include "common/base/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using base::Bytes;
using bitcoin::Bech32;
using bitcoin::Bech32Error;
using bitcoin::Bech32Form;

namespace {

std::string lower_case(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

}  // namespace

TEST_CASE("the valid strings of BIP173 and BIP350 decode and encode") {
  struct Row {
    Bech32Form form;
    std::string text;
  };
  const Row rows[] = {
      {Bech32Form::bech32, "A12UEL5L"},
      {Bech32Form::bech32, "a12uel5l"},
      {Bech32Form::bech32,
       "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tg"
       "s"},
      {Bech32Form::bech32, "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw"},
      {Bech32Form::bech32, "11" + std::string(82, 'q') + "c8247j"},
      {Bech32Form::bech32, "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w"},
      {Bech32Form::bech32, "?1ezyfcl"},
      {Bech32Form::bech32m, "A1LQFN3A"},
      {Bech32Form::bech32m, "a1lqfn3a"},
      {Bech32Form::bech32m,
       "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg"
       "6"},
      {Bech32Form::bech32m, "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx"},
      {Bech32Form::bech32m, "11" + std::string(82, 'l') + "ludsr8"},
      {Bech32Form::bech32m, "split1checkupstagehandshakeupstreamerranterredcaperredlc445v"},
      {Bech32Form::bech32m, "?1v759aa"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto decoded = bitcoin::decode_bech32(row.text);
    REQUIRE(decoded);
    CHECK_EQ(decoded->form, row.form);
    CHECK_EQ(bitcoin::encode_bech32(*decoded), lower_case(row.text));
  }
}

TEST_CASE("the invalid strings of BIP173 and BIP350 are refused for their reason") {
  struct Row {
    const char* why;
    std::string text;
    Bech32Error error;
  };
  const Row rows[] = {
      {"human-readable part with a space", " 1nwldj5", Bech32Error::bad_character},
      {"human-readable part with DEL",
       "\x7f"
       "1axkwrx",
       Bech32Error::bad_character},
      {"human-readable part above ASCII",
       "\x80"
       "1eym55h",
       Bech32Error::bad_character},
      {"no separator", "pzry9x0s0muk", Bech32Error::bad_separator},
      {"nothing before the separator", "1pzry9x0s0muk", Bech32Error::bad_separator},
      {"b is no digit", "x1b4n0q5v", Bech32Error::bad_character},
      {"checksum too short", "li1dgmt3", Bech32Error::bad_checksum},
      {"checksum character above ASCII", "de1lg7wt\xff", Bech32Error::bad_character},
      {"checksum over the upper-case part", "A1G7SGD8", Bech32Error::bad_checksum},
      {"nothing before the separator, all digits", "10a06t8", Bech32Error::bad_separator},
      {"nothing before the separator, one q", "1qzzfhee", Bech32Error::bad_separator},
      {"upper-case checksum", "a12UEL5L", Bech32Error::mixed_case},
      {"one lower-case letter", "A12uEL5L", Bech32Error::mixed_case},
      {"one digit wrong", "abcdef1qpzrz9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
       Bech32Error::bad_checksum},
      {"bech32m: i is no digit", "lt1igcx5c0", Bech32Error::bad_character},
      {"bech32m: checksum too short", "in1muywd", Bech32Error::bad_checksum},
      {"bech32m: i in the checksum", "mm1crxm3i", Bech32Error::bad_character},
      {"bech32m: o in the checksum", "au1s5cgom", Bech32Error::bad_character},
      {"bech32m: checksum over the upper-case part", "M1VUXWEZ", Bech32Error::bad_checksum},
      {"empty", "", Bech32Error::bad_separator},
      {"a separator alone", "1", Bech32Error::bad_separator},
      {"a NUL", std::string("a1\0uel5l", 8), Bech32Error::bad_character},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto decoded = bitcoin::decode_bech32(row.text);
    REQUIRE_FALSE(decoded);
    CHECK_EQ(decoded.error(), row.error);
  }
}

TEST_CASE("every single wrong digit is noticed") {
  const std::string good = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";  // BIP173
  REQUIRE(bitcoin::decode_bech32(good));
  for (std::size_t i = 3; i < good.size(); ++i) {
    for (char digit : std::string("qpzry9x8gf2tvdw0s3jn54khce6mua7l")) {
      if (digit == good[i]) continue;
      std::string bad = good;
      bad[i] = digit;
      CAPTURE(bad);
      CHECK_FALSE(bitcoin::decode_bech32(bad));
    }
  }
}

TEST_CASE("bytes and digits convert into each other") {
  base::Random random(1);
  for (std::size_t size = 0; size <= 40; ++size) {
    Bytes bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    const Bytes digits = bitcoin::digits_from_bytes(bytes);
    CAPTURE(size);
    CHECK_EQ(digits.size(), (8 * size + 4) / 5);
    CHECK(std::all_of(digits.begin(), digits.end(), [](auto digit) { return digit < 32; }));
    CHECK_EQ(bitcoin::bytes_from_digits(digits), bytes);
  }
  CHECK_EQ(bitcoin::digits_from_bytes(Bytes{0xff}), Bytes{31, 28});
}

TEST_CASE("bits left over must be fewer than a digit and zero") {
  CHECK(bitcoin::bytes_from_digits(Bytes{31, 28}));
  CHECK_FALSE(bitcoin::bytes_from_digits(Bytes{31, 29}));     // the last bit of padding is set
  CHECK_FALSE(bitcoin::bytes_from_digits(Bytes{31, 28, 0}));  // seven bits left over
  CHECK_FALSE(bitcoin::bytes_from_digits(Bytes{0}));          // five
}
