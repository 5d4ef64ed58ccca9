#include "common/bitcoin/header.h"

#include "common/base/random.h"
#include "tests/unit/vectors.h"

#include <doctest/doctest.h>

#include <string>

using bitcoin::BlockHash;
using bitcoin::Hash256;
using bitcoin::Header;
using bitcoin::HeaderBytes;

TEST_CASE("real headers serialise to the bytes that hash to their block hash") {
  struct Row {
    const char* why;
    std::uint32_t version;
    const char* prev_hash;
    const char* merkle_root;
    std::uint32_t ntime;
    std::uint32_t nbits;
    std::uint32_t nonce;
    const char* hash;
  };
  // As any block explorer shows them; the genesis blocks are in Bitcoin Core,
  // kernel/chainparams.cpp.
  const std::string none(64, '0');
  const Row rows[] = {
      {"mainnet genesis", 1, none.c_str(),
       "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b", 1231006505, 0x1d00ffff,
       2083236893, "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"},
      {"regtest genesis", 1, none.c_str(),
       "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b", 1296688602, 0x207fffff,
       2, "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"},
      {"mainnet 100,000", 1, "000000000002d01c1fccc21636b607dfd930d31d01c3a62104612a1719011250",
       "f3e94742aca4b5ef85488dc37c06c3282295ffec960994b2c0d5ac2a25a95766", 1293623863, 0x1b04864c,
       274148111, "000000000003ba27aa200b1cecaad478d2b00432346c3f1f3986da1afd33e506"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    Header header;
    header.version = row.version;
    header.prev_hash = BlockHash::from_display_hex(row.prev_hash).value();
    header.merkle_root = Hash256::from_display_hex(row.merkle_root).value();
    header.ntime = row.ntime;
    header.nbits = row.nbits;
    header.nonce = row.nonce;
    CHECK_EQ(header.hash().display_hex(), row.hash);
    CHECK_EQ(Header::parse(header.serialize()), header);
  }
}

TEST_CASE("headers that miners found parse and hash as recorded") {
  const auto vectors = vectors::load("stratum_shares.json");
  for (const auto& row : vectors.GetArray()) {
    CAPTURE(row["name"].GetString());
    const auto& expect = row["expect"];
    HeaderBytes bytes;
    REQUIRE(base::decode_hex(expect["header"].GetString(), bytes));
    CHECK_EQ(bitcoin::hash_header(bytes).display_hex(), expect["hash_display"].GetString());
    const Header header = Header::parse(bytes);
    CHECK_EQ(base::u32_hex(header.version), expect["version"].GetString());
    CHECK_EQ(base::u32_hex(header.nbits), row["notify_params"][6].GetString());
    CHECK_EQ(base::u32_hex(header.ntime), row["submit_params"][3].GetString());
    CHECK_EQ(base::u32_hex(header.nonce), row["submit_params"][4].GetString());
    CHECK_EQ(base::to_hex(header.merkle_root.bytes),
             expect["merkle_root_header_order"].GetString());
    CHECK_EQ(header.serialize(), bytes);
  }
}

TEST_CASE("parse and serialize undo each other for any 80 bytes") {
  base::Random random(1);
  for (int i = 0; i < 100; ++i) {
    HeaderBytes bytes;
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    CHECK_EQ(Header::parse(bytes).serialize(), bytes);
  }
}

TEST_CASE("a hash is shown reversed and read back so") {
  const std::string text = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";
  const auto hash = BlockHash::from_display_hex(text);
  REQUIRE(hash);
  CHECK_EQ(hash->bytes[0], 0x6f);
  CHECK_EQ(hash->bytes[31], 0x00);
  CHECK_EQ(hash->display_hex(), text);
  CHECK_FALSE(BlockHash::from_display_hex(text.substr(2)));
  CHECK_FALSE(BlockHash::from_display_hex("g" + text.substr(1)));
}
