#include "pool/journal/journal_folder.h"

#include "common/base/assert.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace pool {
namespace fs = std::filesystem;
namespace {

constexpr const char* stored_name = "stored";
constexpr std::chrono::hours clock_tolerance{1};

base::Result<void, std::string> sync_folder(const std::string& folder) {
  const FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open() || ::fsync(fd.get()) != 0) {
    return base::err(folder + ": can't sync the folder: " + last_error_text());
  }
  return {};
}

base::Result<FileDescriptor, std::string> write_and_rename(const FileCalls& calls,
                                                           const std::string& folder,
                                                           const std::string& name,
                                                           base::ByteSpan contents) {
  const std::string path = folder + "/" + name;
  const std::string temporary = path + ".tmp";
  FileDescriptor fd(calls.open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC));
  const auto failed = [&](const char* what) {
    std::string why = path + ": can't " + what + ": " + last_error_text();
    if (fd.is_open()) ::unlink(temporary.c_str());
    return base::err(std::move(why));
  };
  if (!fd.is_open()) return failed("create");
  if (!write_all(calls, fd.get(), contents)) return failed("write");
  if (calls.sync(fd.get()) != 0) return failed("sync");
  if (::rename(temporary.c_str(), path.c_str()) != 0) return failed("rename");
  if (auto synced = sync_folder(folder); !synced) return base::err(synced.error());
  return fd;
}

JournalUuid make_uuid() {
  JournalUuid uuid{};
  ASSERT(::getrandom(uuid.data(), uuid.size(), 0) == static_cast<ssize_t>(uuid.size()));
  uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0fU) | 0x40U);  // RFC 9562: version 4
  uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3fU) | 0x80U);  // and its variant
  return uuid;
}

base::Result<JournalUuid, std::string> read_journal_id(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  file >> text;
  JournalUuid uuid{};
  if (!base::decode_hex(text, uuid)) {
    return base::err(path + ": expected 32 hex digits, the journal's id");
  }
  return uuid;
}

}  // namespace

std::string journal_folder(const std::string& data_dir) { return data_dir + "/journal"; }

std::string segment_path(const std::string& folder, std::uint64_t segment) {
  return folder + "/" + segment_file_name(segment);
}

base::Result<void, std::string> make_journal_folder(const std::string& folder) {
  std::error_code error;
  const bool made = fs::create_directories(folder, error);
  if (error) return base::err(folder + ": can't make the journal's folder: " + error.message());
  if (!made) return {};
  // Its name, and those of the folders made for it, must outlast a power cut as its files do. A
  // folder further up may be closed to us; it is then not ours, and not new.
  const fs::path data_dir = fs::absolute(folder).parent_path();
  for (fs::path above = data_dir; above != above.root_path();) {
    above = above.parent_path();
    static_cast<void>(sync_folder(above.string()));
  }
  return sync_folder(data_dir.string());
}

base::Result<FileDescriptor, std::string> lock_journal(const std::string& folder) {
  const std::string path = folder + "/lock";
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
  if (!fd.is_open()) return base::err(path + ": can't open: " + last_error_text());
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return base::err(path + ": another phasepool is running with this data_dir; stop it, or give " +
                     "this one a data_dir of its own");
  }
  return fd;
}

base::Result<JournalUuid, std::string> load_or_make_journal_id(const std::string& folder) {
  const std::string path = folder + "/journal_id";
  if (fs::exists(path)) return read_journal_id(path);
  const auto segments = list_segments(folder);
  if (!segments) return base::err(segments.error());
  JournalUuid uuid = make_uuid();
  if (!segments->empty()) {
    const auto header = read_segment_header(folder, segments->back());
    if (!header) return base::err(header.error().message);
    uuid = header->journal;
  }
  const auto written = replace_file(folder, "journal_id", base::to_hex(uuid) + "\n");
  if (!written) return base::err(written.error());
  return uuid;
}

base::Result<std::vector<std::uint64_t>, std::string> list_segments(const std::string& folder) {
  std::vector<std::uint64_t> segments;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const auto segment = parse_segment_file_name(entry->path().filename().string());
    if (segment) segments.push_back(*segment);
  }
  if (error) return base::err(folder + ": can't list: " + error.message());
  std::sort(segments.begin(), segments.end());
  return segments;
}

base::Result<SegmentHeader, SegmentError> read_segment_header(const std::string& folder,
                                                              std::uint64_t segment) {
  using Kind = SegmentError::Kind;
  const std::string path = segment_path(folder, segment);
  const auto failed = [&](Kind kind, const std::string& why) {
    return base::err(SegmentError{kind, path + ": " + why});
  };
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) {
    const Kind kind = errno == ENOENT ? Kind::missing : Kind::unreadable;
    return failed(kind, "can't open: " + last_error_text());
  }
  std::array<std::uint8_t, segment_header_bytes> bytes{};
  const ssize_t got = ::pread(fd.get(), bytes.data(), bytes.size(), 0);
  if (got < 0) return failed(Kind::unreadable, "can't read: " + last_error_text());
  const auto header =
      parse_segment_header(base::ByteSpan(bytes).first(static_cast<std::size_t>(got)));
  if (!header)
    return failed(Kind::damaged, "damaged header: " + std::string(describe(header.error())));
  if (header->segment != segment) {
    return failed(Kind::damaged,
                  "the header is that of segment " + segment_file_name(header->segment));
  }
  return *header;
}

base::Result<FileDescriptor, std::string> create_segment(const FileCalls& calls,
                                                         const std::string& folder,
                                                         const SegmentHeader& header) {
  return write_and_rename(calls, folder, segment_file_name(header.segment),
                          write_segment_header(header));
}

std::size_t remove_stored_segments(const std::string& folder, std::uint64_t stored_segment,
                                   const Retention& retention) {
  const auto segments = list_segments(folder);
  if (!segments || segments->size() <= retention.newest) return 0;
  std::uint64_t stored_bytes = 0;
  std::uint64_t unstored_bytes = 0;
  for (const std::uint64_t segment : *segments) {
    (segment < stored_segment ? stored_bytes : unstored_bytes) += segment_bytes(folder, segment);
  }
  const std::uint64_t room =
      retention.folder_bytes_max - std::min(unstored_bytes, retention.folder_bytes_max);
  const std::uint64_t stored_bytes_max = std::min(retention.stored_bytes_max, room);
  const auto now = fs::file_time_type::clock::now();
  std::size_t removed = 0;
  for (std::size_t i = 0; i < segments->size() - retention.newest; ++i) {
    const std::uint64_t segment = (*segments)[i];
    if (segment >= stored_segment) break;
    const std::string path = segment_path(folder, segment);
    std::error_code error;
    const auto age = now - fs::last_write_time(path, error);
    // A time that is still to come is of a clock that was wrong: it says nothing.
    const bool dated = !error && age > -clock_tolerance;
    const bool too_many = stored_bytes > stored_bytes_max;
    const bool too_old = dated && age >= retention.at_most;
    // Never one from the middle: what is kept stays in one piece.
    if ((!too_many && !too_old) || (dated && age < retention.at_least)) break;
    const std::uint64_t bytes = segment_bytes(folder, segment);
    if (::unlink(path.c_str()) != 0) break;
    stored_bytes -= std::min(bytes, stored_bytes);
    ++removed;
  }
  return removed;
}

JournalPosition read_stored_note(const std::string& folder) {
  std::ifstream file(folder + "/" + stored_name);
  JournalPosition stored;
  if (file >> stored.segment >> stored.offset >> stored.sequence) return stored;
  return {};
}

base::Result<void, std::string> write_stored_note(const std::string& folder,
                                                  const JournalPosition& stored) {
  return replace_file(folder, stored_name,
                      std::to_string(stored.segment) + " " + std::to_string(stored.offset) + " " +
                          std::to_string(stored.sequence) + "\n");
}

std::optional<std::uint64_t> free_bytes(const std::string& folder) {
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
}

std::uint64_t segment_bytes(const std::string& folder, std::uint64_t segment) {
  std::error_code error;
  const auto bytes = fs::file_size(segment_path(folder, segment), error);
  return error ? 0 : bytes;
}

base::Result<void, std::string> keep_damaged_segments(const std::string& folder,
                                                      std::uint64_t first, std::uint64_t end) {
  const auto segments = list_segments(folder);
  if (!segments) return base::err(segments.error());
  for (const std::uint64_t segment : *segments) {
    if (segment < first || segment >= end) continue;
    const std::string path = segment_path(folder, segment);
    if (::link(path.c_str(), (path + ".damaged").c_str()) == 0 || errno == EEXIST) continue;
    return base::err(path + ": can't link as *.damaged: " + last_error_text());
  }
  return sync_folder(folder);
}

base::Result<void, std::string> replace_file(const std::string& folder, const std::string& name,
                                             std::string_view contents) {
  const auto fd = write_and_rename(system_file_calls(), folder, name, base::as_bytes(contents));
  if (!fd) return base::err(fd.error());
  return {};
}

}  // namespace pool
