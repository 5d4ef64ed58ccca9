// Solo blocks in files: whole or not there, and read back only as what they are named after.
#include "miner/kept_blocks.h"

#include "tests/unit/miner/some_block.h"
#include "tests/unit/miner/temporary_folder.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace miner {
namespace {

// All that lies there, as it would be handed over.
struct Found {
  std::vector<SoloBlock> blocks;
  std::vector<std::string> problems;
};
Found find(const KeptBlocks& kept) {
  KeptBlocks::Listed listed = kept.list();
  Found found{{}, std::move(listed.problems)};
  for (const std::string& path : listed.paths) {
    auto block = kept.read(path);
    if (block) {
      found.blocks.push_back(std::move(*block));
    } else {
      found.problems.push_back(std::move(block.error()));
    }
  }
  return found;
}

TEST_CASE("what is kept is found again, whole, until it is removed") {
  const TemporaryFolder folder;
  const KeptBlocks kept(folder.path().string());
  CHECK(find(kept).blocks.empty());
  const SoloBlock block = some_block(500);
  REQUIRE(kept.keep(block).has_value());
  REQUIRE(kept.keep(block).has_value());  // twice is no harm
  const auto found = find(kept);
  CHECK(found.problems.empty());
  REQUIRE_EQ(found.blocks.size(), 1);
  CHECK_EQ(found.blocks[0].hash, block.hash);
  CHECK_EQ(found.blocks[0].prev_hash, block.prev_hash);
  CHECK_EQ(found.blocks[0].height, 500);
  CHECK_EQ(found.blocks[0].hex, block.hex);
  kept.remove(block.hash);
  kept.remove(block.hash);
  CHECK(find(kept).blocks.empty());
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
    const auto found = find(kept);
    CHECK(found.blocks.empty());
    REQUIRE_EQ(found.problems.size(), 1);
    CHECK_NE(found.problems[0].find(row.said), std::string::npos);
    CHECK_NE(found.problems[0].find(block.hash.display_hex()), std::string::npos);
  }
  // With a line end, as an editor leaves one.
  std::ofstream(kept.path_of(block.hash), std::ios::trunc) << block.hex << "\n";
  CHECK_EQ(find(kept).blocks.size(), 1);
}

TEST_CASE("the newest comes first, and other files are nobody's") {
  const TemporaryFolder folder;
  const KeptBlocks kept(folder.path().string());
  const auto now = std::filesystem::file_time_type::clock::now();
  for (const std::uint32_t height : {3u, 1u, 6u, 2u, 5u, 4u}) {
    const SoloBlock block = some_block(height);
    REQUIRE(kept.keep(block).has_value());
    std::filesystem::last_write_time(kept.path_of(block.hash),
                                     now - std::chrono::hours(10 - height));
  }
  std::ofstream(folder.path() / "notes.hex") << "zz";
  std::ofstream(folder.path() / "phaseminer-block-1.hex.new") << "zz";
  const auto found = find(kept);
  CHECK(found.problems.empty());
  REQUIRE_EQ(found.blocks.size(), 6);
  for (std::uint32_t i = 0; i < 6; ++i) CHECK_EQ(found.blocks[i].height, 6 - i);
}

TEST_CASE("a busy folder hides nothing; more of ours than the limit is said") {
  const TemporaryFolder folder;
  const KeptBlocks kept(folder.path().string());
  const auto fill = [&](const char* name, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      std::ofstream(folder.path() / fmt::format(fmt::runtime(name), i)).put('z');
    }
  };
  fill("other-{}.hex", KeptBlocks::files_listed_max);
  fill("phaseminer-block-{}.hex", KeptBlocks::files_listed_max);
  auto listed = kept.list();
  CHECK_EQ(listed.paths.size(), KeptBlocks::files_listed_max);
  CHECK(listed.problems.empty());
  fill("phaseminer-block-more-{}.hex", 1);
  listed = kept.list();
  CHECK_EQ(listed.paths.size(), KeptBlocks::files_listed_max);
  REQUIRE_EQ(listed.problems.size(), 1);
  CHECK_NE(listed.problems[0].find("more than 10000 kept blocks"), std::string::npos);
}

TEST_CASE("a folder that takes no file says so") {
  const KeptBlocks kept("/proc/phaseminer");
  const auto refused = kept.keep(some_block(1));
  REQUIRE_FALSE(refused.has_value());
  CHECK_NE(refused.error().find("/proc/phaseminer/phaseminer-block-"), std::string::npos);
  const auto listed = kept.list();
  CHECK(listed.paths.empty());
  REQUIRE_EQ(listed.problems.size(), 1);
  CHECK_EQ(listed.problems[0], "/proc/phaseminer can't be listed: No such file or directory");
}

}  // namespace
}  // namespace miner
