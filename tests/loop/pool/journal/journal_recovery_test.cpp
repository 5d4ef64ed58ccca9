#include "pool/journal/journal_recovery.h"

#include "tests/loop/pool/journal/journal_fixture.h"

#include <doctest/doctest.h>

using namespace journal_test;

TEST_CASE("recovery finds the last whole record of the newest segment") {
  struct Row {
    const char* why;
    std::uint64_t records;
    std::size_t cut_bytes;
    std::uint64_t last_sequence;
  };
  const Row rows[] = {{"nothing but a header", 0, 0, 20},
                      {"whole", 3, 0, 23},
                      {"torn in the last record", 3, 1, 22},
                      {"torn in the only record", 1, 50, 20}};
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const TemporaryFolder folder;
    write_segment(folder.path(), 1, 1, 1, 20);
    const std::uint64_t size = write_segment(folder.path(), 2, 21, 21, row.records, row.cut_bytes);
    write_file(folder.path() + "/0000000000000003.journal.tmp", base::Bytes(10, 0));
    const auto tail = pool::recover_journal(folder.path(), test_uuid);
    REQUIRE(tail.has_value());
    CHECK_EQ(tail->end.segment, 2);
    CHECK_EQ(tail->end.sequence, row.last_sequence);
    CHECK_EQ(tail->end.offset + tail->torn_bytes, size);
    CHECK_EQ((tail->torn_bytes > 0), (row.cut_bytes > 0));
    CHECK_FALSE(std::filesystem::exists(folder.path() + "/0000000000000003.journal.tmp"));
  }
}

TEST_CASE("recovery refuses what it can't be sure of, and says where") {
  const TemporaryFolder folder;
  write_segment(folder.path(), 1, 1, 1, 2);
  const auto foreign = pool::recover_journal(folder.path(), pool::JournalUuid{7});
  REQUIRE_FALSE(foreign.has_value());
  CHECK(foreign.error().find("0000000000000001.journal: belongs to journal") != std::string::npos);
  write_file(pool::segment_path(folder.path(), 2), base::Bytes(64, 1));
  const auto damaged = pool::recover_journal(folder.path(), test_uuid);
  REQUIRE_FALSE(damaged.has_value());
  CHECK(damaged.error().find("0000000000000002.journal: damaged header") != std::string::npos);
  CHECK(damaged.error().find("move it out") != std::string::npos);
  make_unreadable(pool::segment_path(folder.path(), 2));
  const auto unreadable = pool::recover_journal(folder.path(), test_uuid);
  REQUIRE_FALSE(unreadable.has_value());
  CHECK(unreadable.error().find("0000000000000002.journal: can't open") != std::string::npos);
  CHECK(unreadable.error().find("move it out") == std::string::npos);
}
