#include "pool/store/store_loop.h"

#include "common/log.h"
#include "common/uv/clock.h"
#include "pool/core/limits.h"
#include "pool/journal/journal_folder.h"
#include "pool/journal/journal_reader.h"
#include "pool/store/database_text.h"
#include "pool/store/share_writer.h"

#include <algorithm>
#include <fstream>
#include <tuple>
#include <utility>

namespace pool {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t batch_records_kept = 5'000;

// Beside the segments: the databases this journal has been shipped to, one connection string a
// line.
constexpr const char* served_name = "served";

std::string served_line(const std::string& database) {
  return one_line(without_password(database));
}

}  // namespace

StoreLoop::StoreLoop(Options options, Hooks hooks)
    : options_(std::move(options)),
      hooks_(std::move(hooks)),
      folder_(journal_folder(options_.data_dir)),
      writer_(std::make_unique<ShareWriter>(options_.database, options_.journal)),
      batch_(std::make_unique<JournalBatch>()),
      batch_records_(options_.batch_records_max),
      retry_delay_(options_.retry_first),
      lag_(loop_, [this](auto lag) { health_.lag.add(lag); }),
      timer_(loop_, [this] { work(); }),
      mailbox_(loop_, limits::store_mailbox_messages_max,
               [this](const StoreMessage& message) { on_message(message); }) {
  mailbox_.on_batch(
      [this](std::size_t messages) { health_.queue.add(static_cast<std::int64_t>(messages)); });
}

StoreLoop::~StoreLoop() = default;

void StoreLoop::run() {
  schedule(0ms);
  loop_.run();
  writer_->disconnect();
}

void StoreLoop::interrupt() { writer_->interrupt(); }

void StoreLoop::on_message(const StoreMessage& message) {
  if (const auto* advanced = std::get_if<JournalAdvanced>(&message)) {
    durable_to_ = std::max(durable_to_, advanced->durable_to);
    if (!scheduled_) schedule(options_.linger);
  } else if (!stopping_) {
    stopping_ = true;
    stop_at_ = uv::read_clock().mono + options_.drain_deadline;
    schedule(0ms);
  }
}

void StoreLoop::schedule(std::chrono::milliseconds delay) {
  scheduled_ = true;
  timer_.start(delay, 0ms);
}

// One step: a connection, or a batch. The loop turns in between, so that messages are heard.
void StoreLoop::work() {
  scheduled_ = false;
  if (writer_->interrupted()) return loop_.stop();
  const bool was_connected = writer_->is_connected();
  if ((was_connected || connect()) && read_batch()) {
    if (batch_->empty()) {
      // What a large one took while catching up is not needed while all is well.
      if (batch_->entries.capacity() > batch_records_kept) *batch_ = JournalBatch();
      if (!error_logged_.empty()) report(true, "");
      on_good_state();
      remove_old_segments();
    } else {
      note_gaps();
      note_changed_segments();
      ship_batch();
    }
  }
  if (writer_->interrupted() || (stopping_ && drained_or_late())) loop_.stop();
}

// Nothing is left to do that could be done: caught up, no database, or out of time.
bool StoreLoop::drained_or_late() const {
  const bool caught_up = !scheduled_;
  return caught_up || !writer_->is_connected() || uv::read_clock().mono >= stop_at_;
}

bool StoreLoop::connect() {
  const auto position = writer_->connect();
  if (!position) {
    on_lost(position.error().message);
    connection_logged_ = false;
    return false;
  }
  if (!std::exchange(connection_logged_, true)) {
    LOG(info, "store_connected", {"database", without_password(options_.database)},
        {"stored_to_record", position->position.sequence});
  }
  restart_from(*position);
  note_first_contact();
  report(true, "");
  return true;
}

void StoreLoop::restart_from(const DatabasePosition& at) {
  stored_ = at.position;
  shares_total_ = at.shares_total;
  reader_ = std::make_unique<JournalReader>(folder_, options_.journal, stored_);
}

// A position that this journal has not reached is not its own: nothing is read from there, and
// nothing before it is deleted.
bool StoreLoop::database_is_ahead() {
  if (durable_to_ == JournalPosition{}) return false;  // the journal has not said yet
  return std::tie(stored_.segment, stored_.offset) >
         std::tie(durable_to_.segment, durable_to_.offset);
}

bool StoreLoop::read_batch() {
  batch_->clear();
  if (database_is_ahead()) {
    on_unreadable("the database has this journal stored up to segment " +
                  segment_file_name(stored_.segment) + ", but in " + folder_ +
                  " it ends in segment " + segment_file_name(durable_to_.segment) +
                  ": is data_dir an older copy, or was the clock ahead? Nothing is stored or "
                  "deleted until the journal has a newer segment");
    return false;
  }
  const auto read = reader_->read(batch_records_, durable_to_, *batch_);
  if (read || !batch_->entries.empty()) return true;
  on_unreadable(read.error());
  return false;
}

// A journal that can't be read may be readable later (permissions, a disk that comes back).
void StoreLoop::on_unreadable(const std::string& why) {
  if (error_logged_ != why) LOG(error, "journal_unreadable", {"error", why});
  error_logged_ = why;
  report(true, why);
  restart_from({stored_, shares_total_});
  schedule(options_.retry_last);
}

// Before the gaps are stored: once they are, the segments around them may be deleted.
void StoreLoop::note_gaps() {
  for (const JournalGap& gap : batch_->gaps) {
    if (gap.after <= gaps_noted_to_) continue;  // of a batch that is tried again
    gaps_noted_to_ = gap.after;
    if (gap.after.sequence < gap.before.sequence) {
      LOG(warning, "journal_lost_its_tail", {"stored_record", gap.before.sequence},
          {"goes_on_after", gap.after.sequence});
      continue;
    }
    LOG(critical, "journal_records_missing", {"first", gap.before.sequence + 1},
        {"last", gap.after.sequence}, {"segment_before", segment_file_name(gap.before.segment)},
        {"segment_after", segment_file_name(gap.after.segment)});
    keep_damaged(gap.before.segment, gap.after.segment);
  }
}

void StoreLoop::note_changed_segments() {
  for (const ClosedSegment& closed : batch_->closed) {
    if (!closed.found || closed.segment <= changes_noted_to_) continue;
    changes_noted_to_ = closed.segment;
    LOG(critical, "journal_segment_changed", {"segment", segment_file_name(closed.segment)},
        {"error", describe_change(closed)});
    keep_damaged(closed.segment, closed.segment + 1);
  }
}

void StoreLoop::keep_damaged(std::uint64_t first, std::uint64_t end) {
  const auto kept = keep_damaged_segments(folder_, first, end);
  if (kept) return;
  segments_removable_ = false;
  LOG(critical, "journal_segments_stay", {"error", kept.error()},
      {"effect", "no segment is deleted until the pool is started again"});
}

void StoreLoop::ship_batch() {
  const auto shipped =
      writer_->ship(*batch_, stored_, reader_->position(), uv::read_clock().unix_micros());
  if (shipped) {
    on_shipped(*shipped);
  } else if (shipped.error().kind == DatabaseFailure::refused_data) {
    on_refused(shipped.error());
  } else {
    on_lost(shipped.error().message);
  }
}

void StoreLoop::on_shipped(const DatabasePosition& now) {
  if (now.position != reader_->position()) {
    LOG(warning, "store_position_moved", {"expected_record", stored_.sequence},
        {"database_record", now.position.sequence});
    restart_from(now);
    return schedule(0ms);
  }
  const bool full = batch_->entries.size() >= batch_records_;
  note_lag();
  stored_ = now.position;
  shares_total_ = now.shares_total;
  retry_delay_ = options_.retry_first;
  on_good_state();
  batch_records_ = std::min(batch_records_ * 2, options_.batch_records_max);
  report(true, "");
  remove_old_segments();
  if (full || stopping_) schedule(0ms);
  if (!full && stored_ < durable_to_ && !scheduled_) schedule(options_.linger);
}

// By the wall clock, in which records have their times.
void StoreLoop::note_lag() {
  if (batch_->entries.empty()) return;
  const std::int64_t oldest_us =
      std::visit([](const auto& record) { return record.time_us; }, batch_->entries.front().record);
  ship_lag_.add(uv::read_clock().unix_micros() - oldest_us);
}

// Half as many next time; a single record that is refused is replaced by an event.
void StoreLoop::on_refused(const DatabaseError& error) {
  const std::size_t tried = batch_->entries.size();
  LOG(warning, "store_batch_refused", {"records", tried}, {"error", error.message});
  if (tried <= 1 && !batch_->entries.empty()) {
    const auto noted =
        writer_->ship_refusal(*batch_, stored_, error.message, uv::read_clock().unix_micros());
    if (!noted) return on_lost(noted.error().message);
    restart_from(*noted);
    report(true, "");
  } else {
    batch_records_ = std::max<std::size_t>(tried / 2, 1);
    restart_from({stored_, shares_total_});
  }
  schedule(0ms);
}

void StoreLoop::on_lost(const std::string& why) {
  writer_->disconnect();
  if (error_logged_ != why) {
    LOG(error, "store_disconnected", {"database", without_password(options_.database)},
        {"error", why}, {"retry_ms", retry_delay_.count()});
  }
  error_logged_ = why;
  report(false, why);
  schedule(retry_delay_);
  retry_delay_ = std::min(retry_delay_ * 2, options_.retry_last);
}

// Shipped, or nothing to ship: the next failure is news again.
void StoreLoop::on_good_state() {
  error_logged_.clear();
  connection_logged_ = false;
}

// At every crossing into another segment, and every minute: those that are kept grow old.
void StoreLoop::remove_old_segments() {
  // Everything before the reader is stored, also where it has crossed into a segment without
  // records.
  const std::uint64_t segment = std::min(reader_->position().segment, durable_to_.segment);
  const auto now = uv::read_clock().mono;
  const bool crossed = segment != segments_checked_;
  if ((!crossed && now - segments_checked_at_ < 60s) || !segments_removable_) return;
  segments_checked_ = segment;
  segments_checked_at_ = now;
  if (const auto noted = write_stored_note(folder_, stored_); !noted) {
    LOG(warning, "stored_note_unwritable", {"error", noted.error()});
  }
  Retention retention;
  retention.newest = std::max<std::size_t>(options_.segments_kept, 2);
  retention.at_least = options_.segments_kept_for;
  retention.at_most = options_.stored_kept_for;
  retention.stored_bytes_max = options_.stored_bytes_max;
  retention.folder_bytes_max = options_.folder_bytes_max;
  const std::size_t removed = remove_stored_segments(folder_, segment, retention);
  if (removed > 0) LOG(info, "journal_segments_removed", {"count", removed});
}

void StoreLoop::note_first_contact() {
  if (has_served(options_.data_dir, options_.database)) return;
  std::ifstream file(folder_ + "/" + served_name);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  text += served_line(options_.database) + "\n";
  const auto written = replace_file(folder_, served_name, text);
  if (!written) LOG(warning, "served_file_unwritable", {"error", written.error()});
}

void StoreLoop::report(bool connected, const std::string& error) {
  hooks_.stored(StoredStats{connected, error, stored_, shares_total_, ship_lag_, health_});
}

bool has_served(const std::string& data_dir, const std::string& database) {
  std::ifstream file(journal_folder(data_dir) + "/" + served_name);
  const std::string wanted = served_line(database);
  for (std::string line; std::getline(file, line);) {
    if (line == wanted) return true;
  }
  return false;
}

}  // namespace pool
