#include "common/stratum/codec.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using stratum::ProtocolError;

namespace {

bitcoin::BlockHash from_display(std::string_view hex) {
  const auto hash = bitcoin::BlockHash::from_display_hex(hex);
  REQUIRE(hash);
  return *hash;
}

}  // namespace

TEST_CASE("prevhash goes to the wire with the bytes of each word swapped, and back") {
  struct Row {
    const char* why;
    std::string_view display;
    std::string_view wire;
  };
  const Row rows[] = {
      {"regtest block 502", "773baafe908901fc6a097695658199101c6cf902005bbc9ea321ce3dc531dbc2",
       "c531dbc2a321ce3d005bbc9e1c6cf902658199106a097695908901fc773baafe"},
      {"template_to_notify.json, one-txn",
       "45f85fa6e71b3d91c0cd7ddb1732c422aa0a34e9c9115a42c770ef1caadbdeb0",
       "aadbdeb0c770ef1cc9115a42aa0a34e91732c422c0cd7ddbe71b3d9145f85fa6"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const bitcoin::BlockHash hash = from_display(row.display);
    CHECK_EQ(stratum::prevhash_to_wire(hash), row.wire);
    bitcoin::BlockHash back;
    REQUIRE(stratum::prevhash_from_wire(row.wire, back));
    CHECK_EQ(back, hash);
  }
}

TEST_CASE("a prevhash that is not 64 hex digits is refused") {
  bitcoin::BlockHash out;
  CHECK_FALSE(stratum::prevhash_from_wire("", out));
  CHECK_FALSE(stratum::prevhash_from_wire(std::string(63, '0'), out));
  CHECK_FALSE(stratum::prevhash_from_wire(std::string(66, '0'), out));
  CHECK_FALSE(stratum::prevhash_from_wire(std::string(63, '0') + "g", out));
}

TEST_CASE("every protocol error has words of its own") {
  const ProtocolError errors[] = {ProtocolError::not_json,      ProtocolError::not_an_object,
                                  ProtocolError::too_deep,      ProtocolError::bad_id,
                                  ProtocolError::line_too_long, ProtocolError::no_method};
  std::set<std::string> words;
  for (const ProtocolError error : errors) words.insert(std::string(stratum::describe(error)));
  CHECK_EQ(words.size(), std::size(errors));
}
