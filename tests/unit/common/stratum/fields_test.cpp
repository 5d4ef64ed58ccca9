#include "common/stratum/fields.h"

#include <doctest/doctest.h>

#include <string>

using stratum::Fields;
using stratum::json::Document;

TEST_CASE("the first error is the one that is kept") {
  Document document;
  const auto root = document.parse("[\"zz\",\"1\",{}]");
  REQUIRE(root);
  Fields fields;
  CHECK_EQ(fields.u32("good", root->item(1)), 1);
  CHECK(fields.ok());
  fields.u32("first", root->item(0));
  fields.u32("second", root->item(2));
  CHECK_FALSE(fields.ok());
  CHECK_EQ(fields.take_why(), "first: \"zz\" is not 1 to 8 hex digits");
}

TEST_CASE("hex digits only, one to eight") {
  CHECK_EQ(stratum::parse_hex_u32("0"), 0u);
  CHECK_EQ(stratum::parse_hex_u32("DeadBeef"), 0xdeadbeefu);
  for (const char* text : {"", "123456789", "0x1", "-1", "+1", " 1", "1 ", "g", "1\n"}) {
    CAPTURE(text);
    CHECK_FALSE(stratum::parse_hex_u32(text));
  }
}

TEST_CASE("decimal integers are digits only") {
  CHECK_EQ(stratum::parse_decimal("0"), 0u);
  CHECK_EQ(stratum::parse_decimal("18446744073709551615"), 18446744073709551615u);
  for (const char* text : {"", "-0", "-1", "+1", "1.0", "1e3", "18446744073709551616", " 1"}) {
    CAPTURE(text);
    CHECK_FALSE(stratum::parse_decimal(text));
  }
}

TEST_CASE("numbers are finite") {
  CHECK_EQ(stratum::parse_finite("0.001000"), 0.001);
  CHECK_EQ(stratum::parse_finite("-1e3"), -1000.0);
  for (const char* text : {"", "inf", "-inf", "nan", "1e999", "1,5", "0x10", "1 "}) {
    CAPTURE(text);
    CHECK_FALSE(stratum::parse_finite(text));
  }
}

TEST_CASE("bytes, hashes and integers check their form") {
  Document document;
  const std::string text = "[\"00ff\",\"0\",\"" + std::string(64, 'a') + "\",\"3333\",70000,5]";
  const auto root = document.parse(text);
  REQUIRE(root);
  Fields good;
  CHECK_EQ(good.bytes("b", root->item(0)), base::Bytes{0x00, 0xff});
  CHECK_EQ(good.hash("h", root->item(2)).bytes[31], 0xaa);
  CHECK_EQ(good.integer("port", root->item(3), 65535), 3333);
  CHECK(good.ok());
  Fields odd;
  odd.bytes("coinb1", root->item(1));
  CHECK_EQ(odd.take_why(), "coinb1: \"0\" is not an even number of hex digits");
  Fields large;
  large.integer("port", root->item(4), 65535);
  CHECK_EQ(large.take_why(), "port: 70000 is not an integer from 0 to 65535");
  Fields short_hash;
  short_hash.hash("merkle_branch", root->item(0));
  CHECK_EQ(short_hash.take_why(), "merkle_branch: \"00ff\" is not 64 hex digits");
}
