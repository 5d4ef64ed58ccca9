#include "pool/journal/journal_reader.h"

#include "common/base/assert.h"
#include "pool/core/limits.h"
#include "pool/journal/journal_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace pool {
namespace {

constexpr std::size_t chunk_bytes = 1024 * 1024;
static_assert(chunk_bytes > 2 * limits::journal_record_bytes_max);

}  // namespace

std::string describe_change(const ClosedSegment& closed) {
  ASSERT(closed.found);
  return std::to_string(closed.bytes) + " bytes with sha256 " + base::to_hex(closed.sha256) +
         ", but " + std::to_string(closed.found->bytes) + " with " +
         base::to_hex(closed.found->sha256) + " were read";
}

JournalReader::JournalReader(std::string folder, const JournalUuid& journal, JournalPosition from)
    : folder_(std::move(folder)), journal_(journal), position_(from) {}

base::Result<void, std::string> JournalReader::read(std::size_t records_max,
                                                    const JournalPosition& durable_to,
                                                    JournalBatch& out) {
  for (std::size_t records = 0; records < records_max;) {
    const auto stepped = step(durable_to, out);
    if (!stepped) return base::err(stepped.error());
    if (*stepped == Step::record) ++records;
    if (*stepped == Step::caught_up) break;
    if (*stepped == Step::end_of_segment) {
      const auto moved = next_segment(durable_to, out);
      if (!moved) return base::err(moved.error());
      if (!*moved) break;
    }
  }
  return {};
}

base::Result<JournalReader::Step, std::string> JournalReader::step(
    const JournalPosition& durable_to, JournalBatch& out) {
  const bool newest = position_.segment == durable_to.segment;
  if (newest && position_.offset >= durable_to.offset) return Step::caught_up;
  if (position_.segment > durable_to.segment) return Step::caught_up;
  if (!file_.is_open()) {
    const auto opened = open_segment();
    if (!opened) {
      drop_segment();  // half of it is of no use
      return base::err(opened.error());
    }
    if (!*opened && newest) {
      return base::err(segment_path(folder_, position_.segment) +
                       ": is missing, and its records have not all been read");
    }
    if (!*opened) return Step::end_of_segment;
  }
  if (!newest) {
    const auto looked = find_next_first_sequence(durable_to);
    if (!looked) return base::err(looked.error());
  }
  const std::uint64_t limit =
      newest ? durable_to.offset : std::numeric_limits<std::uint64_t>::max();
  auto frame = frame_before(limit);
  if (frame && (newest || !next_first_sequence_ || frame->sequence < *next_first_sequence_) &&
      frame->sequence == position_.sequence + 1) {
    if (hash_) hash_->update(base::ByteSpan(buffer_).subspan(used_, frame->bytes));
    used_ += frame->bytes;
    position_.offset += frame->bytes;
    position_.sequence = frame->sequence;
    out.entries.push_back({position_, std::move(frame->record)});
    return Step::record;
  }
  if (!frame && frame.error().unreadable) return base::err(frame.error().why);
  if (!newest) return Step::end_of_segment;
  const std::string why = frame ? "not the record expected next" : frame.error().why;
  return base::err(segment_path(folder_, position_.segment) + ": damaged at byte " +
                   std::to_string(position_.offset) + ", after record " +
                   std::to_string(position_.sequence) + ": " + why);
}

// Looks into the folder once for each durable_to, not once for each record.
base::Result<void, std::string> JournalReader::find_next_first_sequence(
    const JournalPosition& durable_to) {
  if (next_first_sequence_ || no_next_at_ == durable_to) return {};
  const auto next = header_after(position_.segment);
  if (!next) return base::err(next.error());
  if (*next) {
    next_first_sequence_ = (*next)->first_sequence;
  } else {
    no_next_at_ = durable_to;
  }
  return {};
}

base::Result<bool, std::string> JournalReader::next_segment(const JournalPosition& durable_to,
                                                            JournalBatch& out) {
  const auto next = header_after(position_.segment);
  if (!next) return base::err(next.error());
  if (!*next || (*next)->segment > durable_to.segment) return false;
  const JournalPosition before = position_;
  if (auto closed = close_segment(**next)) out.closed.push_back(*closed);
  drop_segment();
  position_ = {(*next)->segment, (*next)->bytes(), (*next)->first_sequence - 1};
  if (position_.sequence != before.sequence) out.gaps.push_back({before, position_});
  return true;
}

crypto::Digest JournalReader::segment_sha256() const {
  ASSERT(hash_);
  auto hash = *hash_;  // it goes on
  return hash.finish();
}

// None where the file is not there in full, and for an empty segment that the next header passes
// over: its making had failed.
std::optional<ClosedSegment> JournalReader::close_segment(const SegmentHeader& next) const {
  if (!header_ || !hash_) return std::nullopt;
  const SegmentLink found{position_.segment, position_.offset, segment_sha256()};
  const bool named = next.version > 1 && next.previous.segment == found.segment;
  const bool empty = position_.sequence + 1 == header_->first_sequence;
  if (next.version > 1 && !named && empty) return std::nullopt;
  const SegmentLink& said = named ? next.previous : found;
  ClosedSegment closed;
  closed.segment = found.segment;
  closed.first_sequence = header_->first_sequence;
  closed.last_sequence = named ? next.first_sequence - 1 : position_.sequence;
  closed.bytes = said.bytes;
  closed.sha256 = said.sha256;
  closed.prev_sha256 = header_->previous.sha256;
  // Where records are missing, the gap says so; and a later segment that is named may be hidden.
  const bool gap = position_.sequence + 1 != next.first_sequence;
  if (!gap && said != found) closed.found = found;
  return closed;
}

base::Result<std::optional<SegmentHeader>, std::string> JournalReader::header_after(
    std::uint64_t segment) const {
  const auto segments = list_segments(folder_);
  if (!segments) return base::err(segments.error());
  auto next = std::upper_bound(segments->begin(), segments->end(), segment);
  for (; next != segments->end(); ++next) {
    const auto header = read_segment_header(folder_, *next);
    if (header && header->journal == journal_) return std::optional<SegmentHeader>(*header);
    // A damaged header hides its segment; what is missing with it shows as a gap.
    if (!header && header.error().kind == SegmentError::Kind::unreadable) {
      return base::err(header.error().message);
    }
  }
  return std::optional<SegmentHeader>();
}

// False: the segment is not there (any more), or the position is not inside one yet.
base::Result<bool, std::string> JournalReader::open_segment() {
  drop_segment();
  if (position_.offset < segment_header_v1_bytes) return false;
  const std::string path = segment_path(folder_, position_.segment);
  file_ = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file_.is_open() && errno != ENOENT) {
    return base::err(path + ": can't open: " + last_error_text());
  }
  if (!file_.is_open()) return false;
  const auto header = read_segment_header(folder_, position_.segment);
  if (header) {
    header_ = *header;
  } else if (header.error().kind == SegmentError::Kind::unreadable) {
    return base::err(header.error().message);
  }
  const auto hashed = hash_what_was_read();
  if (!hashed) return base::err(hashed.error());
  return true;
}

// A reader that begins inside a segment takes the hash of what lies before it, too.
base::Result<void, std::string> JournalReader::hash_what_was_read() {
  crypto::Sha256 hash;
  base::Bytes bytes(chunk_bytes);
  for (std::uint64_t at = 0; at < position_.offset;) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(position_.offset - at, bytes.size()));
    const ssize_t got = ::pread(file_.get(), bytes.data(), wanted, static_cast<off_t>(at));
    if (got < 0) {
      return base::err(segment_path(folder_, position_.segment) + ": can't read at byte " +
                       std::to_string(at) + ": " + last_error_text());
    }
    if (got == 0) return {};
    hash.update(base::ByteSpan(bytes).first(static_cast<std::size_t>(got)));
    at += static_cast<std::uint64_t>(got);
  }
  hash_ = hash;
  return {};
}

base::Result<ParsedFrame, JournalReader::NoFrame> JournalReader::frame_before(std::uint64_t limit) {
  while (true) {
    const std::size_t allowed =
        static_cast<std::size_t>(std::min<std::uint64_t>(limit - position_.offset, chunk_bytes));
    const base::ByteSpan rest = base::ByteSpan(buffer_).subspan(used_);
    auto frame = parse_frame(rest.first(std::min(rest.size(), allowed)));
    if (frame) return std::move(*frame);
    const NoFrame none{false, std::string(describe(frame.error()))};
    if (frame.error() != JournalError::truncated || rest.size() >= allowed) return base::err(none);
    const auto added = refill(allowed);
    if (!added) return base::err(NoFrame{true, added.error()});
    if (*added == 0) return base::err(none);
  }
}

// Reads on behind what is buffered, until `wanted` bytes are: never past what is durable, where a
// write may be under way. Returns the bytes added (0: end of file).
base::Result<std::size_t, std::string> JournalReader::refill(std::size_t wanted) {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(used_));
  used_ = 0;
  const std::size_t had = buffer_.size();
  buffer_.resize(wanted);
  const ssize_t got = ::pread(file_.get(), buffer_.data() + had, wanted - had,
                              static_cast<off_t>(position_.offset + had));
  const int error = errno;
  const std::size_t added = got > 0 ? static_cast<std::size_t>(got) : 0;
  buffer_.resize(had + added);
  if (got >= 0) return added;
  errno = error;
  return base::err(segment_path(folder_, position_.segment) + ": can't read at byte " +
                   std::to_string(position_.offset + had) + ": " + last_error_text());
}

void JournalReader::drop_segment() {
  file_.reset();
  buffer_.clear();
  used_ = 0;
  header_.reset();
  hash_.reset();
  next_first_sequence_.reset();
  no_next_at_.reset();
}

}  // namespace pool
