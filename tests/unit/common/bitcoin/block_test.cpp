#include "common/bitcoin/block.h"

#include <doctest/doctest.h>

#include <string>

using base::Bytes;

TEST_CASE("the genesis block of mainnet, byte by byte") {
  // 80 bytes of header, one transaction. Source: Bitcoin Core, kernel/chainparams.cpp.
  const std::string header =
      "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac7"
      "2c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c";
  const std::string coinbase =
      "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff00"
      "1d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b20"
      "6f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afd"
      "b0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c"
      "384df7ba0b8d578a4c702b6bf11d5fac00000000";
  bitcoin::HeaderBytes header_bytes;
  REQUIRE(base::decode_hex(header, header_bytes));
  const auto coinbase_bytes = base::from_hex(coinbase);
  REQUIRE(coinbase_bytes);
  const Bytes block = bitcoin::serialize_block(header_bytes, *coinbase_bytes, 0, {});
  CHECK_EQ(base::to_hex(block), header + "01" + coinbase);
  CHECK_EQ(block.size(), 285);
}

TEST_CASE("the count includes the coinbase and grows with its value") {
  struct Row {
    std::uint64_t others;
    const char* count;
  };
  const Row rows[] = {
      {0, "01"}, {251, "fc"}, {252, "fdfd00"}, {65534, "fdffff"}, {65535, "fe00000100"}};
  for (const Row& row : rows) {
    CAPTURE(row.others);
    const Bytes block = bitcoin::serialize_block({}, Bytes{0xaa}, row.others, Bytes{0xbb, 0xcc});
    CHECK_EQ(base::to_hex(block), std::string(160, '0') + row.count + "aabbcc");
  }
}
