// StoreLoop: the thread 'store'. Ships the journal to PostgreSQL and is the only loop whose
// callbacks may block. While the database is away it tries again, 0.2 s to 5 s apart; nothing is
// lost meanwhile, since the journal keeps what has not been stored.
//
// A record that PostgreSQL refuses is found by halving the batch, and becomes an event; the rest
// goes on. Segments that are wholly stored are deleted when there are enough younger ones.
//
// Thread: the constructor and destructor belong to the thread that starts and joins; run() is the
//         store's; mailbox().post() and interrupt() any.
#pragma once

#include "common/uv/lag_probe.h"
#include "common/uv/loop.h"
#include "common/uv/mailbox.h"
#include "pool/core/journal_format.h"
#include "pool/core/limits.h"
#include "pool/messages.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace pool {

struct JournalBatch;
class JournalReader;
class ShareWriter;
struct DatabaseError;
struct DatabasePosition;

class StoreLoop {
 public:
  struct Hooks {
    // On the store's thread: after each batch and each change of state.
    std::function<void(StoredStats)> stored;
  };
  struct Options {
    std::string database;
    std::string data_dir;
    JournalUuid journal{};
    // A transaction adds to four sums of each worker in it: the more shares it has, the fewer rows.
    // So many take some 80 MB, while the store is that far behind.
    std::size_t batch_records_max = 200'000;
    // Records wait this long for company, so that a quiet pool makes few transactions.
    std::chrono::milliseconds linger{200};
    std::chrono::milliseconds retry_first{200};
    std::chrono::milliseconds retry_last{5'000};
    // After Shutdown, what is durable is still shipped for at most so long.
    std::chrono::milliseconds drain_deadline{10'000};
    // Newest segments that are kept even when stored: at least 2, so that a database restored to a
    // state of a moment ago (a replica that took over) still finds what it misses.
    std::size_t segments_kept = limits::journal_segments_kept_min;
    // And those written to within this time: a pool that is restarted often has many short ones.
    std::chrono::seconds segments_kept_for = limits::journal_segments_kept_for_min;
    // All others, for export, for at most so long and so many bytes; fewer where the folder with
    // what is not stored would be more than folder_bytes_max.
    std::chrono::seconds stored_kept_for = std::chrono::hours(24 * 30);
    std::uint64_t stored_bytes_max = limits::journal_kept_bytes_max;
    std::uint64_t folder_bytes_max = limits::journal_bytes_max;
  };

  StoreLoop(Options options, Hooks hooks);
  ~StoreLoop();
  StoreLoop(const StoreLoop&) = delete;
  StoreLoop& operator=(const StoreLoop&) = delete;

  // Until Shutdown and the drain after it.
  void run();
  uv::Mailbox<StoreMessage>& mailbox() { return mailbox_; }

  // For whoever waits for run() to end and has waited long enough: a server that hangs is let go,
  // without what is not stored (the journal keeps it). run() then ends by itself, at once unless it
  // is just connecting (connect_timeout, 5 s). Thread: any, after start and before destruction.
  void interrupt();

 private:
  void on_message(const StoreMessage& message);
  void work();
  bool connect();
  bool database_is_ahead();
  bool read_batch();
  void on_unreadable(const std::string& why);
  void note_gaps();
  void note_changed_segments();
  void keep_damaged(std::uint64_t first, std::uint64_t end);
  void ship_batch();
  void on_shipped(const DatabasePosition& now);
  void note_lag();
  void on_refused(const DatabaseError& error);
  void on_lost(const std::string& why);
  void restart_from(const DatabasePosition& at);
  void on_good_state();
  void remove_old_segments();
  void note_first_contact();
  void report(bool connected, const std::string& error);
  void schedule(std::chrono::milliseconds delay);
  bool drained_or_late() const;

  const Options options_;
  const Hooks hooks_;
  const std::string folder_;
  std::unique_ptr<ShareWriter> writer_;
  std::unique_ptr<JournalReader> reader_;  // none before the first connection
  std::unique_ptr<JournalBatch> batch_;
  JournalPosition durable_to_;
  JournalPosition stored_;  // as the database has it
  std::uint64_t shares_total_ = 0;
  std::size_t batch_records_;              // fewer while a refused record is looked for
  std::chrono::milliseconds retry_delay_;  // the first one again after a batch that was shipped
  std::uint64_t segments_checked_ = 0;     // stored segment at the last look for old ones
  base::MonoTime segments_checked_at_{};
  JournalPosition gaps_noted_to_;       // the log has told of those before
  std::uint64_t changes_noted_to_ = 0;  // likewise: number of a segment
  bool segments_removable_ = true;      // no damaged one is without its second name
  std::string error_logged_;            // since all was well
  bool connection_logged_ = false;      // since then, or since a connection could not be made
  bool scheduled_ = false;
  bool stopping_ = false;
  std::chrono::steady_clock::time_point stop_at_{};
  LatencyHistogram ship_lag_;
  LoopHealth health_;
  uv::Loop loop_;
  uv::LagProbe lag_;
  uv::Timer timer_;
  uv::Mailbox<StoreMessage> mailbox_;
};

// Whether a pool with this data_dir has shipped to this database before: it may then start while
// the database is away. Compares the connection string without its password.
bool has_served(const std::string& data_dir, const std::string& database);

}  // namespace pool
