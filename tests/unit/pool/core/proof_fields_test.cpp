#include "pool/core/proof_fields.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <string>

using pool::ProofFields;
namespace json = stratum::json;

namespace {

constexpr std::string_view object =
    R"({"bytes":"00ff","hash":"00000000000000000000000000000000000000000000000000000000000000ff",)"
    R"("number":12,"big":18446744073709551615,"text":"a\"b","list":[1,2],"nothing":null})";

// The error of one reader on the object above.
template <class Read>
std::string why(Read&& read) {
  json::Document document;
  const auto root = document.parse(object);
  REQUIRE(root.has_value());
  ProofFields fields(*root, "here: ");
  read(fields);
  return fields.why();
}

}  // namespace

TEST_CASE("members of each form") {
  json::Document document;
  const auto root = document.parse(object);
  REQUIRE(root.has_value());
  ProofFields fields(*root);
  std::array<std::uint8_t, 2> bytes{};
  fields.bytes("bytes", bytes);
  CHECK(bytes == std::array<std::uint8_t, 2>{0x00, 0xff});
  CHECK(fields.bytes_up_to("bytes", 2) == base::Bytes{0x00, 0xff});
  std::uint16_t numeral = 0;
  fields.numeral("bytes", numeral);
  CHECK(numeral == 0x00ff);
  base::U256 wide;
  fields.numeral("hash", wide);
  CHECK(wide == base::U256{0xff});
  bitcoin::BlockHash hash;
  fields.hash("hash", hash);
  CHECK(hash.bytes[0] == 0xff);
  CHECK(fields.integer("number", 12) == 12);
  CHECK(fields.integer("big", ~std::uint64_t{0}) == ~std::uint64_t{0});
  CHECK(fields.text("text", 3) == "a\"b");
  CHECK(fields.list("list", 2).item_count() == 2);
  fields.expect_text("text", "a\"b");
  CHECK(fields.ok());
}

TEST_CASE("a member of another form is named, with its value and what was expected") {
  std::array<std::uint8_t, 3> three{};
  bitcoin::BlockHash hash;
  CHECK(why([&](ProofFields& f) { f.bytes("bytes", three); }) ==
        R"(here: bytes is "00ff", not 6 hex digits)");
  CHECK(why([&](ProofFields& f) { f.bytes("none", three); }) ==
        "here: none is missing, not a string of 6 hex digits");
  CHECK(why([&](ProofFields& f) { f.bytes_up_to("bytes", 1); }) ==
        R"(here: bytes is "00ff", not bytes in hex, at most 1 of them)");
  CHECK(why([&](ProofFields& f) { f.bytes_up_to("text", 8); }) ==
        R"(here: text is "a\"b", not bytes in hex, at most 8 of them)");
  CHECK(why([&](ProofFields& f) { f.hash("bytes", hash); }) ==
        R"(here: bytes is "00ff", not 64 hex digits)");
  CHECK(why([&](ProofFields& f) { f.integer("number", 11); }) ==
        "here: number is 12, not an integer of at most 11");
  CHECK(why([&](ProofFields& f) { f.integer("text", 11); }) ==
        R"(here: text is "a\"b", not an integer of at most 11)");
  CHECK(why([&](ProofFields& f) { f.text("text", 2); }) ==
        R"(here: text is "a\"b", not a string of at most 2 bytes)");
  CHECK(why([&](ProofFields& f) { f.text("nothing", 2); }) ==
        "here: nothing is null, not a string of at most 2 bytes");
  CHECK(why([&](ProofFields& f) { f.list("list", 1); }) ==
        "here: list is [1,2], not a list of at most 1");
  CHECK(why([&](ProofFields& f) { f.expect_text("text", "c"); }) ==
        R"(here: text is "a\"b", not "c")");
}

TEST_CASE("the first that is wrong is told") {
  CHECK(why([](ProofFields& f) {
          f.integer("number", 11);
          f.integer("big", 1);
          f.wrong("text", "anything");
        }) == "here: number is 12, not an integer of at most 11");
}
