// JournalLoop: the thread 'journal'. Gathers what shards and the node loop append, writes it with
// one fsync per window, and tells each source how far it is durable: only then are its miners
// answered.
//
// A window opens with the first append after a flush and closes journal_fsync_window later, or at
// once when flush_bytes wait. With fsync off ("relaxed") a reply promises only that the bytes were
// handed to the system; they are synced about once a second. When the disk refuses, appends are
// answered with NotDurable, JournalStatus says why, and a new segment is tried every second until
// one can be written. The same answer comes, though not to the node's records of blocks, when as
// much as bytes_max waits for the database; events before that say how it fills
// (pool/core/journal_space.h).
//
// Thread: open() and the destructor belong to the thread that starts and joins; run() is the
//         journal's; mailbox().post() any.
// Errors: open() gives one line for the operator.
#pragma once

#include "common/base/result.h"
#include "common/uv/lag_probe.h"
#include "common/uv/loop.h"
#include "common/uv/mailbox.h"
#include "pool/core/journal_space.h"
#include "pool/core/limits.h"
#include "pool/journal/journal_folder.h"
#include "pool/journal/journal_writer.h"
#include "pool/messages.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pool {

struct RecoveredTail;

class JournalLoop {
 public:
  // All are called on the journal's thread. `durable` and `not_durable` come once per source and
  // flush, `durable` being cumulative; `advanced` after each flush that wrote, and first of all for
  // what was recovered; `head`, if there is one, after a flush as well, but not more often than
  // limits::journal_head_interval, and in a quiet moment what it is by then; `status` about once a
  // second where something changed, and at once when the journal becomes unwritable or writable.
  struct Hooks {
    std::function<void(JournalSource, Durable)> durable;
    std::function<void(JournalSource, NotDurable)> not_durable;
    std::function<void(JournalAdvanced)> advanced;
    std::function<void(JournalStatus)> status;
    std::function<void(JournalHead)> head = {};
  };
  struct Options {
    std::string data_dir;
    bool fsync = true;
    std::size_t segment_bytes_max = limits::journal_segment_bytes_max;
    std::chrono::milliseconds fsync_window = limits::journal_fsync_window;
    std::size_t flush_bytes = 1024 * 1024;
    std::chrono::milliseconds retry_period{1000};         // of opening a segment after a failure
    std::uint64_t bytes_max = limits::journal_bytes_max;  // that are not stored in the database
    FileCalls calls = system_file_calls();                // tests make them fail
    // Bytes left on the disk, for the alarms; tests say something else.
    std::function<std::optional<std::uint64_t>(const std::string& folder)> free_bytes =
        pool::free_bytes;
  };

  // Makes data_dir/journal, its id and its lock where there are none, recovers the tail of what a
  // process before us wrote, and begins a new segment.
  [[nodiscard]] static base::Result<std::unique_ptr<JournalLoop>, std::string> open(Options options,
                                                                                    Hooks hooks);
  JournalLoop(const JournalLoop&) = delete;
  JournalLoop& operator=(const JournalLoop&) = delete;

  const JournalUuid& journal_id() const { return journal_id_; }
  // The end of what earlier processes wrote, as the start of the segment this one began.
  const JournalPosition& recovered_position() const { return recovered_; }

  // Until Shutdown: what was posted before it is written, synced and reported first. What is posted
  // after it is not looked at: stop the sources before the journal.
  void run();
  uv::Mailbox<JournalMessage>& mailbox() { return mailbox_; }

 private:
  JournalLoop(Options options, Hooks hooks, const JournalUuid& journal, FileDescriptor lock,
              const RecoveredTail& recovered);

  void on_message(JournalMessage&& message);
  void on_append(const JournalAppend& append);
  void on_stored(const JournalPosition& stored);
  void list_segment_bytes();
  void look_at_disk();
  void look_at_space();
  void tell(std::string_view severity, const std::string& message);
  void tell_space(const JournalSpace::Change& change);
  void note_failure(const FlushReport& report);
  void note_writable();
  void open_window();
  bool writable() const { return writer_.writable() && !space_.full(); }
  void on_shutdown();
  void on_tick();
  void flush();
  void note_head();
  void tell_head(const JournalHead& head);
  void report_status();

  const Options options_;
  const Hooks hooks_;
  const JournalUuid journal_id_;
  const FileDescriptor lock_;
  JournalWriter writer_;
  JournalPosition recovered_;
  JournalSpace space_;
  std::uint64_t free_bytes_ = 0;  // on its disk, about a second ago
  AppendId events_told_{0};
  std::optional<std::int64_t> unwritable_since_;  // seconds since 1970
  std::string unwritable_why_;
  JournalStatus reported_;
  std::int64_t last_fsync_us_ = 0;
  LatencyHistogram flushes_;
  LoopHealth health_;
  JournalHead head_told_;  // at first what was recovered; sequence 0: nothing
  bool window_open_ = false;
  bool stopping_ = false;
  uv::Loop loop_;
  uv::LagProbe lag_;
  uv::Timer window_;
  uv::Timer head_;  // runs: one was told a moment ago
  uv::Timer tick_;
  uv::Mailbox<JournalMessage> mailbox_;
};

}  // namespace pool
