#include "pool/node/block_vault.h"

#include "common/base/bytes.h"
#include "common/bitcoin/header.h"
#include "tests/loop/pool/node/waiting.h"

#include <doctest/doctest.h>

#include <fstream>
#include <optional>

namespace pool {
namespace {

namespace fs = std::filesystem;

// Eighty bytes of header and something behind it: all that the vault knows of a block.
VaultedBlock make_block(std::uint32_t nonce) {
  bitcoin::Header header;
  header.nonce = nonce;
  const bitcoin::HeaderBytes bytes = header.serialize();
  return {header.hash(), std::make_shared<const std::string>(base::to_hex(bytes) + "01aabbcc"), {}};
}

struct Bench {
  uv::Loop loop;
  test::TemporaryFolder folder;
  BlockVault vault{loop, folder.path()};

  BlockVault::Outcome wait_for(const std::function<void(BlockVault::OnDone)>& act) {
    std::optional<BlockVault::Outcome> outcome;
    act([&](BlockVault::Outcome got) { outcome = std::move(got); });
    CHECK_MESSAGE(!outcome, "the answer comes from the loop, never from inside the call");
    REQUIRE(test::wait_until(loop, [&] { return outcome.has_value(); }));
    return *outcome;
  }
  BlockVault::Outcome store(const VaultedBlock& block) {
    return wait_for([&](BlockVault::OnDone done) { vault.store(block, done); });
  }
  BlockVault::Outcome retire(const VaultedBlock& block, BlockVault::Fate fate) {
    return wait_for([&](BlockVault::OnDone done) { vault.retire(block.hash, fate, done); });
  }
  std::string path_of(const VaultedBlock& block, const std::string& below = "") const {
    return folder.path() + "/vault/" + below + block.hash.display_hex() + ".block";
  }
  void write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }
};

}  // namespace

TEST_CASE("a stored block is there after a restart, as submitblock wants it") {
  Bench b;
  REQUIRE(b.vault.open());
  const VaultedBlock block = make_block(7);
  REQUIRE(b.store(block));

  BlockVault reopened(b.loop, b.folder.path());
  REQUIRE(reopened.open());
  const auto contents = reopened.load();
  REQUIRE(contents);
  REQUIRE_EQ(contents->blocks.size(), 1);
  CHECK_EQ(contents->blocks[0].hash, block.hash);
  CHECK_EQ(*contents->blocks[0].hex, *block.hex);
  CHECK(contents->ignored.empty());
}

TEST_CASE("the block's record is stored with it; without a good one the block is loaded alone") {
  Bench b;
  REQUIRE(b.vault.open());
  VaultedBlock block = make_block(7);
  block.candidate = BlockCandidateRecord{};
  block.candidate->hash = block.hash;
  block.candidate->worker_name = "rig";
  block.candidate->coinbase = base::Bytes(60'000, 0xab);
  REQUIRE(b.store(block));
  REQUIRE_EQ(b.vault.load()->blocks.size(), 1);
  CHECK(b.vault.load()->blocks[0].candidate == block.candidate);
  CHECK(b.vault.load()->ignored.empty());

  VaultedBlock of_another = block;
  of_another.candidate->hash = make_block(8).hash;
  REQUIRE(b.store(of_another));
  std::string whole;
  std::getline(std::ifstream(b.path_of(block)), whole, '\0');
  const std::string lines[] = {whole, *block.hex + "\nab\n", *block.hex + "\nzz\n",
                               *block.hex + "\n\n", whole.substr(0, whole.size() - 3) + "\n"};
  for (const std::string& text : lines) {
    CAPTURE(text.substr(block.hex->size(), 10));
    b.write(b.path_of(block), text);
    const auto contents = b.vault.load();
    REQUIRE_EQ(contents->blocks.size(), 1);
    CHECK_EQ(*contents->blocks[0].hex, *block.hex);
    CHECK_FALSE(contents->blocks[0].candidate);
    REQUIRE_EQ(contents->ignored.size(), 1);
    CHECK_NE(contents->ignored[0].find("is not the block's record"), std::string::npos);
  }
}

TEST_CASE("a settled block is kept elsewhere and not loaded again") {
  struct Row {
    BlockVault::Fate fate;
    const char* folder;
  };
  for (const Row& row :
       {Row{BlockVault::Fate::done, "done/"}, Row{BlockVault::Fate::rejected, "rejected/"}}) {
    CAPTURE(row.folder);
    Bench b;
    REQUIRE(b.vault.open());
    const VaultedBlock block = make_block(7);
    REQUIRE(b.store(block));
    REQUIRE(b.retire(block, row.fate));
    CHECK(b.vault.load()->blocks.empty());
    CHECK(fs::exists(b.path_of(block, row.folder)));
    CHECK_FALSE(fs::exists(b.path_of(block)));
  }
}

TEST_CASE("files that are not a whole block are left out, and said so") {
  struct Row {
    const char* why;
    std::function<std::string(const std::string& whole)> change;
  };
  const Row rows[] = {
      {"it does not end with a newline", [](const auto& s) { return s.substr(0, s.size() - 1); }},
      {"it does not end with a newline", [](const auto&) { return std::string(); }},
      {"it is not a block in hex", [](const auto& s) { return s.substr(0, 100) + "\n"; }},
      {"it is not a block in hex", [](const auto& s) { return "zz" + s; }},
      {"its header has another hash", [](const auto& s) { return "ff" + s.substr(2); }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    Bench b;
    REQUIRE(b.vault.open());
    const VaultedBlock block = make_block(7);
    b.write(b.path_of(block), row.change(*block.hex + "\n"));
    const auto contents = b.vault.load();
    REQUIRE(contents);
    CHECK(contents->blocks.empty());
    REQUIRE_EQ(contents->ignored.size(), 1);
    CHECK_NE(contents->ignored[0].find(row.why), std::string::npos);
    CHECK_NE(contents->ignored[0].find(b.path_of(block)), std::string::npos);
  }
}

TEST_CASE("what an interrupted write left behind is removed") {
  Bench b;
  REQUIRE(b.vault.open());
  const VaultedBlock block = make_block(7);
  const std::string unfinished = b.path_of(block) + ".tmp";
  b.write(unfinished, block.hex->substr(0, 50));
  const auto contents = b.vault.load();
  REQUIRE(contents);
  CHECK(contents->blocks.empty());
  CHECK(contents->ignored.empty());
  CHECK_FALSE(fs::exists(unfinished));
}

TEST_CASE("a block finds its folder made anew when somebody removed it") {
  Bench b;
  REQUIRE(b.vault.open());
  fs::remove_all(b.folder.path() + "/vault");
  REQUIRE(b.store(make_block(7)));
  CHECK_EQ(b.vault.load()->blocks.size(), 1);
}

TEST_CASE("a vault that can't be written says which file and why") {
  Bench b;
  b.write(b.folder.path() + "/vault", "a file where the folder should be");
  const auto opened = b.vault.open();
  REQUIRE_FALSE(opened);
  CHECK_NE(opened.error().find(b.folder.path() + "/vault"), std::string::npos);
  const auto stored = b.store(make_block(7));
  REQUIRE_FALSE(stored);
  CHECK_NE(stored.error().find("can't create"), std::string::npos);
}

TEST_CASE("of the settled blocks only the newest are kept") {
  Bench b;
  REQUIRE(b.vault.open());
  for (int i = 0; i < 300; ++i) {
    b.write(b.folder.path() + "/vault/done/old" + std::to_string(i) + ".block", "x");
    fs::last_write_time(b.folder.path() + "/vault/done/old" + std::to_string(i) + ".block",
                        fs::file_time_type::clock::now() - std::chrono::hours(i + 1));
  }
  const VaultedBlock block = make_block(7);
  REQUIRE(b.store(block));
  REQUIRE(b.retire(block, BlockVault::Fate::done));
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& file : fs::directory_iterator(b.folder.path() + "/vault/done"))
    ++files;
  CHECK_EQ(files, 256);
  CHECK(fs::exists(b.path_of(block, "done/")));
  CHECK(fs::exists(b.folder.path() + "/vault/done/old0.block"));
  CHECK_FALSE(fs::exists(b.folder.path() + "/vault/done/old299.block"));
}

}  // namespace pool
