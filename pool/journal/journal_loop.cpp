#include "pool/journal/journal_loop.h"

#include "common/log.h"
#include "common/uv/clock.h"
#include "pool/journal/journal_folder.h"
#include "pool/journal/journal_recovery.h"

namespace pool {

using namespace std::chrono_literals;

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
      window_(loop_, [this] { flush(); }),
      tick_(loop_, [this] { on_tick(); }),
      mailbox_(loop_, limits::journal_mailbox_messages_max,
               [this](JournalMessage&& message) { on_message(std::move(message)); }) {}

void JournalLoop::run() {
  hooks_.advanced(JournalAdvanced{recovered_});
  report_status();
  tick_.start(options_.retry_period, options_.retry_period);
  loop_.run();
}

void JournalLoop::on_message(JournalMessage&& message) {
  if (stopping_) return;
  if (const auto* append = std::get_if<JournalAppend>(&message)) on_append(*append);
  if (std::holds_alternative<Shutdown>(message)) on_shutdown();
}

void JournalLoop::on_append(const JournalAppend& append) {
  writer_.append(append.source, append.id, append.payloads);
  if (writer_.waiting_bytes() >= options_.flush_bytes) return flush();
  if (window_open_) return;
  window_open_ = true;
  window_.start(options_.fsync_window, 0ms);
}

void JournalLoop::on_shutdown() {
  stopping_ = true;
  flush();
  writer_.sync_relaxed(uv::read_clock().unix_seconds());
  tick_.stop();
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
    }
  }
  report_status();
}

void JournalLoop::flush() {
  window_open_ = false;
  window_.stop();
  if (!writer_.has_waiting()) return;
  const base::Instant before = uv::read_clock();
  const FlushReport report = writer_.flush(before.unix_seconds());
  last_fsync_us_ =
      std::chrono::duration_cast<std::chrono::microseconds>(uv::read_clock().mono - before.mono)
          .count();
  for (const auto& failed : report.failed) hooks_.not_durable(failed.source, failed.failed);
  for (const auto& written : report.written) hooks_.durable(written.source, written.durable);
  if (!report.written.empty()) hooks_.advanced(JournalAdvanced{writer_.durable_to()});
  if (writer_.writable() != reported_.writable) report_status();
}

void JournalLoop::report_status() {
  JournalStatus status;
  status.writable = writer_.writable();
  status.error = writer_.error();
  status.durable_to = writer_.durable_to();
  status.fsyncs = writer_.syncs();
  status.last_fsync_us = last_fsync_us_;
  const bool first = reported_.durable_to == JournalPosition{};
  const bool same = status.writable == reported_.writable && status.error == reported_.error &&
                    status.durable_to == reported_.durable_to && status.fsyncs == reported_.fsyncs;
  if (same && !first) return;
  reported_ = status;
  hooks_.status(status);
}

}  // namespace pool
