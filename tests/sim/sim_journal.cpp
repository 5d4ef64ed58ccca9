#include "tests/sim/sim_journal.h"

#include "pool/core/limits.h"
#include "pool/journal/journal_folder.h"
#include "pool/journal/journal_recovery.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace sim {
namespace {

constexpr Micros window = 3 * millisecond;

}  // namespace

const pool::JournalUuid& sim_journal_id() {
  static constexpr pool::JournalUuid id = {0x51, 0x4d, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
  return id;
}

SimJournal::SimJournal(Environment& env, Owner owner, SimDisk& disk, Hooks hooks)
    : env_(env), owner_(owner), disk_(disk), hooks_(std::move(hooks)) {}

bool SimJournal::open(std::size_t segment_bytes_max, std::uint64_t bytes_max) {
  const auto tail = pool::recover_journal(disk_.folder(), sim_journal_id());
  if (!tail) {
    env_.oracle.fail("gap",
                     disk_.without_folder("the journal can't be recovered: " + tail.error()));
    return false;
  }
  env_.transcript.note("journal", tail->torn_bytes > 0 ? "recovers, with a torn tail" : "recovers",
                       tail->end.sequence, "");
  segment_bytes_max_ = segment_bytes_max;
  pool::WriterOptions options;
  options.folder = disk_.folder();
  options.journal = sim_journal_id();
  options.segment_bytes_max = segment_bytes_max;
  options.calls = disk_.calls();
  writer_ = std::make_unique<pool::JournalWriter>(std::move(options), tail->end, tail->sha256);
  const auto opened = writer_->open_segment(env_.schedule.instant().unix_seconds());
  if (!opened) {
    env_.transcript.note("journal", "can't begin", 0, disk_.without_folder(opened.error()));
    return false;
  }
  space_.emplace(bytes_max);
  (void)space_->set_stored(pool::read_stored_note(disk_.folder()));
  list_segments();
  look_at_space();
  hooks_.advanced(writer_->durable_to());
  env_.schedule.after(second, owner_, [this] { tick(); });
  return true;
}

void SimJournal::post(pool::JournalAppend append) {
  mailbox_.push_back(std::move(append));
  env_.oracle.check_queue("journal_mailbox", mailbox_.size(),
                          pool::limits::journal_mailbox_messages_max);
  if (!busy_) take_mailbox();
}

void SimJournal::take_mailbox() {
  while (!mailbox_.empty() && !busy_) {
    const pool::JournalAppend& append = mailbox_.front();
    if (refuse(append)) continue;
    writer_->append(append.source, append.id, append.payloads);
    if (env_.broken == Break::true_before_sync) hooks_.durable(append.source, {append.id});
    mailbox_.pop_front();
  }
  if (writer_->has_waiting()) open_window();
}

// What the same source appended before is settled first.
bool SimJournal::refuse(const pool::JournalAppend& append) {
  if (!space_->full() || append.source == pool::journal_source_node) return false;
  if (writer_->has_waiting()) {
    flush();
    return true;
  }
  env_.transcript.note("journal", "is full for", append.source.value, "");
  hooks_.not_durable(append.source, {append.id, append.id});
  mailbox_.pop_front();
  return true;
}

void SimJournal::on_stored(const pool::JournalPosition& stored) {
  if (!space_->set_stored(stored)) list_segments();
  look_at_space();
}

void SimJournal::list_segments() {
  const auto segments = pool::list_segments(disk_.folder());
  if (!segments) return;
  for (const std::uint64_t segment : *segments) {
    space_->set_segment(segment, pool::segment_bytes(disk_.folder(), segment));
  }
}

// The node's records of blocks go through, and so does what a flush brings at once; and after a
// start, what the database has of the current segment is not known yet.
void SimJournal::look_at_space() {
  const std::uint64_t room_of_its_own = 128 * 1024 + segment_bytes_max_;
  (void)space_->update(std::numeric_limits<std::uint64_t>::max() / 2);
  env_.oracle.check_queue("journal_unstored_bytes", space_->unstored_bytes(),
                          space_->bytes_max() + room_of_its_own);
}

void SimJournal::open_window() {
  if (std::exchange(window_open_, true)) return;
  env_.schedule.after(window, owner_, [this] { flush(); });
}

void SimJournal::flush() {
  window_open_ = false;
  if (!writer_->has_waiting()) return;
  const pool::FlushReport done = writer_->flush(env_.schedule.instant().unix_seconds());
  busy_ = true;
  space_->set_segment(writer_->durable_to().segment, writer_->durable_to().offset);
  look_at_space();
  const Micros taken = 100 + exponential(env_.random, env_.faults.sync_most / 3);
  env_.schedule.after(std::min(taken, env_.faults.sync_most), owner_, [this, done] {
    busy_ = false;
    report(done);
    take_mailbox();
  });
}

void SimJournal::report(const pool::FlushReport& report) {
  for (const auto& failed : report.failed) {
    env_.transcript.note("journal", "not durable for", failed.source.value, "");
    hooks_.not_durable(failed.source, failed.failed);
  }
  for (const auto& written : report.written) {
    if (env_.broken != Break::true_before_sync) hooks_.durable(written.source, written.durable);
  }
  if (!report.written.empty()) hooks_.advanced(writer_->durable_to());
}

void SimJournal::tick() {
  if (!busy_ && !writer_->writable()) {
    const auto opened = writer_->open_segment(env_.schedule.instant().unix_seconds());
    env_.transcript.note("journal", opened ? "begins a segment" : "can't begin", 0,
                         opened ? "" : disk_.without_folder(opened.error()));
  }
  env_.schedule.after(second, owner_, [this] { tick(); });
}

}  // namespace sim
