// What the journal's tests share: a folder of their own, records to write, and a way to read back.
#pragma once

#include "common/base/assert.h"
#include "pool/journal/journal_folder.h"
#include "pool/journal/journal_reader.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace journal_test {

// A folder under the system's temporary one, removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "phasepool-XXXXXX").string();
    ASSERT(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline constexpr pool::JournalUuid test_uuid{1, 2, 3, 4};

// Share number n: told apart by its job id.
inline pool::ShareRecord share(std::uint64_t n) {
  pool::ShareRecord record;
  record.time_us = 1'769'000'000'000'000 + static_cast<std::int64_t>(n) * 1000;
  record.address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
  record.worker_name = "w" + std::to_string(n % 3);
  record.height = 101;
  record.job_id = n;
  record.difficulty = 2;
  record.work = base::U256(8'590'065'666);
  record.share_difficulty = 3.5;
  base::write_le64(record.hash.bytes, n);
  return record;
}

// Shares first..first+count-1 as one append carries them.
inline base::Bytes payloads(std::uint64_t first, std::uint64_t count) {
  base::Bytes bytes;
  for (std::uint64_t n = first; n < first + count; ++n) pool::append_payload(bytes, share(n));
  return bytes;
}

struct ReadBack {
  std::vector<std::uint64_t> shares;  // their numbers
  std::vector<pool::JournalGap> gaps;
  std::vector<std::string> events;  // their messages
  std::vector<pool::ClosedSegment> closed;
  pool::JournalPosition end;
  std::string error;
};

inline ReadBack read_back(const std::string& folder, const pool::JournalUuid& journal,
                          const pool::JournalPosition& durable_to,
                          const pool::JournalPosition& from = {}) {
  pool::JournalReader reader(folder, journal, from);
  ReadBack result;
  pool::JournalBatch batch;
  do {
    batch.clear();
    const auto read = reader.read(7, durable_to, batch);
    if (!read) result.error = read.error();
    for (const auto& entry : batch.entries) {
      if (const auto* record = std::get_if<pool::ShareRecord>(&entry.record)) {
        result.shares.push_back(record->job_id);
      } else {
        result.events.push_back(std::get<pool::EventRecord>(entry.record).message);
      }
    }
    result.gaps.insert(result.gaps.end(), batch.gaps.begin(), batch.gaps.end());
    result.closed.insert(result.closed.end(), batch.closed.begin(), batch.closed.end());
  } while (!batch.empty() && result.error.empty());
  result.end = reader.position();
  return result;
}

inline std::vector<std::uint64_t> numbers(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> all;
  for (std::uint64_t n = first; n <= last; ++n) all.push_back(n);
  return all;
}

inline void write_file(const std::string& path, base::ByteSpan bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << base::as_text(bytes);
}

inline base::Bytes file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const base::ByteSpan bytes = base::as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

// What counts of a segment's file, as the next header should name it.
inline pool::SegmentLink link_of(const std::string& folder, std::uint64_t segment,
                                 std::uint64_t bytes) {
  const base::Bytes file = file_bytes(pool::segment_path(folder, segment));
  ASSERT(file.size() >= bytes);
  return {segment, bytes, crypto::sha256(base::ByteSpan(file).first(bytes))};
}

inline pool::SegmentHeader header_of(const std::string& folder, std::uint64_t segment) {
  const auto header = pool::read_segment_header(folder, segment);
  ASSERT(header.has_value());
  return *header;
}

// A file that is there and can't be opened, not even by root: a link to itself.
inline void make_unreadable(const std::string& path) {
  std::filesystem::rename(path, path + ".away");
  std::filesystem::create_symlink(path, path);
}
inline void make_readable_again(const std::string& path) {
  std::filesystem::rename(path + ".away", path);
}

// Writes a segment file by hand: shares numbered from `first_share`, sequence numbers from
// `first_sequence`. Version 1, which has no chain to be kept.
inline std::uint64_t write_segment(const std::string& folder, std::uint64_t segment,
                                   std::uint64_t first_sequence, std::uint64_t first_share,
                                   std::uint64_t count, std::size_t cut_bytes = 0) {
  base::Bytes bytes = pool::write_segment_header({test_uuid, segment, first_sequence, {}, 1});
  pool::append_frames(bytes, payloads(first_share, count), first_sequence);
  bytes.resize(bytes.size() - cut_bytes);
  write_file(pool::segment_path(folder, segment), bytes);
  return bytes.size();
}

}  // namespace journal_test
