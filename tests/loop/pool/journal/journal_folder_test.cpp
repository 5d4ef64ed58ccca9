#include "pool/journal/journal_folder.h"

#include "tests/loop/pool/journal/journal_fixture.h"

#include <doctest/doctest.h>

using namespace journal_test;
using namespace std::chrono_literals;

TEST_CASE("only shipped segments are deleted, and never the newest ones") {
  const TemporaryFolder folder;
  for (const std::uint64_t segment : {1, 2, 3, 4, 5, 6}) {
    write_segment(folder.path(), segment, segment, segment, 1);
  }
  CHECK_EQ(pool::remove_shipped_segments(folder.path(), 3, 2, 0s), 2);
  CHECK_EQ(pool::list_segments(folder.path()), std::vector<std::uint64_t>{3, 4, 5, 6});
  CHECK_EQ(pool::remove_shipped_segments(folder.path(), 100, 3, 0s), 1);
  CHECK_EQ(pool::list_segments(folder.path()), std::vector<std::uint64_t>{4, 5, 6});
  CHECK_EQ(pool::remove_shipped_segments(folder.path(), 100, 3, 0s), 0);
}

TEST_CASE("segments written to of late are kept, however many there are") {
  const TemporaryFolder folder;
  for (const std::uint64_t segment : {1, 2, 3, 4, 5, 6}) {
    const std::string path = pool::segment_path(folder.path(), segment);
    write_segment(folder.path(), segment, segment, segment, 1);
    const auto age = segment % 2 == 0 ? 61min : 59min;
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - age);
  }
  CHECK_EQ(pool::remove_shipped_segments(folder.path(), 100, 1, 1h), 2);
  CHECK_EQ(pool::list_segments(folder.path()), std::vector<std::uint64_t>{1, 3, 5, 6});
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
  CHECK_EQ(pool::remove_shipped_segments(folder.path(), 4, 0, 0s), 3);
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
