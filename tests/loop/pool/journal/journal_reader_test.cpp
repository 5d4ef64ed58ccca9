#include "pool/journal/journal_reader.h"

#include "pool/journal/journal_writer.h"
#include "tests/loop/pool/journal/journal_fixture.h"

#include <doctest/doctest.h>

using namespace journal_test;
using pool::JournalPosition;

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

TEST_CASE("the newest segment can't be missing") {
  const TemporaryFolder folder;
  const auto got = read_back(folder.path(), test_uuid, {8, 900, 7}, {8, 200, 5});
  CHECK_EQ(got.error.find(pool::segment_path(folder.path(), 8) + ": is missing"), 0);
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

TEST_CASE("a segment that can't be read now is an error, not the end of the journal") {
  const TemporaryFolder folder;
  write_segment(folder.path(), 1, 1, 1, 5);
  write_segment(folder.path(), 2, 6, 6, 5);
  const std::uint64_t durable = write_segment(folder.path(), 3, 11, 11, 5);
  for (const std::uint64_t segment : {1, 2, 3}) {
    CAPTURE(segment);
    const std::string path = pool::segment_path(folder.path(), segment);
    const std::string away = path + ".away";
    make_unreadable(path);
    const auto got = read_back(folder.path(), test_uuid, {3, durable, 15});
    CHECK_EQ(got.error.find(path + ": can't open: "), 0);
    CHECK(got.gaps.empty());
    make_readable_again(path);
    // From a position inside it, too.
    std::filesystem::rename(path, away);
    std::filesystem::create_directory(path);  // opens, but can't be read
    const std::uint64_t before = segment * 5 - 5;
    const auto inside = read_back(folder.path(), test_uuid, {3, durable, 15},
                                  {segment, pool::segment_header_bytes, before});
    CHECK_EQ(inside.error.find(path + ": can't read: "), 0);
    CHECK(inside.gaps.empty());
    std::filesystem::remove(path);
    std::filesystem::rename(away, path);
    CHECK_EQ(read_back(folder.path(), test_uuid, {3, durable, 15}, got.end).shares,
             numbers(got.end.sequence + 1, 15));
  }
}

TEST_CASE("the next segment is looked for once for each durable end") {
  const TemporaryFolder folder;
  write_segment(folder.path(), 1, 1, 1, 10);
  pool::JournalReader reader(folder.path(), test_uuid, {});
  pool::JournalBatch batch;
  REQUIRE(reader.read(1, {5, 64, 0}, batch).has_value());
  write_segment(folder.path(), 2, 4, 104, 1);
  REQUIRE(reader.read(1, {5, 64, 0}, batch).has_value());
  write_segment(folder.path(), 3, 5, 5, 0);
  REQUIRE(reader.read(100, {3, 64, 4}, batch).has_value());
  CHECK_EQ(batch.entries.size(), 4);  // 1 to 3 of the first, and the one that took over
  CHECK(batch.gaps.empty());
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

namespace {

// Three segments, chained, of 10 shares each; the position behind the last.
JournalPosition write_chain(const TemporaryFolder& folder) {
  pool::WriterOptions options;
  options.folder = folder.path();
  options.journal = test_uuid;
  options.fsync = false;
  options.segment_bytes_max = 1'000'000;
  pool::JournalWriter writer(options, {});
  for (std::uint64_t segment = 1; segment <= 3; ++segment) {
    REQUIRE(writer.open_segment(static_cast<std::int64_t>(segment)).has_value());
    writer.append(pool::JournalSource{0}, pool::AppendId{segment}, payloads(segment * 10 - 9, 10));
    REQUIRE(writer.flush(1).failed.empty());
  }
  return writer.durable_to();
}

}  // namespace

TEST_CASE(
    "a segment is handed out as closed once the next one begins, with its place in the chain") {
  const TemporaryFolder folder;
  const JournalPosition end = write_chain(folder);
  const auto got = read_back(folder.path(), test_uuid, end);
  CHECK_EQ(got.shares, numbers(1, 30));
  REQUIRE_EQ(got.closed.size(), 2);
  for (const std::uint64_t segment : {1, 2}) {
    const pool::ClosedSegment& closed = got.closed[segment - 1];
    CHECK_EQ(closed.segment, segment);
    CHECK_EQ(closed.first_sequence, segment * 10 - 9);
    CHECK_EQ(closed.last_sequence, segment * 10);
    CHECK_EQ(link_of(folder.path(), segment, closed.bytes),
             pool::SegmentLink{segment, closed.bytes, closed.sha256});
    CHECK_EQ(header_of(folder.path(), segment + 1).previous,
             pool::SegmentLink{segment, closed.bytes, closed.sha256});
    CHECK_FALSE(closed.found.has_value());
  }
  CHECK_EQ(got.closed[0].prev_sha256, crypto::Digest{});
  CHECK_EQ(got.closed[1].prev_sha256, got.closed[0].sha256);
}

TEST_CASE("a reader that begins anywhere hands out the same closed segments from there on") {
  const TemporaryFolder folder;
  const JournalPosition end = write_chain(folder);
  const auto all = read_back(folder.path(), test_uuid, end);
  pool::JournalReader reader(folder.path(), test_uuid, {});
  pool::JournalBatch batch;
  for (std::uint64_t n = 1; n <= 30; ++n) {
    batch.clear();
    REQUIRE(reader.read(1, end, batch).has_value());
    const auto rest = read_back(folder.path(), test_uuid, end, reader.position());
    const std::size_t left = n <= 10 ? 2 : n <= 20 ? 1 : 0;
    REQUIRE_EQ(rest.closed.size(), left);
    for (std::size_t i = 0; i < left; ++i) {
      CHECK_EQ(rest.closed[i].sha256, all.closed[2 - left + i].sha256);
      CHECK_FALSE(rest.closed[i].found.has_value());
    }
  }
}

TEST_CASE("a segment that was changed after it was closed is told with what was read of it") {
  const TemporaryFolder folder;
  const JournalPosition end = write_chain(folder);
  const pool::SegmentLink said = header_of(folder.path(), 2).previous;
  // A record with another payload and a good checksum: only the chain tells.
  base::Bytes bytes = pool::write_segment_header({test_uuid, 1, 1});
  pool::append_frames(bytes, payloads(1, 9), 1);
  pool::append_frames(bytes, payloads(77, 1), 10);
  write_file(pool::segment_path(folder.path(), 1), bytes);
  const auto got = read_back(folder.path(), test_uuid, end);
  CHECK_EQ(got.shares.size(), 30);
  REQUIRE_EQ(got.closed.size(), 2);
  CHECK_EQ(got.closed[0].sha256, said.sha256);
  REQUIRE(got.closed[0].found.has_value());
  CHECK_EQ(*got.closed[0].found, link_of(folder.path(), 1, bytes.size()));
  CHECK(pool::describe_change(got.closed[0]).find(base::to_hex(said.sha256)) != std::string::npos);
  CHECK_FALSE(got.closed[1].found.has_value());
}

TEST_CASE("a segment of version 1 is closed with the hash that was read") {
  const TemporaryFolder folder;
  const std::uint64_t size = write_segment(folder.path(), 1, 1, 1, 5, 3);
  const std::uint64_t durable = write_segment(folder.path(), 2, 5, 5, 2);
  const auto got = read_back(folder.path(), test_uuid, {2, durable, 6});
  CHECK_EQ(got.shares, numbers(1, 6));
  REQUIRE_EQ(got.closed.size(), 1);
  CHECK_EQ(got.closed[0].last_sequence, 4);
  CHECK(got.closed[0].bytes < size);
  CHECK_EQ(got.closed[0].sha256, link_of(folder.path(), 1, got.closed[0].bytes).sha256);
  CHECK_FALSE(got.closed[0].found.has_value());
}

TEST_CASE("a segment that is shorter than what was read of it once is not handed out as closed") {
  const TemporaryFolder folder;
  const JournalPosition end = write_chain(folder);
  const auto got = read_back(folder.path(), test_uuid, end, {1, 100'000, 700});
  REQUIRE_EQ(got.closed.size(), 1);
  CHECK_EQ(got.closed[0].segment, 2);
}

TEST_CASE("damage inside a closed segment is a gap, and its row is what the next header says") {
  const TemporaryFolder folder;
  const JournalPosition end = write_chain(folder);
  const std::string path = pool::segment_path(folder.path(), 1);
  base::Bytes bytes = file_bytes(path);
  bytes[bytes.size() - 30] ^= 1;
  write_file(path, bytes);
  const auto got = read_back(folder.path(), test_uuid, end);
  CHECK_EQ(got.shares.size(), 29);
  CHECK_EQ(got.gaps.size(), 1);
  REQUIRE_EQ(got.closed.size(), 2);
  CHECK_FALSE(got.closed[0].found.has_value());
  CHECK_EQ(got.closed[0].last_sequence, 10);
  CHECK_EQ(got.closed[0].sha256, header_of(folder.path(), 2).previous.sha256);
}
