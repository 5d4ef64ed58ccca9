#include "pool/journal/journal_recovery.h"

#include "pool/journal/file_calls.h"
#include "pool/journal/journal_folder.h"
#include "pool/journal/journal_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

namespace pool {
namespace fs = std::filesystem;
namespace {

void remove_unfinished(const std::string& folder) {
  std::error_code error;
  std::vector<fs::path> unfinished;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    if (entry->path().extension() == ".tmp") unfinished.push_back(entry->path());
  }
  for (const fs::path& path : unfinished) fs::remove(path, error);
}

// The size of the file, once its bytes are on disk.
base::Result<std::uint64_t, std::string> sync_segment(const std::string& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.is_open()) return base::err(path + ": can't open: " + last_error_text());
  if (::fsync(fd.get()) != 0) return base::err(path + ": can't sync: " + last_error_text());
  const off_t size = ::lseek(fd.get(), 0, SEEK_END);
  if (size < 0) return base::err(path + ": can't read: " + last_error_text());
  return static_cast<std::uint64_t>(size);
}

}  // namespace

base::Result<RecoveredTail, std::string> recover_journal(const std::string& folder,
                                                         const JournalUuid& journal) {
  remove_unfinished(folder);
  const auto segments = list_segments(folder);
  if (!segments) return base::err(segments.error());
  if (segments->empty()) return RecoveredTail{};

  const std::uint64_t newest = segments->back();
  const std::string path = segment_path(folder, newest);
  const auto header = read_segment_header(folder, newest);
  if (!header) {
    const bool damaged = header.error().kind == SegmentError::Kind::damaged;
    return base::err(header.error().message +
                     (damaged ? "; move it out of the folder to start without it"
                              : "; its records are wanted: make it readable and start again"));
  }
  if (header->journal != journal) {
    return base::err(path + ": belongs to journal " + base::to_hex(header->journal) +
                     ", but journal_id says " + base::to_hex(journal));
  }
  const auto size = sync_segment(path);
  if (!size) return base::err(size.error());

  JournalReader reader(folder, journal, {newest, header->bytes(), header->first_sequence - 1});
  JournalBatch batch;
  do {
    batch.clear();
    const auto read = reader.read(1000, {newest + 1, 0, 0}, batch);
    if (!read) return base::err(read.error());
  } while (!batch.entries.empty());
  const JournalPosition& end = reader.position();
  return RecoveredTail{end, reader.segment_sha256(), *size - end.offset};
}

}  // namespace pool
