#include "pool/journal/segment_walk.h"

#include "tests/loop/pool/journal/journal_fixture.h"

#include <doctest/doctest.h>

using namespace journal_test;

TEST_CASE("a walk sees every record, the end and the hash of what counts") {
  const TemporaryFolder folder;
  const std::uint64_t size = write_segment(folder.path(), 1, 11, 1, 30'000);  // more than a window
  const std::string path = pool::segment_path(folder.path(), 1);
  std::vector<std::uint64_t> seen;
  const auto walk = pool::walk_segment(path, {}, [&](const pool::ParsedFrame& frame) {
    seen.push_back(std::get<pool::ShareRecord>(frame.record).job_id);
  });
  REQUIRE(walk.has_value());
  CHECK_EQ(seen, numbers(1, 30'000));
  CHECK_EQ(walk->end, size);
  CHECK_EQ(walk->file_bytes, size);
  CHECK_EQ(walk->records(), 30'000);
  CHECK_EQ(walk->last_sequence, 30'010);
  CHECK_EQ(walk->sha256, link_of(folder.path(), 1, size).sha256);
  CHECK_FALSE(walk->damage.has_value());
}

TEST_CASE("a walk ends where it is told to, by bytes or by sequence") {
  const TemporaryFolder folder;
  const std::uint64_t size = write_segment(folder.path(), 1, 1, 1, 10);
  const std::uint64_t record = (size - pool::segment_header_v1_bytes) / 10;
  const std::string path = pool::segment_path(folder.path(), 1);
  const auto by_bytes = pool::walk_segment(path, {size - record, 100});
  CHECK_EQ(by_bytes->last_sequence, 9);
  CHECK_FALSE(by_bytes->damage.has_value());
  const auto inside = pool::walk_segment(path, {size - record - 1, 100});
  CHECK_EQ(inside->last_sequence, 8);
  CHECK_EQ(inside->damage, pool::JournalError::truncated);
  pool::WalkLimit limit;
  limit.sequence = 4;
  CHECK_EQ(pool::walk_segment(path, limit)->last_sequence, 3);
}

TEST_CASE("a walk says why it ends: damage, a cut, another record, a header, no file") {
  const TemporaryFolder folder;
  const std::uint64_t size = write_segment(folder.path(), 1, 1, 1, 10);
  const std::string path = pool::segment_path(folder.path(), 1);
  const base::Bytes good = file_bytes(path);
  base::Bytes bad = good;
  bad[size - 20] ^= 1;
  write_file(path, bad);
  const auto damaged = pool::walk_segment(path, {});
  CHECK_EQ(damaged->damage, pool::JournalError::bad_checksum);
  CHECK_EQ(damaged->last_sequence, 9);
  write_file(path, base::ByteSpan(good).first(size - 1));
  CHECK_EQ(pool::walk_segment(path, {})->damage, pool::JournalError::truncated);
  bad = good;
  pool::append_frames(bad, payloads(1, 1), 12);
  write_file(path, bad);
  const auto other = pool::walk_segment(path, {});
  CHECK_EQ(other->other_sequence, 12);
  CHECK_EQ(other->end, size);
  write_file(path, base::ByteSpan(good).first(63));
  CHECK_EQ(pool::walk_segment(path, {})->header.error(), pool::JournalError::truncated);
  CHECK_EQ(pool::walk_segment(path, {})->records(), 0);
  CHECK_EQ(pool::walk_segment(path + "x", {}).error().find(path + "x: can't open: "), 0);
}

TEST_CASE("a whole record behind a broken one is found, and only one that comes later") {
  const TemporaryFolder folder;
  const std::uint64_t size = write_segment(folder.path(), 1, 1, 1, 10);
  const std::string path = pool::segment_path(folder.path(), 1);
  const std::uint64_t record = (size - pool::segment_header_v1_bytes) / 10;
  const auto behind = pool::find_record_behind(path, size - 3 * record + 1, 7);
  REQUIRE(behind.has_value());
  REQUIRE(behind->has_value());
  CHECK_EQ((*behind)->offset, size - 2 * record);
  CHECK_EQ((*behind)->sequence, 9);
  CHECK_FALSE(pool::find_record_behind(path, size - 3 * record + 1, 10)->has_value());
  CHECK_FALSE(pool::find_record_behind(path, size - record + 1, 7)->has_value());
}
