#include "pool/journal/journal_recovery.h"

#include "pool/journal/journal_writer.h"
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
    CHECK_EQ(tail->sha256, link_of(folder.path(), 2, tail->end.offset).sha256);
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

TEST_CASE("a record torn at any byte is left out by recovery, reader and chain alike") {
  const TemporaryFolder folder;
  pool::WriterOptions options;
  options.folder = folder.path();
  options.journal = test_uuid;
  options.segment_bytes_max = 1'000'000;
  pool::JournalWriter writer(options, {});
  REQUIRE(writer.open_segment(1).has_value());
  for (std::uint64_t n = 1; n <= 2; ++n) {
    writer.append(pool::JournalSource{0}, pool::AppendId{n}, payloads(n, 1));
    REQUIRE(writer.flush(1).failed.empty());
  }
  const pool::JournalPosition two = writer.durable_to();
  const pool::SegmentLink chain = writer.link();
  writer.append(pool::JournalSource{0}, pool::AppendId{3}, payloads(3, 1));
  REQUIRE(writer.flush(1).failed.empty());
  const base::Bytes whole = file_bytes(pool::segment_path(folder.path(), 1));
  for (std::size_t size = two.offset; size < whole.size(); ++size) {
    CAPTURE(size);
    write_file(pool::segment_path(folder.path(), 1), base::ByteSpan(whole).first(size));
    std::filesystem::remove(pool::segment_path(folder.path(), 2));
    const auto tail = pool::recover_journal(folder.path(), test_uuid);
    REQUIRE(tail.has_value());
    CHECK_EQ(tail->end, two);
    CHECK_EQ(tail->torn_bytes, size - two.offset);
    pool::JournalWriter next(options, tail->end, tail->sha256);
    REQUIRE(next.open_segment(2).has_value());
    CHECK_EQ(header_of(folder.path(), 2).previous, chain);
    next.append(pool::JournalSource{0}, pool::AppendId{1}, payloads(103, 1));
    REQUIRE(next.flush(2).failed.empty());
    const auto got = read_back(folder.path(), test_uuid, next.durable_to());
    CHECK_EQ(got.shares, std::vector<std::uint64_t>{1, 2, 103});
    CHECK(got.gaps.empty());
    REQUIRE_EQ(got.closed.size(), 1);
    CHECK_EQ(got.closed[0].bytes, two.offset);
    CHECK_EQ(got.closed[0].sha256, chain.sha256);
    CHECK_FALSE(got.closed[0].found.has_value());
  }
}
