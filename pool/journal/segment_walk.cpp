#include "pool/journal/segment_walk.h"

#include "pool/core/limits.h"
#include "pool/journal/file_calls.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace pool {
namespace {

constexpr std::size_t chunk_bytes = 1024 * 1024;
static_assert(chunk_bytes > 2 * limits::journal_record_bytes_max);

// The bytes of a file from a place on, which moves forward: at least a whole record of them, as far
// as the file goes.
class FileWindow {
 public:
  FileWindow(std::string path, std::uint64_t from) : path_(std::move(path)), offset_(from) {}

  [[nodiscard]] base::Result<void, std::string> open() {
    file_ = FileDescriptor(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file_.is_open()) return base::err(path_ + ": can't open: " + last_error_text());
    return fill();
  }
  base::ByteSpan rest() const { return base::ByteSpan(buffer_).subspan(used_); }
  std::uint64_t offset() const { return offset_; }

  [[nodiscard]] base::Result<void, std::string> advance(std::size_t bytes) {
    used_ += bytes;
    offset_ += bytes;
    if (ended_ || rest().size() > limits::journal_record_bytes_max + frame_overhead_bytes) {
      return {};
    }
    return fill();
  }
  [[nodiscard]] base::Result<std::uint64_t, std::string> size() const {
    const off_t size = ::lseek(file_.get(), 0, SEEK_END);
    if (size < 0) return base::err(path_ + ": can't read: " + last_error_text());
    return static_cast<std::uint64_t>(size);
  }

 private:
  base::Result<void, std::string> fill() {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(used_));
    used_ = 0;
    while (!ended_ && buffer_.size() < chunk_bytes) {
      const std::size_t had = buffer_.size();
      buffer_.resize(chunk_bytes);
      const ssize_t got = ::pread(file_.get(), buffer_.data() + had, chunk_bytes - had,
                                  static_cast<off_t>(offset_ + had));
      if (got < 0) {
        const std::string why = last_error_text();
        return base::err(path_ + ": can't read at byte " + std::to_string(offset_ + had) + ": " +
                         why);
      }
      buffer_.resize(had + static_cast<std::size_t>(got));
      ended_ = got == 0;
    }
    return {};
  }

  const std::string path_;
  FileDescriptor file_;
  base::Bytes buffer_;  // of the file, from offset_ - used_ on
  std::size_t used_ = 0;
  std::uint64_t offset_;
  bool ended_ = false;
};

void note_head(ChainHeads& heads, std::uint64_t sequence, crypto::Sha256 so_far) {
  const auto wanted = heads.find(sequence);
  if (wanted != heads.end()) wanted->second.push_back(so_far.finish());
}

}  // namespace

base::Result<SegmentWalk, std::string> walk_segment(const std::string& path, const WalkLimit& limit,
                                                    const OnRecord& on_record, ChainHeads* heads) {
  FileWindow window(path, 0);
  if (auto opened = window.open(); !opened) return base::err(opened.error());
  SegmentWalk walk;
  walk.header = parse_segment_header(window.rest());
  const auto size = window.size();
  if (!size) return base::err(size.error());
  walk.file_bytes = *size;
  if (!walk.header) return walk;
  walk.last_sequence = walk.header->first_sequence - 1;
  crypto::Sha256 hash;
  std::size_t step = walk.header->bytes();
  while (true) {
    hash.update(window.rest().first(step));
    if (auto moved = window.advance(step); !moved) return base::err(moved.error());
    walk.end = window.offset();
    if (heads != nullptr) note_head(*heads, walk.last_sequence, hash);
    if (walk.end >= limit.bytes || window.rest().empty()) break;
    const std::size_t allowed = static_cast<std::size_t>(
        std::min<std::uint64_t>(limit.bytes - walk.end, window.rest().size()));
    const auto frame = parse_frame(window.rest().first(allowed));
    if (!frame) {
      walk.damage = frame.error();
      break;
    }
    if (frame->sequence >= limit.sequence) break;
    if (frame->sequence != walk.last_sequence + 1) {
      walk.other_sequence = frame->sequence;
      break;
    }
    if (on_record) on_record(*frame);
    walk.last_sequence = frame->sequence;
    step = frame->bytes;
  }
  walk.sha256 = hash.finish();
  return walk;
}

base::Result<std::optional<RecordBehind>, std::string> find_record_behind(const std::string& path,
                                                                          std::uint64_t from,
                                                                          std::uint64_t after) {
  FileWindow window(path, from);
  if (auto opened = window.open(); !opened) return base::err(opened.error());
  while (!window.rest().empty()) {
    const auto frame = parse_frame(window.rest());
    if (frame && frame->sequence > after) {
      return std::optional<RecordBehind>({window.offset(), frame->sequence});
    }
    if (auto moved = window.advance(1); !moved) return base::err(moved.error());
  }
  return std::optional<RecordBehind>();
}

}  // namespace pool
