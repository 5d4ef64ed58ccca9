// What the store's tests share: a journal to ship, a StoreLoop on a thread of its own, and a look
// into the database.
#pragma once

#include "pool/core/limits.h"
#include "pool/journal/journal_writer.h"
#include "pool/store/migrate.h"
#include "pool/store/store_loop.h"
#include "tests/loop/pool/journal/journal_fixture.h"
#include "tests/loop/pool/store/private_postgres.h"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <pqxx/pqxx>
#include <thread>

namespace store_test {

using namespace std::chrono_literals;

// Runs one statement and gives its first field as text; "" for none.
inline std::string ask(const std::string& database, const std::string& sql) {
  pqxx::connection connection(database);
  pqxx::nontransaction session(connection);
  const pqxx::result result = session.exec(sql);
  if (result.empty() || result[0].size() == 0 || result[0][0].is_null()) return "";
  return result[0][0].as<std::string>();
}

// A database with the schema: the first is migrated, the others are copies of it.
inline std::string migrated_database() {
  static const std::string original = [] {
    const std::string database = PrivatePostgres::instance().make_database();
    const auto applied = pool::migrate(database);
    if (!applied) FAIL(applied.error());
    return database;
  }();
  return PrivatePostgres::instance().copy_database(original);
}

// Every one of shares 1 … count is there, once, and the position counts them.
inline void check_stored_once(const std::string& database, std::uint64_t count) {
  const std::string n = std::to_string(count);
  CHECK_EQ(ask(database, "SELECT count(*) FROM shares"), n);
  CHECK_EQ(ask(database, "SELECT count(DISTINCT job_id) FROM shares"), n);
  CHECK_EQ(ask(database, "SELECT max(job_id) FROM shares"), n);
  CHECK_EQ(ask(database, "SELECT shares_total FROM journal_positions"), n);
}

// Fails the test when `condition` does not come true within 20 s.
inline void wait_until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(5ms);
  }
}

// Writes records as the journal thread would, and says how far they are durable.
class JournalFeed {
 public:
  explicit JournalFeed(std::size_t segment_bytes_max = pool::limits::journal_segment_bytes_max)
      : writer_(options(folder_.path(), segment_bytes_max), {}) {
    REQUIRE(writer_.open_segment(++clock_).has_value());
  }
  const std::string& data_dir() const { return folder_.path(); }
  std::string journal_folder() const { return pool::journal_folder(folder_.path()); }
  pool::JournalPosition durable_to() const { return writer_.durable_to(); }

  void append(const std::vector<pool::JournalRecord>& records) {
    base::Bytes payloads;
    for (const auto& record : records) pool::append_payload(payloads, record);
    append_payloads(payloads);
  }
  // The system's clock, in seconds since 1970, from which segments have their numbers.
  void set_clock(std::int64_t seconds) { clock_ = seconds; }
  void begin_segment() { REQUIRE(writer_.open_segment(++clock_).has_value()); }
  void append_shares(std::uint64_t first, std::uint64_t count) {
    append_payloads(journal_test::payloads(first, count));
  }

 private:
  static pool::WriterOptions options(const std::string& data_dir, std::size_t segment_bytes_max) {
    pool::WriterOptions options;
    options.folder = pool::journal_folder(data_dir);
    REQUIRE(pool::make_journal_folder(options.folder).has_value());
    options.journal = journal_test::test_uuid;
    options.fsync = false;
    options.segment_bytes_max = segment_bytes_max;
    return options;
  }
  void append_payloads(const base::Bytes& payloads) {
    writer_.append(pool::JournalSource{0}, pool::AppendId{++appends_}, payloads);
    REQUIRE_EQ(writer_.flush(++clock_).failed.size(), 0);
  }

  journal_test::TemporaryFolder folder_;
  std::int64_t clock_ = 0;
  std::uint64_t appends_ = 0;
  pool::JournalWriter writer_;
};

// A StoreLoop on a thread of its own. What it reports may be read through latest().
class RunningStore {
 public:
  RunningStore(const std::string& database, const JournalFeed& feed,
               const std::function<void(pool::StoreLoop::Options&)>& adjust = {}) {
    pool::StoreLoop::Options options;
    options.database = database;
    options.data_dir = feed.data_dir();
    options.journal = journal_test::test_uuid;
    options.linger = 5ms;
    options.retry_first = 20ms;
    options.retry_last = 200ms;
    options.segments_kept_for = 0s;
    options.stored_kept_for = 0s;
    if (adjust) adjust(options);
    loop_ = std::make_unique<pool::StoreLoop>(
        options, pool::StoreLoop::Hooks{[this](pool::StoredStats stats) {
          const std::scoped_lock lock(mutex_);
          if (!stats.error.empty()) ++errors_;
          latest_ = std::move(stats);
        }});
    thread_ = std::thread([this] { loop_->run(); });
  }
  ~RunningStore() { stop(); }

  void advance(const JournalFeed& feed) {
    REQUIRE(loop_->mailbox().post(pool::JournalAdvanced{feed.durable_to()}));
  }
  void stop() {
    if (!thread_.joinable()) return;
    CHECK(loop_->mailbox().post(pool::Shutdown{}));
    thread_.join();
  }
  void interrupt() { loop_->interrupt(); }
  pool::StoredStats latest() {
    const std::scoped_lock lock(mutex_);
    return latest_;
  }
  // Reports with an error, so far.
  int errors() {
    const std::scoped_lock lock(mutex_);
    return errors_;
  }
  void wait_stored(const JournalFeed& feed) {
    wait_until([&] { return latest().connected && latest().shipped_to == feed.durable_to(); });
  }

 private:
  std::mutex mutex_;
  pool::StoredStats latest_;
  int errors_ = 0;
  std::unique_ptr<pool::StoreLoop> loop_;
  std::thread thread_;
};

}  // namespace store_test
