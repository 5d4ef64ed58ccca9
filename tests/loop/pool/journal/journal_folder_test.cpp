#include "pool/journal/journal_folder.h"

#include "tests/loop/pool/journal/journal_fixture.h"

#include <doctest/doctest.h>

using namespace journal_test;
using namespace std::chrono_literals;

namespace {

// Deletes what may go at all: kept for so long at least, and no longer.
std::size_t remove_stored(const std::string& folder, std::uint64_t stored_segment,
                          std::size_t newest, std::chrono::seconds at_least) {
  return pool::remove_stored_segments(folder, stored_segment, {newest, at_least, 0s, 0});
}

void set_age(const std::string& path, std::chrono::minutes age) {
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - age);
}

}  // namespace

TEST_CASE("only stored segments are deleted, and never the newest ones") {
  const TemporaryFolder folder;
  for (const std::uint64_t segment : {1, 2, 3, 4, 5, 6}) {
    write_segment(folder.path(), segment, segment, segment, 1);
  }
  CHECK_EQ(remove_stored(folder.path(), 3, 2, 0s), 2);
  CHECK_EQ(pool::list_segments(folder.path()), std::vector<std::uint64_t>{3, 4, 5, 6});
  CHECK_EQ(remove_stored(folder.path(), 100, 3, 0s), 1);
  CHECK_EQ(pool::list_segments(folder.path()), std::vector<std::uint64_t>{4, 5, 6});
  CHECK_EQ(remove_stored(folder.path(), 100, 3, 0s), 0);
}

TEST_CASE("segments written to of late are kept, however many there are") {
  const TemporaryFolder folder;
  for (const std::uint64_t segment : {1, 2, 3, 4, 5, 6}) {
    const std::string path = pool::segment_path(folder.path(), segment);
    write_segment(folder.path(), segment, segment, segment, 1);
    set_age(path, segment < 3 ? 61min : 59min);
  }
  CHECK_EQ(remove_stored(folder.path(), 100, 1, 1h), 2);
  CHECK_EQ(pool::list_segments(folder.path()), std::vector<std::uint64_t>{3, 4, 5, 6});
}

TEST_CASE("stored segments are kept for as long and as many as they may be, in one piece") {
  const TemporaryFolder folder;
  std::uint64_t bytes = 0;
  const auto write_six = [&] {
    for (const std::uint64_t segment : {1, 2, 3, 4, 5, 6}) {
      bytes = write_segment(folder.path(), segment, segment, segment, 1);
      set_age(pool::segment_path(folder.path(), segment), 600min - 100min * segment);
    }
  };
  struct Row {
    const char* why;
    pool::Retention retention;
    std::uint64_t stored_segment;
    std::uint64_t first_left;
  };
  write_six();
  const std::uint64_t all = 100 * bytes;
  const Row rows[] = {
      {"nothing is too old or too much", {1, 1h, 24h, all, all}, 6, 1},
      {"older than at_most", {1, 1h, 390min, all, all}, 6, 3},
      {"more than stored_bytes_max", {1, 1h, 24h, 2 * bytes, all}, 6, 4},
      {"stored_bytes_max to the byte", {1, 1h, 24h, 3 * bytes, all}, 6, 3},
      {"one byte less", {1, 1h, 24h, 3 * bytes - 1, all}, 6, 4},
      {"the unstored take the room", {1, 1h, 24h, all, 4 * bytes}, 5, 3},
      {"the unstored fill the folder", {1, 1h, 24h, all, bytes}, 5, 5},
      {"the last hours stay", {1, 290min, 24h, 0, all}, 6, 4},
      {"the newest stay", {4, 1h, 24h, 0, all}, 6, 3},
      {"what is not stored stays", {1, 1h, 0s, 0, 0}, 2, 2},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    write_six();
    pool::remove_stored_segments(folder.path(), row.stored_segment, row.retention);
    CHECK_EQ(pool::list_segments(folder.path()), numbers(row.first_left, 6));
  }
}

TEST_CASE("times of a clock that was years ahead keep no segment for years") {
  const TemporaryFolder folder;
  for (const std::uint64_t segment : {1, 2, 3, 4}) {
    write_segment(folder.path(), segment, segment, segment, 1);
    set_age(pool::segment_path(folder.path(), segment), -60min * 24 * 365 * 5);
  }
  CHECK_EQ(pool::remove_stored_segments(folder.path(), 100, {1, 1h, 24h, 1'000'000}), 0);
  CHECK_EQ(pool::remove_stored_segments(folder.path(), 100, {1, 1h, 24h, 0}), 3);
}

TEST_CASE("the note of what is stored comes back, and says nothing where there is none") {
  const TemporaryFolder folder;
  CHECK_EQ(pool::read_stored_note(folder.path()), pool::JournalPosition{});
  REQUIRE(pool::write_stored_note(folder.path(), {7, 8, 9}).has_value());
  CHECK_EQ(pool::read_stored_note(folder.path()), pool::JournalPosition{7, 8, 9});
  write_file(folder.path() + "/stored", base::as_bytes("7 8"));
  CHECK_EQ(pool::read_stored_note(folder.path()), pool::JournalPosition{});
}

TEST_CASE("the disk says how much is left, and a segment how long it is") {
  const TemporaryFolder folder;
  CHECK(pool::free_bytes(folder.path()).value_or(0) > 0);
  CHECK_FALSE(pool::free_bytes(folder.path() + "/none").has_value());
  const std::uint64_t bytes = write_segment(folder.path(), 1, 1, 1, 1);
  CHECK_EQ(pool::segment_bytes(folder.path(), 1), bytes);
  CHECK_EQ(pool::segment_bytes(folder.path(), 2), 0);
}

TEST_CASE("damaged segments keep a second name when the first is deleted") {
  const TemporaryFolder folder;
  for (const std::uint64_t segment : {1, 2, 3, 4}) {
    write_segment(folder.path(), segment, segment, segment, 1);
  }
  for (int twice = 0; twice < 2; ++twice) {
    REQUIRE(pool::keep_damaged_segments(folder.path(), 2, 4).has_value());
  }
  CHECK_EQ(pool::list_segments(folder.path()), std::vector<std::uint64_t>{1, 2, 3, 4});
  CHECK_EQ(remove_stored(folder.path(), 4, 0, 0s), 3);
  for (const std::uint64_t segment : {1, 2, 3, 4}) {
    const std::string kept = pool::segment_path(folder.path(), segment) + ".damaged";
    CHECK_EQ(std::filesystem::exists(kept), (segment == 2 || segment == 3));
  }
}

TEST_CASE("the journal's id lasts, and is found again in the segments") {
  const TemporaryFolder folder;
  const auto made = pool::load_or_make_journal_id(folder.path());
  REQUIRE(made.has_value());
  CHECK_EQ(pool::load_or_make_journal_id(folder.path()), made);
  std::filesystem::remove(folder.path() + "/journal_id");
  write_segment(folder.path(), 1, 1, 1, 1);
  CHECK_EQ(pool::load_or_make_journal_id(folder.path()), test_uuid);
  write_file(folder.path() + "/journal_id", base::as_bytes("not hex"));
  CHECK_FALSE(pool::load_or_make_journal_id(folder.path()).has_value());
}

TEST_CASE("a segment appears under its name with its header on disk") {
  const TemporaryFolder folder;
  const pool::SegmentHeader header{test_uuid, 77, 12};
  const auto file = pool::create_segment(pool::system_file_calls(), folder.path(), header);
  REQUIRE(file.has_value());
  CHECK(pool::read_segment_header(folder.path(), 77) == header);
  CHECK_FALSE(std::filesystem::exists(pool::segment_path(folder.path(), 77) + ".tmp"));
  std::filesystem::rename(pool::segment_path(folder.path(), 77),
                          pool::segment_path(folder.path(), 78));
  const auto wrong = pool::read_segment_header(folder.path(), 78);
  CHECK_EQ(wrong.error().kind, pool::SegmentError::Kind::damaged);
  CHECK(wrong.error().message.find("the header is that of segment") != std::string::npos);
  CHECK_EQ(pool::read_segment_header(folder.path(), 79).error().kind,
           pool::SegmentError::Kind::missing);
}

TEST_CASE("the lock keeps others out until it is let go") {
  const TemporaryFolder folder;
  auto lock = pool::lock_journal(folder.path());
  REQUIRE(lock.has_value());
  CHECK_FALSE(pool::lock_journal(folder.path()).has_value());
  lock->reset();
  CHECK(pool::lock_journal(folder.path()).has_value());
}

TEST_CASE("a small file is replaced as a whole, or not at all") {
  const TemporaryFolder folder;
  REQUIRE(pool::replace_file(folder.path(), "name", "one").has_value());
  REQUIRE(pool::replace_file(folder.path(), "name", "two").has_value());
  CHECK_EQ(base::as_text(file_bytes(folder.path() + "/name")), "two");
  const auto failed = pool::replace_file(folder.path() + "/nothing", "name", "three");
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().find("/nothing/name: can't create: No such file") != std::string::npos);
}
