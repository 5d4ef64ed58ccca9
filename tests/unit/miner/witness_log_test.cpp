// The witness log: what is written when, across restarts, and when it can't be written.
#include "miner/witness_log.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace miner {
namespace {

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "witness-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string file() const { return (path / "witness.log").string(); }
  std::string text() const {
    std::ostringstream all;
    all << std::ifstream(file()).rdbuf();
    return all.str();
  }
  void write(const std::string& text) const { std::ofstream(file()) << text; }
};

crypto::Digest digest(std::uint8_t first) {
  crypto::Digest all{};
  all[0] = first;
  all[31] = 0xee;
  return all;
}
std::string line(int height, const char* first, int time) {
  return std::to_string(height) + " " + first + std::string(60, '0') + "ee " +
         std::to_string(time) + "\n";
}

TEST_CASE("a line for each block, and none for what did not change") {
  const Folder folder;
  WitnessLog log(folder.file());
  CHECK_FALSE(log.open());
  CHECK_EQ(folder.text(), "");
  CHECK_FALSE(log.note(0, digest(0), 100));
  CHECK_FALSE(log.note(0, digest(0), 120));
  CHECK_FALSE(log.note(1, digest(0xab), 140));
  CHECK_FALSE(log.note(1, digest(0xac), 141));  // the pool told another block before: on record
  CHECK_FALSE(log.note(2, digest(0xac), 150));
  CHECK_EQ(folder.text(),
           line(0, "00", 100) + line(1, "ab", 140) + line(1, "ac", 141) + line(2, "ac", 150));
  CHECK_EQ(log.lines_written(), 4);
}

TEST_CASE("a restart goes on, and does not repeat the last line") {
  const Folder folder;
  (void)WitnessLog(folder.file()).note(7, digest(1), 100);
  {
    WitnessLog log(folder.file());
    CHECK_FALSE(log.note(7, digest(1), 200));
    CHECK_EQ(folder.text(), line(7, "01", 100));
    CHECK_FALSE(log.note(8, digest(2), 201));
  }
  WitnessLog again(folder.file());
  CHECK_FALSE(again.note(8, digest(2), 300));
  CHECK_FALSE(again.note(4294967295U, digest(255), 9999999999));
  CHECK_EQ(folder.text(), line(7, "01", 100) + line(8, "02", 201) + "4294967295 ff" +
                              std::string(60, '0') + "ee 9999999999\n");
  WitnessLog longest(folder.file());
  CHECK_FALSE(longest.note(4294967295U, digest(255), 9999999999));
  CHECK_EQ(longest.lines_written(), 0);
}

TEST_CASE("what a crash left of a line is cut off") {
  const std::string whole = line(7, "01", 100);
  for (const std::size_t left : {std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{66},
                                 std::size_t{67}, whole.size() - 1}) {
    CAPTURE(left);
    const Folder folder;
    folder.write(whole + line(8, "02", 200).substr(0, left));
    WitnessLog log(folder.file());
    CHECK_FALSE(log.note(8, digest(2), 201));
    CHECK_EQ(folder.text(), whole + line(8, "02", 201));
  }
}

TEST_CASE("a file of another kind is not touched, and told once") {
  for (const std::string& other :
       {std::string("my notes"), std::string("my notes\n"), std::string("12 ab\n"),
        line(7, "01", 100) + "a word\n", line(7, "01", 100) + "a word", std::string(500, '1'),
        // Near misses: a key, a number, the start of a line with no whole one before it, …
        std::string(64, 'd'), std::string("42"), line(7, "01", 100).substr(0, 20),
        line(7, "01", 100).substr(0, 70), std::string("\n"),
        // … after a whole line what can't be the start of another, …
        line(7, "01", 100) + std::string(64, 'd'), line(7, "01", 100) + "8 00ff 1",
        line(7, "01", 100) + " ", line(7, "01", 100) + "12345678901",
        line(7, "01", 100) + "8 " + std::string(65, '0'),
        line(7, "01", 100) + "8 " + std::string(64, '0') + " 17ab",
        // … and lines that only begin as ours do.
        "7 " + std::string(64, '0') + "\n", "7 " + std::string(64, '0') + " \n",
        "7 " + std::string(64, '0') + " 17 more\n", "4294967296 " + std::string(64, '0') + " 17\n",
        std::string(120, '0') + line(7, "01", 100)}) {
    CAPTURE(other);
    const Folder folder;
    folder.write(other);
    WitnessLog log(folder.file());
    const auto problem = log.open();
    REQUIRE(problem);
    CHECK_NE(problem->find(folder.file()), std::string::npos);
    CHECK_NE(problem->find("another kind of file"), std::string::npos);
    CHECK_FALSE(log.note(8, digest(2), 201));
    CHECK_EQ(folder.text(), other);
  }
}

TEST_CASE("a path that can't be opened is told once, and taken up once it can be") {
  const Folder folder;
  const std::filesystem::path inner = folder.path / "later";
  WitnessLog log((inner / "w").string());
  const auto problem = log.open();
  REQUIRE(problem);
  CHECK_NE(problem->find("cannot be opened: No such file or directory"), std::string::npos);
  CHECK_FALSE(log.note(1, digest(1), 100));
  CHECK_FALSE(log.note(2, digest(2), 110));
  std::filesystem::create_directory(inner);
  CHECK_FALSE(log.note(3, digest(3), 120));
  CHECK_EQ(log.lines_written(), 1);
  CHECK(std::filesystem::exists(inner / "w"));

  WitnessLog folder_itself(folder.path.string());
  CHECK(folder_itself.open());
}

TEST_CASE("a full disk is told once") {
  if (!std::filesystem::exists("/dev/full")) return;
  WitnessLog log("/dev/full");
  CHECK_FALSE(log.open());
  const auto problem = log.note(1, digest(1), 100);
  REQUIRE(problem);
  CHECK_NE(problem->find("cannot be written: No space left on device"), std::string::npos);
  CHECK_FALSE(log.note(2, digest(2), 110));
  CHECK_EQ(log.lines_written(), 0);
}

TEST_CASE("a flood of blocks is noted at a bounded rate, and told once") {
  const Folder folder;
  WitnessLog log(folder.file());
  constexpr auto burst = static_cast<std::uint32_t>(WitnessLog::lines_burst);
  std::uint32_t height = 0;
  const auto note = [&](std::int64_t time) { return log.note(++height, digest(1), time); };
  while (height < burst) CHECK_FALSE(note(1000));
  const auto problem = note(1000);
  REQUIRE(problem);
  CHECK_NE(problem->find("600 at once and one a second"), std::string::npos);
  CHECK_FALSE(note(1000));
  CHECK_EQ(log.lines_written(), burst);
  for (std::int64_t time = 1001; time <= 1020; ++time) {
    for (int i = 0; i < 50; ++i) CHECK_FALSE(note(time));
  }
  CHECK_EQ(log.lines_written(), burst + 20);
  CHECK_FALSE(note(500));  // a clock that was set back
  CHECK_EQ(log.lines_written(), burst + 20);
  CHECK_FALSE(note(501));
  CHECK_EQ(log.lines_written(), burst + 21);

  // What was left out is noted once there is room again, if it still holds.
  CHECK_FALSE(note(501));
  CHECK_FALSE(log.note(height, digest(1), 502));
  CHECK_EQ(log.lines_written(), burst + 22);

  // After a quiet time the next flood is told again.
  for (std::uint32_t i = 0; i < burst; ++i) CHECK_FALSE(note(502 + WitnessLog::lines_burst));
  CHECK(note(502 + WitnessLog::lines_burst));
  CHECK_EQ(log.lines_written(), 2 * burst + 22);
}

TEST_CASE("a log that is full grows no further") {
  const Folder folder;
  const std::size_t line_bytes = line(1, "01", 100).size();
  WitnessLog log(folder.file(), 2 * line_bytes);
  CHECK_FALSE(log.note(1, digest(1), 100));
  CHECK_FALSE(log.note(2, digest(2), 100));
  const auto problem = log.note(3, digest(3), 100);
  REQUIRE(problem);
  CHECK_NE(problem->find("full"), std::string::npos);
  CHECK_FALSE(log.note(4, digest(4), 100));
  CHECK_EQ(folder.text().size(), 2 * line_bytes);
}

}  // namespace
}  // namespace miner
