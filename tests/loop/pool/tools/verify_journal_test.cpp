#include "pool/tools/verify_journal.h"

#include "pool/journal/journal_recovery.h"
#include "pool/journal/journal_writer.h"
#include "tests/loop/pool/journal/journal_fixture.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace journal_test;

namespace {

struct Verdict {
  bool all = false;
  std::vector<std::string> fails;
  std::vector<std::string> good;
  std::string summary;
};

Verdict verify(const std::string& path) {
  Verdict verdict;
  verdict.all = pool::verify_journal(path, [&](const pool::VerifyLine& line) {
    (line.ok ? verdict.good : verdict.fails).push_back(line.text);
    if (line.part == "journal") verdict.summary = line.text;
  });
  return verdict;
}

// Segments 1 to 4 of a folder, chained, with 10, 10, 0 and 10 shares.
struct Chain {
  Chain() {
    pool::WriterOptions options;
    options.folder = folder.path();
    options.journal = test_uuid;
    options.fsync = false;
    options.segment_bytes_max = 1'000'000;
    pool::JournalWriter writer(options, {});
    for (std::uint64_t segment = 1; segment <= 4; ++segment) {
      ASSERT(writer.open_segment(static_cast<std::int64_t>(segment)).has_value());
      if (segment == 3) continue;
      writer.append(pool::JournalSource{0}, pool::AppendId{segment},
                    payloads(segment * 10 - 9, 10));
      ASSERT(writer.flush(1).failed.empty());
    }
  }
  std::string path(std::uint64_t segment) const {
    return pool::segment_path(folder.path(), segment);
  }
  // The one complaint there is, about a segment, without its path.
  std::string complaint(std::uint64_t segment) const {
    const Verdict verdict = verify(folder.path());
    CHECK_FALSE(verdict.all);
    REQUIRE_EQ(verdict.fails.size(), 2);  // and the summary
    REQUIRE_EQ(verdict.fails[0].find(path(segment) + ": "), 0);
    return verdict.fails[0].substr(path(segment).size() + 2);
  }
  void replace(std::uint64_t segment, const base::Bytes& bytes) const {
    write_file(path(segment), bytes);
  }

  TemporaryFolder folder;
};

}  // namespace

TEST_CASE("a journal as the pool writes it is whole, given as data_dir or as folder") {
  const Chain chain;
  const Verdict verdict = verify(chain.folder.path());
  CHECK(verdict.all);
  CHECK(verdict.fails.empty());
  CHECK_EQ(verdict.good.size(), 5);
  CHECK(verdict.good[0].find("records 1 to 10, ") != std::string::npos);
  CHECK(verdict.good[2].find("no records, 128 bytes, sha256 ") != std::string::npos);
  CHECK_EQ(verdict.summary, chain.folder.path() + ": 4 segments, 30 records");
  const TemporaryFolder data_dir;
  std::filesystem::rename(chain.folder.path(), pool::journal_folder(data_dir.path()));
  CHECK(verify(data_dir.path()).all);
}

TEST_CASE("segments that were stored and removed are told, and no fault") {
  const Chain chain;
  std::filesystem::remove(chain.path(1));
  const Verdict verdict = verify(chain.folder.path());
  CHECK(verdict.all);
  CHECK(verdict.summary.find("records 1 to 10 are not here: their segments, the last of them "
                             "0000000000000001.journal, were stored and removed") !=
        std::string::npos);
}

TEST_CASE("every flipped bit of a closed segment is found") {
  const Chain chain;
  const base::Bytes good = file_bytes(chain.path(2));
  for (std::size_t byte = 0; byte < good.size(); byte += 1 + byte % 7) {
    CAPTURE(byte);
    base::Bytes bad = good;
    bad[byte] ^= static_cast<std::uint8_t>(1U << (byte % 8));
    chain.replace(2, bad);
    const Verdict verdict = verify(chain.folder.path());
    CHECK_FALSE(verdict.all);
    REQUIRE_FALSE(verdict.fails.empty());
    CHECK_EQ(verdict.fails[0].find(chain.path(2) + ": "), 0);
  }
}

TEST_CASE("a finding names the byte, what was expected and what is there") {
  const Chain chain;
  const base::Bytes good = file_bytes(chain.path(2));
  const std::size_t record = (good.size() - pool::segment_header_bytes) / 10;
  const std::string last = std::to_string(good.size() - record);
  base::Bytes bad = good;
  bad[good.size() - 20] ^= 1;
  chain.replace(2, bad);
  CHECK_EQ(chain.complaint(2),
           "byte " + last + ": expected record 20, as 0000000000000003.journal says that " +
               std::to_string(good.size()) + " bytes count, found checksum mismatch");
  bad = good;
  bad.resize(good.size() - record);
  chain.replace(2, bad);
  CHECK(chain.complaint(2).find("found the end of the file") != std::string::npos);
  // Rewritten with good checksums: only the chain can tell.
  bad = pool::write_segment_header(header_of(chain.folder.path(), 2));
  pool::append_frames(bad, payloads(11, 9), 11);
  pool::append_frames(bad, payloads(77, 1), 20);
  REQUIRE_EQ(bad.size(), good.size());
  chain.replace(2, bad);
  CHECK(chain.complaint(2).find("changed after it was closed") != std::string::npos);
}

TEST_CASE("a segment that is missing in the middle is a fault") {
  const Chain chain;
  std::filesystem::remove(chain.path(2));
  const Verdict verdict = verify(chain.folder.path());
  CHECK_FALSE(verdict.all);
  bool named = false;
  for (const std::string& fail : verdict.fails) {
    named = named || fail.find(
                         "names 0000000000000002.journal as the segment before, which is "
                         "not here") != std::string::npos;
  }
  CHECK(named);
}

TEST_CASE("what lies behind the bytes that count is no data and no fault") {
  const Chain chain;
  for (const std::uint64_t segment : {2, 4}) {
    base::Bytes bytes = file_bytes(chain.path(segment));
    base::append(bytes, base::ByteSpan(payloads(1, 1)).first(37));
    chain.replace(segment, bytes);
  }
  const Verdict verdict = verify(chain.folder.path());
  CHECK(verdict.all);
  CHECK(verdict.good[1].find("; 37 bytes behind them are a torn write and no data") !=
        std::string::npos);
  CHECK(verdict.good[3].find("; 37 bytes behind them are a torn write") != std::string::npos);
}

TEST_CASE("the last segment torn at any byte of a record is whole up to the record before") {
  const Chain chain;
  const base::Bytes good = file_bytes(chain.path(4));
  const std::size_t record = (good.size() - pool::segment_header_bytes) / 10;
  for (std::size_t size = good.size() - record; size < good.size(); ++size) {
    CAPTURE(size);
    chain.replace(4, {good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)});
    const Verdict verdict = verify(chain.folder.path());
    CHECK(verdict.all);
    CHECK(verdict.good[3].find("records 21 to 29, " + std::to_string(good.size() - record) +
                               " bytes") != std::string::npos);
    const auto tail = pool::recover_journal(chain.folder.path(), test_uuid);
    REQUIRE(tail.has_value());
    CHECK_EQ(tail->end.offset, good.size() - record);
  }
}

TEST_CASE("damage in the last segment shows by the whole records behind it") {
  const Chain chain;
  base::Bytes bytes = file_bytes(chain.path(4));
  const std::size_t record = (bytes.size() - pool::segment_header_bytes) / 10;
  bytes[bytes.size() - 2 * record - 10] ^= 1;
  chain.replace(4, bytes);
  CHECK(chain.complaint(4).find("expected record 28, found checksum mismatch; record 29 is whole "
                                "at byte ") != std::string::npos);
}

TEST_CASE("files that are not this journal's are told apart") {
  struct Row {
    const char* why;
    pool::SegmentHeader header;
    const char* complaint;
  };
  const Row rows[] = {
      {"another journal", {pool::JournalUuid{9}, 5, 31}, "byte 16: expected journal 0102"},
      {"another number", {test_uuid, 6, 31}, "byte 32: expected the number of the file's name"},
      {"no chain", {test_uuid, 5, 31}, "byte 48: expected the name of the segment before"},
      {"a chain to nowhere",
       {test_uuid, 5, 31, {2'000'000, 128, {}}},
       "byte 48: names 00000000001e8480.journal as the segment before, which is not here"}};
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const Chain chain;
    chain.replace(5, pool::write_segment_header(row.header));
    const Verdict verdict = verify(chain.folder.path());
    bool told = false;
    for (const std::string& fail : verdict.fails) {
      told = told || fail.find(chain.path(5) + ": " + row.complaint) == 0;
    }
    CHECK(told);
  }
  const Chain chain;
  chain.replace(5, base::Bytes(20, 0));
  CHECK_EQ(chain.complaint(5),
           "byte 0: not a journal segment; expected a segment's header, found 20 bytes in all");
}

TEST_CASE("an empty segment that the chain passes over is no fault; one with records is") {
  const Chain chain;
  const pool::SegmentLink fourth =
      link_of(chain.folder.path(), 4, std::filesystem::file_size(chain.path(4)));
  chain.replace(5, pool::write_segment_header({test_uuid, 5, 31, fourth}));
  chain.replace(6, pool::write_segment_header({test_uuid, 6, 31, fourth}));
  CHECK(verify(chain.folder.path()).all);
  chain.replace(6, pool::write_segment_header({test_uuid, 6, 32, fourth}));
  base::Bytes bytes = pool::write_segment_header({test_uuid, 5, 31, fourth});
  pool::append_frames(bytes, payloads(31, 1), 31);
  chain.replace(5, bytes);
  const Verdict verdict = verify(chain.folder.path());
  CHECK_FALSE(verdict.all);
}

TEST_CASE("segments of version 1 are held together by their sequence numbers") {
  const TemporaryFolder folder;
  write_segment(folder.path(), 1, 1, 1, 10, 5);
  const std::uint64_t size = write_segment(folder.path(), 2, 10, 10, 10);
  write_file(pool::segment_path(folder.path(), 3),
             pool::write_segment_header({test_uuid, 3, 20, link_of(folder.path(), 2, size)}));
  CHECK(verify(folder.path()).all);
  write_segment(folder.path(), 1, 1, 1, 8);
  const Verdict verdict = verify(folder.path());
  REQUIRE_EQ(verdict.fails.size(), 2);
  CHECK(verdict.fails[0].find("expected record 9, as 0000000000000002.journal goes on with record "
                              "10, found the end of the file") != std::string::npos);
}

TEST_CASE("a folder that is not there, and one with nothing in it") {
  const TemporaryFolder folder;
  CHECK(verify(folder.path()).all);
  CHECK_FALSE(verify(folder.path() + "/none").all);
}
