#include "pool/journal/journal_writer.h"

#include "common/base/assert.h"
#include "common/log.h"
#include "pool/journal/journal_folder.h"

#include <unistd.h>

#include <algorithm>

namespace pool {

JournalWriter::JournalWriter(WriterOptions options, const JournalPosition& recovered,
                             const crypto::Digest& recovered_sha256)
    : options_(std::move(options)),
      newest_segment_(recovered.segment),
      durable_(recovered),
      recovered_sha256_(recovered_sha256),
      next_sequence_(recovered.sequence + 1) {}

SegmentLink JournalWriter::link() const {
  if (durable_.offset == 0) return {};
  auto hash = hash_;  // it goes on
  return {durable_.segment, durable_.offset, hash ? hash->finish() : recovered_sha256_};
}

base::Result<void, std::string> JournalWriter::open_segment(std::int64_t unix_seconds) {
  const std::uint64_t segment = std::max(
      newest_segment_ + 1, static_cast<std::uint64_t>(std::max<std::int64_t>(unix_seconds, 0)));
  const SegmentHeader header{options_.journal, segment, durable_.sequence + 1, link()};
  auto file = create_segment(options_.calls, options_.folder, header);
  if (!file) {
    // If only the folder's sync failed, the new segment may be what a reader finds after a crash:
    // from here on nothing may be added to the one before it. It stays empty, and the next header
    // passes it over.
    if (::access(segment_path(options_.folder, segment).c_str(), F_OK) == 0) {
      newest_segment_ = segment;
      file_.reset();
    }
    return base::err(file.error());
  }
  file_ = std::move(*file);
  newest_segment_ = segment;
  durable_ = {segment, header.bytes(), durable_.sequence};
  hash_.emplace().update(write_segment_header(header));
  error_.clear();
  return {};
}

void JournalWriter::append(JournalSource source, AppendId id, base::ByteSpan payloads) {
  next_sequence_ += append_frames(buffer_, payloads, next_sequence_);
  const auto known = std::find_if(waiting_.begin(), waiting_.end(),
                                  [source](const Waiting& w) { return w.source == source; });
  if (known == waiting_.end()) {
    waiting_.push_back({source, id, id});
  } else {
    known->last = id;
  }
}

FlushReport JournalWriter::flush(std::int64_t unix_seconds) {
  if (waiting_.empty()) return {};
  if (file_.is_open()) rotate_if_full(unix_seconds);
  const bool written = file_.is_open() && write_buffer();
  if (written) {
    hash_->update(buffer_);
    durable_.offset += buffer_.size();
    durable_.sequence = next_sequence_ - 1;
  } else {
    next_sequence_ = durable_.sequence + 1;
    if (file_.is_open()) abandon_segment(last_error_text(), unix_seconds);
  }
  return report(written);
}

bool JournalWriter::write_buffer() {
  if (!write_all(options_.calls, file_.get(), buffer_)) return false;
  if (!options_.fsync) {
    unsynced_ = true;
    return true;
  }
  ++syncs_;
  return options_.calls.sync(file_.get()) == 0;
}

void JournalWriter::sync_relaxed(std::int64_t unix_seconds) {
  if (!unsynced_ || !file_.is_open()) return;
  unsynced_ = false;
  ++syncs_;
  if (options_.calls.sync(file_.get()) != 0) abandon_segment(last_error_text(), unix_seconds);
}

// A full segment that can't be followed by another goes on growing: better long than lost.
void JournalWriter::rotate_if_full(std::int64_t unix_seconds) {
  if (durable_.offset < options_.segment_bytes_max || unix_seconds < rotate_not_before_) return;
  sync_relaxed(unix_seconds);
  if (!file_.is_open() || durable_.offset == segment_header_bytes) return;
  const auto opened = open_segment(unix_seconds);
  if (opened) return;
  error_ = opened.error();
  rotate_not_before_ = unix_seconds + 1;
}

// REQUIRES: durable_ is the last byte of the segment that may be read.
void JournalWriter::abandon_segment(const std::string& why, std::int64_t unix_seconds) {
  error_ = segment_path(options_.folder, durable_.segment) + ": " + why;
  last_failure_ = error_;
  LOG(error, "journal_write_failed", {"error", error_}, {"durable_bytes", durable_.offset});
  // Best effort: the next segment's header says the same.
  if (::ftruncate(file_.get(), static_cast<off_t>(durable_.offset)) != 0) {
    LOG(warning, "journal_truncate_failed", {"error", last_error_text()});
  }
  file_.reset();
  unsynced_ = false;
  if (unix_seconds < reopen_not_before_) return;  // open_segment() is tried again every second
  reopen_not_before_ = unix_seconds + 1;
  const std::string first_error = error_;
  const auto opened = open_segment(unix_seconds);
  error_ = opened ? std::string() : opened.error();
  if (opened) {
    LOG(warning, "journal_new_segment", {"segment", newest_segment_}, {"after", first_error});
  } else {
    LOG(error, "journal_stopped", {"error", error_});
  }
}

FlushReport JournalWriter::report(bool written) {
  FlushReport report;
  for (const Waiting& w : waiting_) {
    if (written) {
      report.written.push_back({w.source, Durable{w.last}});
    } else {
      report.failed.push_back({w.source, NotDurable{w.first, w.last}});
    }
  }
  waiting_.clear();
  buffer_.clear();
  return report;
}

}  // namespace pool
