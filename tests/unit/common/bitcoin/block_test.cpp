#include "common/bitcoin/block.h"

#include "common/bitcoin/coinbase.h"

#include <doctest/doctest.h>

#include <string>

using base::Bytes;

namespace {

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

}  // namespace

TEST_CASE("the genesis block of mainnet, byte by byte") {
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

TEST_CASE("the genesis block of mainnet is read back") {
  const auto bytes = base::from_hex(header + "01" + coinbase);
  const auto block = bitcoin::parse_block(*bytes);
  REQUIRE(block);
  CHECK_EQ(block->header.hash().display_hex(),
           "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f");
  REQUIRE_EQ(block->transactions.size(), 1);
  CHECK_EQ(block->transactions[0].txid().display_hex(),
           "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b");
  CHECK_EQ(block->bytes, 285);
  CHECK_EQ(block->weight(), 4 * 285);
}

TEST_CASE("a witness weighs a quarter") {
  const auto legacy = base::from_hex(coinbase);
  const Bytes with_witness = bitcoin::coinbase_with_witness(*legacy);
  const auto block = bitcoin::parse_block(bitcoin::serialize_block({}, with_witness, 0, {}));
  REQUIRE(block);
  CHECK_EQ(block->bytes, 285 + 36);
  CHECK_EQ(block->weight(), 4 * 285 + 36);
}

TEST_CASE("bytes that are not one whole block") {
  using bitcoin::BlockError;
  const Bytes whole = *base::from_hex(header + "01" + coinbase);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    const auto cut = bitcoin::parse_block(base::ByteSpan(whole).first(length));
    REQUIRE_FALSE(cut);
    CHECK(cut.error() == BlockError::truncated);
  }
  struct Row {
    std::string hex;
    BlockError error;
  };
  const Row rows[] = {{header + "01" + coinbase + "00", BlockError::trailing_bytes},
                      {header + "00", BlockError::no_transactions},
                      {header + "02" + coinbase, BlockError::truncated},
                      {header + "ffffffffffffffffff" + coinbase, BlockError::truncated},
                      {header + "fd0100" + coinbase, BlockError::truncated},
                      {header + "01" + coinbase.substr(0, 8) + "0002" + coinbase.substr(8),
                       BlockError::bad_transaction}};
  for (const Row& row : rows) {
    CAPTURE(row.hex.substr(160, 30));
    const auto block = bitcoin::parse_block(*base::from_hex(row.hex));
    REQUIRE_FALSE(block);
    CHECK(block.error() == row.error);
  }
}
