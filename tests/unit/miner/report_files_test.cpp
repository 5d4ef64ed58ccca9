// Report files: whole lines or none, and the oldest go when there are too many.
#include "miner/report_files.h"

#include "tests/unit/miner/temporary_folder.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

namespace miner {
namespace {

using How = FileWrite::How;

TEST_CASE("files and their folders are made, lines appended, reports replaced") {
  const TemporaryFolder folder;
  const std::string dir = folder.path() / "reports";  // not there yet
  CHECK_FALSE(write_files(dir, {{How::append, "a/b/ledger_1.jsonl", "one\n"},
                                {How::replace, "a/system_report_1.json", "first\n"}}));
  CHECK_FALSE(write_files(dir, {{How::append, "a/b/ledger_1.jsonl", "two\n"},
                                {How::replace, "a/system_report_1.json", "second\n"}}));
  CHECK_EQ(folder.text_of("reports/a/b/ledger_1.jsonl"), "one\ntwo\n");
  CHECK_EQ(folder.text_of("reports/a/system_report_1.json"), "second\n");
  CHECK_FALSE(folder.has("reports/a/system_report_1.json.new"));
}

TEST_CASE("a folder that can't be made, a link in a file's place: said, nothing written") {
  const TemporaryFolder folder;
  const std::string dir = folder.path();
  REQUIRE_FALSE(write_files(dir, {{How::append, "file", "x"}}));
  const auto why = write_files(dir, {{How::append, "file/ledger_1.jsonl", "y"}});
  REQUIRE(why.has_value());
  CHECK_NE(why->find("Not a directory"), std::string::npos);
  std::filesystem::create_symlink(folder.path() / "file", folder.path() / "link");
  const auto linked = write_files(dir, {{How::append, "link", "y"}});
  REQUIRE(linked.has_value());
  CHECK_NE(linked->find("link\" cannot be opened"), std::string::npos);
  CHECK_EQ(folder.text_of("file"), "x");
}

TEST_CASE("what can't be written keeps no other file from being so; the first failure is told") {
  const TemporaryFolder folder;
  const std::string dir = folder.path();
  REQUIRE_FALSE(write_files(dir, {{How::append, "file", "x"}}));
  const auto why = write_files(dir, {{How::append, "a.jsonl", "a\n"},
                                     {How::append, "file/b.jsonl", "b\n"},
                                     {How::append, "c.jsonl", "c\n"},
                                     {How::replace, "file/d.json", "d\n"}});
  REQUIRE(why.has_value());
  CHECK_NE(why->find("file\""), std::string::npos);
  CHECK_EQ(folder.text_of("a.jsonl"), "a\n");
  CHECK_EQ(folder.text_of("c.jsonl"), "c\n");
}

// In a process of its own, whose files may have so many bytes: as a disk that is full.
int with_full_disk(const TemporaryFolder& folder, How how) {
  const pid_t child = fork();
  REQUIRE_GE(child, 0);
  if (child == 0) {
    const rlimit limit{10, 10};
    (void)std::signal(SIGXFSZ, SIG_IGN);
    (void)setrlimit(RLIMIT_FSIZE, &limit);
    const auto why = write_files(folder.path(), {{how, "ledger_1.jsonl", "a line too long\n"}});
    _exit(why ? 7 : 0);
  }
  int status = 0;
  REQUIRE_EQ(waitpid(child, &status, 0), child);
  return WEXITSTATUS(status);
}

TEST_CASE("a full disk leaves whole lines") {
  const TemporaryFolder folder;
  REQUIRE_FALSE(write_files(folder.path(), {{How::append, "ledger_1.jsonl", "one\n"}}));
  CHECK_EQ(with_full_disk(folder, How::append), 7);
  CHECK_EQ(folder.text_of("ledger_1.jsonl"), "one\n");
  CHECK_EQ(with_full_disk(folder, How::replace), 7);
  CHECK_EQ(folder.text_of("ledger_1.jsonl"), "one\n");
  CHECK_FALSE(folder.has("ledger_1.jsonl.new"));
}

TEST_CASE(
    "too much: the oldest hours go first, proofs last, the newest hour and others' files stay") {
  const TemporaryFolder folder;
  const std::string text(100, 'x');
  std::vector<FileWrite> writes;
  const auto add = [&](const std::string& path) { writes.push_back({How::append, path, text}); };
  const std::string ledger = "Mining/Ledgers/Miners/";
  add(ledger + "2026/11/22/04/ledger_1.jsonl");
  add(ledger + "2025/12/31/23/ledger_1.jsonl");
  add(ledger + "2026/11/22/05/ledger_1.jsonl");  // of now
  add("Mining/Math_Proofs/2025/01/01/00/block_00.json");
  add("Mining/Math_Proofs/2025/01/02/00/block_01.json");
  add("Mining/notes.txt");
  add(ledger + "2025/12/31/23/mine.txt");
  REQUIRE_FALSE(write_files(folder.path(), writes));
  const std::string dir = folder.path();
  const auto trim = [&](std::uint64_t bytes) { return trim_reports(dir, bytes, "2026/11/22/05/"); };

  CHECK_FALSE(trim(500));
  CHECK(folder.has(ledger + "2025/12/31/23/ledger_1.jsonl"));
  CHECK_FALSE(trim(499));
  CHECK_FALSE(folder.has(ledger + "2025/12/31/23/ledger_1.jsonl"));
  CHECK(folder.has(ledger + "2025/12/31/23/mine.txt"));
  CHECK(folder.has(ledger + "2026/11/22/04/ledger_1.jsonl"));
  CHECK_FALSE(trim(200));
  CHECK_FALSE(folder.has(ledger + "2026/11/22/04"));  // its folder too
  CHECK_FALSE(folder.has("Mining/Math_Proofs/2025/01/01"));
  CHECK(folder.has("Mining/Math_Proofs/2025/01/02/00/block_01.json"));
  CHECK_FALSE(trim(0));
  CHECK(folder.has(ledger + "2026/11/22/05/ledger_1.jsonl"));
  CHECK(folder.has("Mining/notes.txt"));
  CHECK_FALSE(folder.has("Mining/Math_Proofs/2025"));
}

TEST_CASE("there is nothing to trim") {
  const TemporaryFolder folder;
  CHECK(trim_reports(folder.path(), 0, "2026/11/22/05/").has_value());  // no folder at all
}

}  // namespace
}  // namespace miner
