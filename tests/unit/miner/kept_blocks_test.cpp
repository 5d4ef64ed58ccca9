// Solo blocks in files: whole or not there, and read back only as what they are named after.
#include "miner/kept_blocks.h"

#include "common/bitcoin/block.h"
#include "common/bitcoin/coinbase.h"
#include "tests/unit/miner/temporary_folder.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace miner {
namespace {

// Block 170 of the main chain would do too; this one only has to parse.
SoloBlock some_block(std::uint32_t height) {
  bitcoin::CoinbaseSpec spec;
  spec.height = height;
  spec.outputs = {{bitcoin::Sats{5'000'000'000}, base::Bytes{0x51}}};
  spec.extranonce_bytes = 8;
  const auto parts = bitcoin::build_coinbase(spec);
  REQUIRE(parts.has_value());
  const base::Bytes coinbase = bitcoin::assemble_coinbase(*parts, base::Bytes(4), base::Bytes(4));
  bitcoin::Header header;
  header.prev_hash.bytes.fill(7);
  header.nonce = height;
  SoloBlock block;
  block.hash = bitcoin::hash_header(header.serialize());
  block.prev_hash = header.prev_hash;
  block.height = height;
  block.hex = base::to_hex(bitcoin::serialize_block(header.serialize(), coinbase, 0, {}));
  return block;
}

TEST_CASE("what is kept is found again, whole, until it is removed") {
  const TemporaryFolder folder;
  const KeptBlocks kept(folder.path().string());
  CHECK(kept.find(4).blocks.empty());
  const SoloBlock block = some_block(500);
  REQUIRE(kept.keep(block).has_value());
  REQUIRE(kept.keep(block).has_value());  // twice is no harm
  const auto found = kept.find(4);
  CHECK(found.problems.empty());
  REQUIRE_EQ(found.blocks.size(), 1);
  CHECK_EQ(found.blocks[0].hash, block.hash);
  CHECK_EQ(found.blocks[0].prev_hash, block.prev_hash);
  CHECK_EQ(found.blocks[0].height, 500);
  CHECK_EQ(found.blocks[0].hex, block.hex);
  kept.remove(block.hash);
  kept.remove(block.hash);
  CHECK(kept.find(4).blocks.empty());
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("what is not the block of its name is told by name, and left") {
  const TemporaryFolder folder;
  const KeptBlocks kept(folder.path().string());
  const SoloBlock block = some_block(500);
  const SoloBlock other = some_block(501);
  struct Row {
    std::string text;
    const char* said;
  };
  const Row rows[] = {
      {"", "is no block in hex"},
      {"zz", "is no block in hex"},
      {block.hex.substr(0, block.hex.size() - 2), "is no block in hex"},
      {block.hex + "00", "is no block in hex"},
      {other.hex, "is not the block it is named after"},
      {std::string(KeptBlocks::file_bytes_max + 1, '0'), "at most 9437184 were expected"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.said);
    std::ofstream(kept.path_of(block.hash), std::ios::trunc) << row.text;
    const auto found = kept.find(4);
    CHECK(found.blocks.empty());
    REQUIRE_EQ(found.problems.size(), 1);
    CHECK_NE(found.problems[0].find(row.said), std::string::npos);
    CHECK_NE(found.problems[0].find(block.hash.display_hex()), std::string::npos);
  }
  // With a line end, as an editor leaves one.
  std::ofstream(kept.path_of(block.hash), std::ios::trunc) << block.hex << "\n";
  CHECK_EQ(kept.find(4).blocks.size(), 1);
}

TEST_CASE("so many at once, and other files are nobody's") {
  const TemporaryFolder folder;
  const KeptBlocks kept(folder.path().string());
  for (std::uint32_t height = 1; height <= 6; ++height) {
    REQUIRE(kept.keep(some_block(height)).has_value());
  }
  std::ofstream(folder.path() / "notes.hex") << "zz";
  std::ofstream(folder.path() / "phaseminer-block-1.hex.new") << "zz";
  const auto found = kept.find(4);
  CHECK_EQ(found.blocks.size(), 4);
  CHECK_EQ(found.left, 2);
  CHECK(found.problems.empty());
}

TEST_CASE("a folder that takes no file says so") {
  const KeptBlocks kept("/proc/phaseminer");
  const auto refused = kept.keep(some_block(1));
  REQUIRE_FALSE(refused.has_value());
  CHECK_NE(refused.error().find("/proc/phaseminer/phaseminer-block-"), std::string::npos);
  CHECK(kept.find(4).blocks.empty());
}

}  // namespace
}  // namespace miner
