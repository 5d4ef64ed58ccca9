#include "pool/journal/journal_reader.h"

#include "pool/journal/journal_recovery.h"
#include "tests/loop/pool/journal/journal_fixture.h"

#include <doctest/doctest.h>

using namespace journal_test;
using pool::JournalPosition;

namespace {

// Writes a segment file by hand: shares numbered from `first_share`, sequence numbers from
// `first_sequence`.
std::uint64_t write_segment(const std::string& folder, std::uint64_t segment,
                            std::uint64_t first_sequence, std::uint64_t first_share,
                            std::uint64_t count, std::size_t cut_bytes = 0) {
  base::Bytes bytes = pool::write_segment_header({test_uuid, segment, first_sequence});
  pool::append_frames(bytes, payloads(first_share, count), first_sequence);
  bytes.resize(bytes.size() - cut_bytes);
  write_file(pool::segment_path(folder, segment), bytes);
  return bytes.size();
}

}  // namespace

TEST_CASE("an empty folder has nothing to read") {
  const TemporaryFolder folder;
  const auto got = read_back(folder.path(), test_uuid, {5, 1000, 10});
  CHECK(got.shares.empty());
  CHECK_EQ(got.error, "");
}

TEST_CASE("the reader crosses segments and stops exactly at what is durable") {
  const TemporaryFolder folder;
  write_segment(folder.path(), 3, 1, 1, 20);
  const std::uint64_t durable = write_segment(folder.path(), 9, 21, 21, 10);
  write_segment(folder.path(), 10, 31, 31, 10);  // not durable yet

  const auto got = read_back(folder.path(), test_uuid, {9, durable, 30});
  CHECK_EQ(got.error, "");
  CHECK_EQ(got.shares, numbers(1, 30));
  CHECK(got.gaps.empty());
  CHECK(got.end == JournalPosition{9, durable, 30});
  // And on from any position it has handed out.
  const auto more = read_back(folder.path(), test_uuid, {10, 64, 30}, {9, durable, 30});
  CHECK(more.shares.empty());
  CHECK(more.end == JournalPosition{10, 64, 30});
}

TEST_CASE("an older segment torn anywhere ends at its last whole record") {
  const base::Bytes three = payloads(1, 3);
  for (std::size_t cut = 0; cut < three.size() / 3 + 13; cut += 7) {
    CAPTURE(cut);
    const TemporaryFolder folder;
    write_segment(folder.path(), 1, 1, 1, 3, cut);
    const std::uint64_t whole = cut == 0 ? 3 : 2;
    const std::uint64_t durable = write_segment(folder.path(), 2, whole + 1, whole + 1, 2);
    const auto got = read_back(folder.path(), test_uuid, {2, durable, whole + 2});
    CHECK_EQ(got.shares, numbers(1, whole + 2));
    CHECK(got.gaps.empty());
  }
}

TEST_CASE("records that the next segment took over are not data") {
  const TemporaryFolder folder;
  write_segment(folder.path(), 1, 1, 1, 10);  // 7 to 10 were written, but their sync failed
  const std::uint64_t durable = write_segment(folder.path(), 2, 7, 107, 2);
  const auto got = read_back(folder.path(), test_uuid, {2, durable, 8});
  CHECK_EQ(got.shares, std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 107, 108});
  CHECK(got.gaps.empty());
}

TEST_CASE("damage before the durable end of the newest segment is an error that names the place") {
  const TemporaryFolder folder;
  const std::uint64_t size = write_segment(folder.path(), 1, 1, 1, 10);
  const std::string path = pool::segment_path(folder.path(), 1);
  base::Bytes bytes = file_bytes(path);
  bytes[bytes.size() / 2] ^= 1;
  write_file(path, bytes);
  const auto got = read_back(folder.path(), test_uuid, {1, size, 10});
  CHECK_EQ(got.shares, numbers(1, got.shares.size()));
  CHECK(got.shares.size() < 10);
  CHECK(got.error.find(path + ": damaged at byte " + std::to_string(got.end.offset)) == 0);
}

TEST_CASE("missing records are a gap that says which") {
  const TemporaryFolder folder;
  write_segment(folder.path(), 1, 1, 1, 5);
  const std::uint64_t durable = write_segment(folder.path(), 3, 9, 9, 2);
  const auto got = read_back(folder.path(), test_uuid, {3, durable, 10});
  CHECK_EQ(got.shares, std::vector<std::uint64_t>{1, 2, 3, 4, 5, 9, 10});
  REQUIRE_EQ(got.gaps.size(), 1);
  CHECK_EQ(got.gaps[0].before.sequence, 5);
  CHECK_EQ(got.gaps[0].after.sequence, 8);
}

TEST_CASE("a journal that lost its tail goes on from its next segment") {
  const TemporaryFolder folder;
  write_segment(folder.path(), 1, 1, 1, 5);  // 6 to 8 were read once, then lost in a power cut
  const std::uint64_t durable = write_segment(folder.path(), 2, 6, 206, 4);
  const auto got = read_back(folder.path(), test_uuid, {2, durable, 9}, {1, 5000, 8});
  CHECK_EQ(got.shares, numbers(206, 209));
  REQUIRE_EQ(got.gaps.size(), 1);
  CHECK(got.gaps[0].after.sequence < got.gaps[0].before.sequence);
}

TEST_CASE("a position in a segment that is gone goes on with the next one") {
  const TemporaryFolder folder;
  const std::uint64_t durable = write_segment(folder.path(), 8, 6, 6, 2);
  const auto got = read_back(folder.path(), test_uuid, {8, durable, 7}, {4, 900, 5});
  CHECK_EQ(got.shares, numbers(6, 7));
  CHECK(got.gaps.empty());
}

TEST_CASE("another journal's segment, or one with a damaged header, is not read") {
  const TemporaryFolder folder;
  write_segment(folder.path(), 1, 1, 1, 5);
  write_file(pool::segment_path(folder.path(), 2),
             pool::write_segment_header({pool::JournalUuid{9}, 2, 6}));
  write_file(pool::segment_path(folder.path(), 3), base::Bytes(40, 0));
  const std::uint64_t durable = write_segment(folder.path(), 4, 6, 6, 1);
  CHECK_EQ(read_back(folder.path(), test_uuid, {4, durable, 6}).shares, numbers(1, 6));
}

TEST_CASE("records read while the file grows come once, whatever the steps") {
  const TemporaryFolder folder;
  base::Bytes bytes = pool::write_segment_header({test_uuid, 1, 1});
  std::vector<std::uint64_t> ends;
  for (std::uint64_t n = 1; n <= 40; ++n) {
    pool::append_frames(bytes, payloads(n, 1), n);
    ends.push_back(bytes.size());
  }
  pool::JournalReader reader(folder.path(), test_uuid, {});
  pool::JournalBatch batch;
  for (std::size_t n = 3; n <= 40; n += n % 5 + 1) {
    // Half of the record after the durable ones is already in the file.
    const std::size_t there = std::min(bytes.size(), static_cast<std::size_t>(ends[n - 1]) + 60);
    write_file(pool::segment_path(folder.path(), 1), base::ByteSpan(bytes).first(there));
    REQUIRE(reader.read(1000, {1, ends[n - 1], n}, batch).has_value());
    CHECK_EQ(batch.entries.size(), n);
  }
}

TEST_CASE("more records than the read buffer holds come whole") {
  const TemporaryFolder folder;
  const std::uint64_t size = write_segment(folder.path(), 1, 1, 1, 30'000);  // about 5 MB
  pool::JournalReader reader(folder.path(), test_uuid, {});
  pool::JournalBatch batch;
  REQUIRE(reader.read(100'000, {1, size, 30'000}, batch).has_value());
  REQUIRE_EQ(batch.entries.size(), 30'000);
  CHECK(batch.entries.back().end == JournalPosition{1, size, 30'000});
}

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
}

TEST_CASE("only shipped segments are deleted, and never the newest ones") {
  const TemporaryFolder folder;
  for (const std::uint64_t segment : {1, 2, 3, 4, 5, 6}) {
    write_segment(folder.path(), segment, segment, segment, 1);
  }
  CHECK_EQ(pool::remove_shipped_segments(folder.path(), 3, 2), 2);
  CHECK_EQ(pool::list_segments(folder.path()), std::vector<std::uint64_t>{3, 4, 5, 6});
  CHECK_EQ(pool::remove_shipped_segments(folder.path(), 100, 3), 1);
  CHECK_EQ(pool::list_segments(folder.path()), std::vector<std::uint64_t>{4, 5, 6});
  CHECK_EQ(pool::remove_shipped_segments(folder.path(), 100, 3), 0);
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
