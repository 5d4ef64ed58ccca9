#include "pool/journal/journal_writer.h"

#include "tests/loop/pool/journal/journal_fixture.h"

#include <doctest/doctest.h>

#include <unistd.h>

#include <cerrno>

using namespace journal_test;

namespace {

constexpr pool::JournalSource shard{4};

pool::WriterOptions options_in(const TemporaryFolder& folder) {
  pool::WriterOptions options;
  options.folder = folder.path();
  options.journal = test_uuid;
  options.segment_bytes_max = 1'000'000;
  return options;
}

}  // namespace

TEST_CASE("segment numbers rise with the clock, and never fall with it") {
  const TemporaryFolder folder;
  pool::JournalWriter writer(options_in(folder), {});
  REQUIRE(writer.open_segment(1000).has_value());
  CHECK_EQ(writer.durable_to().segment, 1000);
  REQUIRE(writer.open_segment(1000).has_value());
  CHECK_EQ(writer.durable_to().segment, 1001);
  REQUIRE(writer.open_segment(-5).has_value());
  CHECK_EQ(writer.durable_to().segment, 1002);
  REQUIRE(writer.open_segment(5000).has_value());
  CHECK_EQ(pool::list_segments(folder.path()), std::vector<std::uint64_t>{1000, 1001, 1002, 5000});
}

TEST_CASE("nothing appended, nothing reported") {
  const TemporaryFolder folder;
  pool::JournalWriter writer(options_in(folder), {});
  REQUIRE(writer.open_segment(1).has_value());
  const auto report = writer.flush(1);
  CHECK(report.written.empty());
  CHECK(report.failed.empty());
  CHECK_EQ(writer.syncs(), 0);
}

TEST_CASE("a flush reports each source once, up to its last append") {
  const TemporaryFolder folder;
  pool::JournalWriter writer(options_in(folder), {});
  REQUIRE(writer.open_segment(1).has_value());
  writer.append(shard, pool::AppendId{7}, payloads(1, 2));
  writer.append(pool::journal_source_node, pool::AppendId{1}, payloads(3, 1));
  writer.append(shard, pool::AppendId{8}, payloads(4, 1));
  const auto report = writer.flush(1);
  REQUIRE_EQ(report.written.size(), 2);
  CHECK_EQ(report.written[0].source, shard);
  CHECK_EQ(report.written[0].durable.up_to.value, 8);
  CHECK_EQ(report.written[1].durable.up_to.value, 1);
  CHECK_EQ(writer.durable_to().sequence, 4);
}

TEST_CASE("without a segment every append fails, and its numbers are used again") {
  const TemporaryFolder folder;
  pool::JournalWriter writer(options_in(folder), {3, 500, 41});
  writer.append(shard, pool::AppendId{1}, payloads(1, 5));
  writer.append(shard, pool::AppendId{2}, payloads(6, 5));
  const auto report = writer.flush(1);
  REQUIRE_EQ(report.failed.size(), 1);
  CHECK_EQ(report.failed[0].failed.first.value, 1);
  CHECK_EQ(report.failed[0].failed.last.value, 2);
  REQUIRE(writer.open_segment(1).has_value());
  writer.append(shard, pool::AppendId{3}, payloads(1, 1));
  CHECK_EQ(writer.flush(1).written.size(), 1);
  CHECK_EQ(writer.durable_to().sequence, 42);
}

TEST_CASE("a failed sync of relaxed writes ends the segment, and what was answered stays in it") {
  const TemporaryFolder folder;
  auto options = options_in(folder);
  bool fail = false;
  options.fsync = false;
  const pool::FileCalls real = pool::system_file_calls();
  options.calls.sync = [&](int fd) {
    if (!std::exchange(fail, false)) return real.sync(fd);
    errno = EIO;
    return -1;
  };
  pool::JournalWriter writer(options, {});
  REQUIRE(writer.open_segment(1).has_value());
  writer.append(shard, pool::AppendId{1}, payloads(1, 3));
  CHECK_EQ(writer.flush(1).written.size(), 1);
  writer.append(shard, pool::AppendId{2}, payloads(4, 2));  // waits while the sync fails
  fail = true;
  writer.sync_relaxed(1);
  CHECK(writer.writable());
  CHECK_EQ(writer.flush(1).written.size(), 1);
  CHECK_EQ(pool::list_segments(folder.path())->size(), 2);
  CHECK_EQ(read_back(folder.path(), test_uuid, writer.durable_to()).shares, numbers(1, 5));
}

TEST_CASE("a disk that fails every sync gets at most one new segment a second") {
  const TemporaryFolder folder;
  auto options = options_in(folder);
  const pool::FileCalls real = pool::system_file_calls();
  int headers = 0;
  options.calls.sync = [&](int fd) {
    // Headers can be synced; what is written behind them can't.
    if (::lseek(fd, 0, SEEK_END) <= static_cast<off_t>(pool::segment_header_bytes)) {
      ++headers;
      return real.sync(fd);
    }
    errno = EIO;
    return -1;
  };
  pool::JournalWriter writer(options, {});
  REQUIRE(writer.open_segment(100).has_value());
  for (std::uint64_t id = 1; id <= 100; ++id) {
    writer.append(shard, pool::AppendId{id}, payloads(1, 1));
    CHECK_EQ(writer.flush(100).failed.size(), 1);
  }
  CHECK_EQ(headers, 2);
  CHECK_FALSE(writer.writable());
  CHECK(writer.error().find("Input/output error") != std::string::npos);
  REQUIRE(writer.open_segment(101).has_value());
  writer.append(shard, pool::AppendId{101}, payloads(1, 1));
  CHECK_EQ(writer.flush(101).failed.size(), 1);
  CHECK_EQ(headers, 4);
}

TEST_CASE("a real full disk: /dev/full refuses the header, and the writer says so") {
  const TemporaryFolder folder;
  auto options = options_in(folder);
  const pool::FileCalls real = pool::system_file_calls();
  options.calls.open = [real](const char*, int flags) { return real.open("/dev/full", flags); };
  pool::JournalWriter writer(options, {});
  const auto opened = writer.open_segment(1);
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().find("0000000000000001.journal: can't write: No space left on device") !=
        std::string::npos);
  CHECK_FALSE(writer.writable());
}

TEST_CASE("each segment names the one before, with the hash of what counts of it") {
  const TemporaryFolder folder;
  auto options = options_in(folder);
  bool fail = false;
  const pool::FileCalls real = pool::system_file_calls();
  options.calls.sync = [&](int fd) {
    if (!std::exchange(fail, false)) return real.sync(fd);
    errno = EIO;
    return -1;
  };
  pool::JournalWriter writer(options, {});
  REQUIRE(writer.open_segment(1).has_value());
  CHECK_FALSE(header_of(folder.path(), 1).previous.exists());
  const auto append = [&](std::uint64_t share) {
    writer.append(shard, pool::AppendId{share}, payloads(share, 1));
    return writer.flush(1).failed.empty();
  };
  REQUIRE(append(1));
  REQUIRE(append(2));
  const std::uint64_t good_bytes = writer.durable_to().offset;
  CHECK_EQ(writer.link(), link_of(folder.path(), 1, good_bytes));
  fail = true;
  CHECK_FALSE(append(3));  // a failed sync: its record does not count
  CHECK_EQ(header_of(folder.path(), 2).previous, link_of(folder.path(), 1, good_bytes));
  REQUIRE(writer.open_segment(1).has_value());  // an empty one counts with its header
  CHECK_EQ(header_of(folder.path(), 3).previous,
           link_of(folder.path(), 2, pool::segment_header_bytes));
}

TEST_CASE("what a failed rotation left behind is passed over by the chain") {
  const TemporaryFolder folder;
  pool::JournalWriter writer(options_in(folder), {});
  REQUIRE(writer.open_segment(1).has_value());
  writer.append(shard, pool::AppendId{1}, payloads(1, 4));
  REQUIRE(writer.flush(1).failed.empty());
  const pool::SegmentLink first = writer.link();
  // A segment whose header is on disk, but not for certain its name: as after a failed sync of the
  // folder. Nothing was ever written behind it.
  write_file(pool::segment_path(folder.path(), 2),
             pool::write_segment_header({test_uuid, 2, 5, first}));
  REQUIRE(writer.open_segment(3).has_value());
  CHECK_EQ(header_of(folder.path(), 3).previous, first);
  const auto got = read_back(folder.path(), test_uuid, writer.durable_to());
  REQUIRE_EQ(got.closed.size(), 1);
  CHECK_EQ(got.closed[0].segment, 1);
  CHECK_FALSE(got.closed[0].found.has_value());
}

TEST_CASE("a writer that goes on after another names that one's last segment") {
  const TemporaryFolder folder;
  pool::JournalWriter first(options_in(folder), {});
  REQUIRE(first.open_segment(1).has_value());
  first.append(shard, pool::AppendId{1}, payloads(1, 4));
  REQUIRE(first.flush(1).failed.empty());
  pool::JournalWriter second(options_in(folder), first.durable_to(), first.link().sha256);
  REQUIRE(second.open_segment(2).has_value());
  CHECK_EQ(header_of(folder.path(), 2).previous, first.link());
}
