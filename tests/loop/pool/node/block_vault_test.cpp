#include "pool/node/block_vault.h"

#include "common/base/bytes.h"
#include "common/bitcoin/block.h"
#include "common/bitcoin/header.h"
#include "common/uv/tcp.h"
#include "tests/loop/pool/node/waiting.h"

#include <doctest/doctest.h>

#include <fstream>
#include <optional>

#include <sys/stat.h>

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

// One that holds what its header commits to: the one transaction hashes to the root.
VaultedBlock make_whole_block() {
  bitcoin::Transaction coinbase;
  coinbase.inputs.resize(1);
  coinbase.outputs.resize(1);
  bitcoin::Header header;
  header.merkle_root = bitcoin::Hash256{coinbase.txid().bytes};
  const base::Bytes bytes =
      bitcoin::serialize_block(header.serialize(), coinbase.serialize_legacy(), 0, {});
  return {header.hash(), std::make_shared<const std::string>(base::to_hex(bytes)), {}};
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
      {"it is empty", [](const auto&) { return std::string(); }},
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

TEST_CASE("what an interrupted write left behind is removed when it is not a whole block") {
  const VaultedBlock block = make_whole_block();
  const std::string parts[] = {"",
                               block.hex->substr(0, 50),
                               *block.hex,
                               block.hex->substr(0, block.hex->size() - 2) + "\n",
                               make_block(7).hex->substr(0, 160) + "\n",
                               "zz\n"};
  for (const std::string& part : parts) {
    CAPTURE(part.size());
    Bench b;
    REQUIRE(b.vault.open());
    const std::string unfinished = b.path_of(block) + ".tmp";
    b.write(unfinished, part);
    const auto contents = b.vault.load();
    REQUIRE(contents);
    CHECK(contents->blocks.empty());
    CHECK(contents->ignored.empty());
    CHECK_FALSE(fs::exists(unfinished));
  }
}

TEST_CASE("a whole block that was not given its name yet is taken up, and gets it") {
  VaultedBlock block = make_whole_block();
  block.candidate = BlockCandidateRecord{};
  block.candidate->hash = block.hash;
  const std::string whole = *block.hex + vault_file_rest(block.candidate);
  struct Row {
    std::size_t bytes;
    bool record;
  };
  const Row rows[] = {
      {whole.size(), true}, {whole.size() - 1, false}, {block.hex->size() + 1, false}};
  for (const Row& row : rows) {
    CAPTURE(row.bytes);
    Bench b;
    REQUIRE(b.vault.open());
    b.write(b.path_of(block) + ".tmp", whole.substr(0, row.bytes));
    for (int start = 0; start < 2; ++start) {
      const auto contents = b.vault.load();
      REQUIRE(contents);
      REQUIRE_EQ(contents->blocks.size(), 1);
      CHECK_EQ(contents->blocks[0].hash, block.hash);
      CHECK_EQ(*contents->blocks[0].hex, *block.hex);
      CHECK_EQ(contents->blocks[0].candidate.has_value(), row.record);
      CHECK_FALSE(fs::exists(b.path_of(block) + ".tmp"));
      CHECK(fs::exists(b.path_of(block)));
    }
    REQUIRE(b.retire(block, BlockVault::Fate::done));
  }
}

TEST_CASE("beside the whole file, what is left of another write of it goes") {
  Bench b;
  REQUIRE(b.vault.open());
  const VaultedBlock block = make_whole_block();
  REQUIRE(b.store(block));
  b.write(b.path_of(block) + ".tmp", *block.hex + "\n");
  const auto contents = b.vault.load();
  REQUIRE(contents);
  CHECK_EQ(contents->blocks.size(), 1);
  CHECK_FALSE(fs::exists(b.path_of(block) + ".tmp"));
}

TEST_CASE("a disk that hangs holds up nothing but the vault") {
  Bench b;
  REQUIRE(b.vault.open());
  const VaultedBlock first = make_block(7);
  const std::string pipe = b.path_of(first) + ".tmp";
  REQUIRE_EQ(::mkfifo(pipe.c_str(), 0600), 0);  // to open it waits until somebody reads
  int stored = 0;
  for (std::uint32_t i = 7; i < 17; ++i) {
    b.vault.store(make_block(i), [&](const BlockVault::Outcome&) { ++stored; });
  }
  bool looked_up = false;  // a name, by libuv's pool of threads
  uv::TcpConnector connector(b.loop, "localhost", 1, std::chrono::seconds(10), {},
                             [&](const auto&) { looked_up = true; });
  CHECK(test::wait_until(
      b.loop, [&] { return looked_up; }, std::chrono::seconds(5)));
  CHECK_EQ(stored, 0);
  {
    std::ifstream reader(pipe);
    fs::remove(pipe);  // what could not be synced is written again, to a file this time
    std::string heard;
    std::getline(reader, heard);
    CHECK_EQ(heard, *first.hex);
  }
  REQUIRE(test::wait_until(b.loop, [&] { return stored == 10; }));
  CHECK_EQ(b.vault.load()->blocks.size(), 10);
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
