#include "pool/journal/journal_loop.h"

#include "common/log.h"
#include "common/uv/clock.h"
#include "pool/journal/journal_recovery.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace pool {

using namespace std::chrono_literals;

namespace {

std::string mebibytes(std::uint64_t bytes) { return std::to_string(bytes / (1024 * 1024)); }

}  // namespace

base::Result<std::unique_ptr<JournalLoop>, std::string> JournalLoop::open(Options options,
                                                                          Hooks hooks) {
  const std::string folder = journal_folder(options.data_dir);
  if (auto made = make_journal_folder(folder); !made) return base::err(made.error());
  auto lock = lock_journal(folder);
  if (!lock) return base::err(lock.error());
  const auto journal = load_or_make_journal_id(folder);
  if (!journal) return base::err(journal.error());
  const auto tail = recover_journal(folder, *journal);
  if (!tail) return base::err(tail.error());
  LOG(info, "journal_recovered", {"folder", folder}, {"last_record", tail->end.sequence},
      {"torn_bytes", tail->torn_bytes});
  std::unique_ptr<JournalLoop> loop(
      new JournalLoop(std::move(options), std::move(hooks), *journal, std::move(*lock), *tail));
  const auto opened = loop->writer_.open_segment(uv::read_clock().unix_seconds());
  if (!opened) return base::err(opened.error());
  loop->recovered_ = loop->writer_.durable_to();
  if (tail->end.offset > segment_header_bytes) {
    loop->head_told_ = {tail->end.sequence, tail->sha256};
  }
  // Until the database says so itself, its last word counts.
  (void)loop->space_.set_stored(read_stored_note(folder));
  loop->list_segment_bytes();
  return loop;
}

JournalLoop::JournalLoop(Options options, Hooks hooks, const JournalUuid& journal,
                         FileDescriptor lock, const RecoveredTail& recovered)
    : options_(std::move(options)),
      hooks_(std::move(hooks)),
      journal_id_(journal),
      lock_(std::move(lock)),
      writer_({journal_folder(options_.data_dir), journal, options_.fsync,
               options_.segment_bytes_max, options_.calls},
              recovered.end, recovered.sha256),
      recovered_(recovered.end),
      space_(options_.bytes_max),
      lag_(loop_, [this](auto lag) { health_.lag.add(lag); }),
      window_(loop_, [this] { flush(); }),
      head_(loop_, [this] { note_head(); }),
      tick_(loop_, [this] { on_tick(); }),
      mailbox_(loop_, limits::journal_mailbox_messages_max,
               [this](JournalMessage&& message) { on_message(std::move(message)); }) {
  mailbox_.on_batch(
      [this](std::size_t messages) { health_.queue.add(static_cast<std::int64_t>(messages)); });
}

void JournalLoop::run() {
  hooks_.advanced(JournalAdvanced{recovered_});
  if (hooks_.head && head_told_.sequence > 0) tell_head(head_told_);
  look_at_disk();
  report_status();
  tick_.start(options_.retry_period, options_.retry_period);
  loop_.run();
}

void JournalLoop::on_message(JournalMessage&& message) {
  if (stopping_) return;
  if (const auto* append = std::get_if<JournalAppend>(&message)) on_append(*append);
  if (const auto* stored = std::get_if<JournalStored>(&message)) on_stored(stored->stored_to);
  if (std::holds_alternative<Shutdown>(message)) on_shutdown();
}

void JournalLoop::on_append(const JournalAppend& append) {
  if (space_.full() && append.source != journal_source_node) {
    flush();  // what the same source appended before is settled first
    return hooks_.not_durable(append.source, NotDurable{append.id, append.id});
  }
  writer_.append(append.source, append.id, append.payloads);
  if (writer_.waiting_bytes() >= options_.flush_bytes) return flush();
  open_window();
}

void JournalLoop::open_window() {
  if (window_open_) return;
  window_open_ = true;
  window_.start(options_.fsync_window, 0ms);
}

void JournalLoop::on_stored(const JournalPosition& stored) {
  if (!space_.set_stored(stored)) list_segment_bytes();
  look_at_space();
}

void JournalLoop::list_segment_bytes() {
  const std::string folder = journal_folder(options_.data_dir);
  const auto segments = list_segments(folder);
  if (!segments) return;  // what is written counts in any case
  for (const std::uint64_t segment : *segments) {
    space_.set_segment(segment, segment_bytes(folder, segment));
  }
}

// A disk that won't say counts as large: the bound is what holds.
void JournalLoop::look_at_disk() {
  free_bytes_ = options_.free_bytes(journal_folder(options_.data_dir))
                    .value_or(std::numeric_limits<std::uint64_t>::max() / 2);
  look_at_space();
}

void JournalLoop::look_at_space() {
  const auto change = space_.update(free_bytes_);
  if (!change) return;
  tell_space(*change);
  report_status();
}

void JournalLoop::tell_space(const JournalSpace::Change& change) {
  const std::string used = mebibytes(space_.unstored_bytes()) + " of " +
                           mebibytes(space_.bytes_max()) + " MiB that may wait for the database";
  if (change.level == 100) {
    tell("critical",
         "the journal is full, and no share is accepted until the database has stored "
         "some of it: " +
             used);
  } else if (change.level > change.level_before) {
    tell(change.level < 75 ? "medium" : "high",
         "the journal has used " + std::to_string(change.level) + " percent of its room: " + used);
  } else if (change.level < change.level_before) {
    tell("info", "the journal has room again: " + used);
  }
  // A hint for the operator, at every start on a small disk: no event.
  if (change.is_short && !change.short_before) {
    LOG(warning, "journal_disk_short", {"journal", used},
        {"effect", "the disk of data_dir is full before journal.bytes_max is reached"});
  }
}

// To the log at once, to the events with the next flush: if that fails, the log is all there is.
void JournalLoop::tell(std::string_view severity, const std::string& message) {
  if (severity == "critical") LOG(critical, "journal_alarm", {"message", message});
  if (severity == "high" || severity == "medium")
    LOG(warning, "journal_alarm", {"message", message});
  if (severity == "low" || severity == "info") LOG(info, "journal_alarm", {"message", message});
  EventRecord event;
  event.time_us = uv::read_clock().unix_micros();
  event.severity = severity;
  event.component = "journal";
  event.message = message;
  base::Bytes payload;
  append_payload(payload, event);
  events_told_ = AppendId{events_told_.value + 1};
  writer_.append(journal_source_self, events_told_, payload);
  open_window();
}

// What was refused goes on record, even where another segment took over at once.
void JournalLoop::note_failure(const FlushReport& report) {
  const bool refused = std::any_of(report.failed.begin(), report.failed.end(),
                                   [](const auto& f) { return f.source != journal_source_self; });
  if (!refused || !writer_.writable()) return;
  tell("high", "a write of the journal failed, and its records were refused: " +
                   writer_.last_failure() + "; another segment goes on");
}

// Once it can be written again, how long it could not goes on record.
void JournalLoop::note_writable() {
  const std::int64_t now = uv::read_clock().unix_seconds();
  if (!writer_.writable()) {
    if (!unwritable_since_) unwritable_since_ = now;
    unwritable_why_ = writer_.error();
  } else if (unwritable_since_) {
    tell("high", "the journal could not be written for " +
                     std::to_string(std::max<std::int64_t>(now - *unwritable_since_, 0)) +
                     " s, and no share was accepted: " + unwritable_why_);
    unwritable_since_.reset();
  }
}

void JournalLoop::on_shutdown() {
  stopping_ = true;
  flush();
  writer_.sync_relaxed(uv::read_clock().unix_seconds());
  tick_.stop();
  head_.stop();
  report_status();
  loop_.stop();
}

void JournalLoop::on_tick() {
  const std::int64_t now = uv::read_clock().unix_seconds();
  writer_.sync_relaxed(now);
  if (!writer_.writable()) {
    const auto opened = writer_.open_segment(now);
    if (opened) {
      LOG(info, "journal_writable_again", {"segment", writer_.durable_to().segment});
      note_writable();
    }
  }
  look_at_disk();
  report_status();
}

void JournalLoop::flush() {
  window_open_ = false;
  window_.stop();
  if (!writer_.has_waiting()) return;
  const base::Instant before = uv::read_clock();
  const FlushReport report = writer_.flush(before.unix_seconds());
  const auto spent = uv::read_clock().mono - before.mono;
  last_fsync_us_ = std::chrono::duration_cast<std::chrono::microseconds>(spent).count();
  flushes_.add(spent);
  for (const auto& failed : report.failed) {
    if (failed.source != journal_source_self) hooks_.not_durable(failed.source, failed.failed);
  }
  for (const auto& written : report.written) {
    if (written.source != journal_source_self) hooks_.durable(written.source, written.durable);
  }
  if (!report.written.empty()) hooks_.advanced(JournalAdvanced{writer_.durable_to()});
  note_head();
  space_.set_segment(writer_.durable_to().segment, writer_.durable_to().offset);
  look_at_space();
  note_failure(report);
  note_writable();
  if (writable() != reported_.writable) report_status();
}

// Of a segment that has records: an empty one's hash is that of its header alone.
void JournalLoop::note_head() {
  if (!hooks_.head || head_.is_active()) return;
  const SegmentLink link = writer_.link();
  if (link.bytes <= segment_header_bytes) return;
  const JournalHead head{writer_.durable_to().sequence, link.sha256};
  if (head != head_told_) tell_head(head);
}

void JournalLoop::tell_head(const JournalHead& head) {
  head_told_ = head;
  hooks_.head(head);
  head_.start(limits::journal_head_interval, 0ms);
}

void JournalLoop::report_status() {
  JournalStatus status;
  status.writable = writable();
  status.error = writer_.error();
  if (status.error.empty() && space_.full()) {
    status.error = "the journal is full: " + mebibytes(space_.unstored_bytes()) +
                   " MiB wait for the database (journal.bytes_max)";
  }
  status.unstored_bytes = space_.unstored_bytes();
  status.bytes_max = space_.bytes_max();
  status.durable_to = writer_.durable_to();
  status.fsyncs = writer_.syncs();
  status.last_fsync_us = last_fsync_us_;
  status.flushes = flushes_;
  status.loop = health_;
  const bool first = reported_.durable_to == JournalPosition{};
  const bool same =
      status.writable == reported_.writable && status.error == reported_.error &&
      status.durable_to == reported_.durable_to && status.fsyncs == reported_.fsyncs &&
      status.unstored_bytes == reported_.unstored_bytes && status.loop == reported_.loop;
  if (same && !first) return;
  reported_ = status;
  hooks_.status(status);
}

}  // namespace pool
