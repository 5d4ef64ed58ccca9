#include "pool/journal/journal_loop.h"

#include "tests/loop/pool/journal/journal_fixture.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

using namespace journal_test;
using namespace std::chrono_literals;

namespace {

// Switches for the system calls: each failure is asked for, and counted.
struct Faults {
  std::atomic<bool> fail_open{false};
  std::atomic<bool> fail_write{false};
  std::atomic<bool> fail_sync{false};
  std::atomic<long> write_at_most{1L << 30};
  std::atomic<int> syncs{0};
  std::atomic<int> failed_opens{0};

  pool::FileCalls calls() {
    const pool::FileCalls real = pool::system_file_calls();
    return {[this, real](const char* path, int flags) {
              if (!fail_open) return real.open(path, flags);
              ++failed_opens;
              errno = ENOSPC;
              return -1;
            },
            [this, real](int fd, const void* bytes, std::size_t count) {
              const auto most = static_cast<std::size_t>(write_at_most.load());
              const long written = real.write(fd, bytes, std::min(count, most));
              if (!fail_write) return written;
              errno = ENOSPC;
              return -1L;  // some bytes are in the file nevertheless
            },
            [this, real](int fd) {
              ++syncs;
              if (!fail_sync) return real.sync(fd);
              errno = EIO;
              return -1;
            }};
  }
};

// A JournalLoop on a thread of its own, and what it said.
class RunningJournal {
 public:
  explicit RunningJournal(pool::JournalLoop::Options options) {
    auto opened = pool::JournalLoop::open(
        std::move(options), {[this](pool::JournalSource s, pool::Durable d) {
                               note([&] { durable_[s.value] = d.up_to.value; });
                             },
                             [this](pool::JournalSource s, pool::NotDurable n) {
                               note([&] {
                                 for (auto id = n.first.value; id <= n.last.value; ++id)
                                   failed_[s.value].push_back(id);
                               });
                             },
                             [this](pool::JournalAdvanced a) {
                               note([&] {
                                 advanced_ = a.durable_to;
                                 ++advances_;
                               });
                             },
                             [this](pool::JournalStatus s) { note([&] { status_ = s; }); },
                             [this](pool::JournalHead h) { note([&] { heads_.push_back(h); }); }});
    if (!opened) FAIL(opened.error());
    loop_ = std::move(*opened);
    thread_ = std::thread([this] { loop_->run(); });
  }
  ~RunningJournal() { stop(); }

  void append(std::uint32_t source, std::uint64_t id, base::Bytes bytes) {
    REQUIRE(loop_->mailbox().post(
        pool::JournalAppend{pool::JournalSource{source}, pool::AppendId{id}, std::move(bytes)}));
  }
  void stop() {
    if (!thread_.joinable()) return;
    CHECK(loop_->mailbox().post(pool::Shutdown{}));
    thread_.join();
  }
  // Waits until `condition`, which may read what was said, holds; fails the test after 10 s.
  template <class Condition>
  void wait_until(Condition condition) {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, 10s, condition));
  }
  void wait_durable(std::uint32_t source, std::uint64_t id) {
    wait_until([&] { return durable_[source] >= id; });
  }
  // Guarded by wait_until(), or read after stop().
  std::map<std::uint32_t, std::uint64_t> durable_;
  std::map<std::uint32_t, std::vector<std::uint64_t>> failed_;
  pool::JournalPosition advanced_;
  int advances_ = 0;
  pool::JournalStatus status_;
  std::vector<pool::JournalHead> heads_;
  std::unique_ptr<pool::JournalLoop> loop_;

 private:
  template <class Change>
  void note(Change change) {
    const std::scoped_lock lock(mutex_);
    change();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::thread thread_;
};

pool::JournalLoop::Options options_in(const TemporaryFolder& folder) {
  pool::JournalLoop::Options options;
  options.data_dir = folder.path();
  options.retry_period = 20ms;
  return options;
}

ReadBack read_back(const RunningJournal& journal, const TemporaryFolder& folder) {
  return journal_test::read_back(pool::journal_folder(folder.path()), journal.loop_->journal_id(),
                                 journal.advanced_);
}

}  // namespace

TEST_CASE("what is durable is in the file, for every source, in the order it was appended") {
  const TemporaryFolder folder;
  RunningJournal journal(options_in(folder));
  for (std::uint64_t id = 1; id <= 50; ++id) {
    journal.append(static_cast<std::uint32_t>(id % 2), (id + 1) / 2, payloads(id * 2 - 1, 2));
  }
  journal.wait_durable(0, 25);
  journal.wait_durable(1, 25);
  journal.stop();
  const auto got = read_back(journal, folder);
  CHECK_EQ(got.error, "");
  CHECK_EQ(got.shares, numbers(1, 100));
  CHECK(got.end == journal.advanced_);
  CHECK(journal.failed_.empty());
}

TEST_CASE("appends that come together share a sync") {
  const TemporaryFolder folder;
  Faults faults;
  auto options = options_in(folder);
  options.calls = faults.calls();
  options.fsync_window = 50ms;
  RunningJournal journal(options);
  const int before = faults.syncs;
  for (std::uint64_t id = 1; id <= 200; ++id) {
    journal.append(static_cast<std::uint32_t>(id % 4), (id + 3) / 4, payloads(id, 1));
  }
  for (std::uint32_t source = 0; source < 4; ++source) journal.wait_durable(source, 50);
  CHECK(faults.syncs - before <= 3);  // one, unless this thread was held up while it posted
}

TEST_CASE("many waiting bytes close the window early") {
  const TemporaryFolder folder;
  auto options = options_in(folder);
  options.fsync_window = 1h;
  options.flush_bytes = 10'000;
  RunningJournal journal(options);
  journal.append(0, 1, payloads(1, 100));
  journal.wait_durable(0, 1);
}

TEST_CASE("shutdown writes and reports what was posted before it") {
  const TemporaryFolder folder;
  auto options = options_in(folder);
  options.fsync_window = 1h;
  RunningJournal journal(options);
  journal.append(3, 1, payloads(1, 5));
  journal.stop();
  CHECK_EQ(journal.durable_[3], 1);
  CHECK_EQ(read_back(journal, folder).shares, numbers(1, 5));
}

TEST_CASE("relaxed durability answers without a sync, and syncs later") {
  const TemporaryFolder folder;
  Faults faults;
  auto options = options_in(folder);
  options.calls = faults.calls();
  options.fsync = false;
  options.retry_period = 1h;
  RunningJournal journal(options);
  const int before = faults.syncs;
  journal.append(0, 1, payloads(1, 5));
  journal.wait_durable(0, 1);
  CHECK_EQ(faults.syncs, before);
  journal.stop();
  CHECK_EQ(faults.syncs, before + 1);
}

TEST_CASE("segments rotate by size, and read as one journal") {
  const TemporaryFolder folder;
  auto options = options_in(folder);
  options.segment_bytes_max = 2000;
  RunningJournal journal(options);
  for (std::uint64_t id = 1; id <= 20; ++id) {
    journal.append(0, id, payloads(id * 5 - 4, 5));
    journal.wait_durable(0, id);
  }
  journal.stop();
  CHECK(pool::list_segments(pool::journal_folder(folder.path()))->size() > 4);
  const auto got = read_back(journal, folder);
  CHECK_EQ(got.shares, numbers(1, 100));
  CHECK(got.gaps.empty());
}

TEST_CASE("partial writes are completed") {
  const TemporaryFolder folder;
  Faults faults;
  auto options = options_in(folder);
  options.calls = faults.calls();
  RunningJournal journal(options);
  faults.write_at_most = 7;
  journal.append(0, 1, payloads(1, 20));
  journal.wait_durable(0, 1);
  journal.stop();
  CHECK_EQ(read_back(journal, folder).shares, numbers(1, 20));
}

TEST_CASE("a restarted journal goes on where it ended, in a new file") {
  const TemporaryFolder folder;
  pool::JournalUuid id{};
  for (std::uint64_t run = 0; run < 3; ++run) {
    CAPTURE(run);
    RunningJournal journal(options_in(folder));
    if (run > 0) CHECK_EQ(journal.loop_->journal_id(), id);
    id = journal.loop_->journal_id();
    journal.append(0, 1, payloads(run * 4 + 1, 4));
    journal.wait_durable(0, 1);
    journal.stop();
    CHECK_EQ(read_back(journal, folder).shares, numbers(1, run * 4 + 4));
    // As a crash in the middle of a write would leave it.
    std::ofstream torn(
        pool::segment_path(pool::journal_folder(folder.path()), journal.advanced_.segment),
        std::ios::app | std::ios::binary);
    torn << "\x40" << std::string(run * 3, '\0');
  }
}

TEST_CASE("a second pool on the same data_dir is refused") {
  const TemporaryFolder folder;
  RunningJournal journal(options_in(folder));
  const auto second = pool::JournalLoop::open(options_in(folder), {});
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().find("another phasepool is running with this data_dir") !=
        std::string::npos);
}

TEST_CASE("a data_dir that can't be made is an error that names it") {
  pool::JournalLoop::Options options;
  options.data_dir = "/proc/nothing/here";
  const auto opened = pool::JournalLoop::open(options, {});
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().find("/proc/nothing/here/journal: can't make") == 0);
}

TEST_CASE("after a failed write or sync the appends fail, and a new segment takes over") {
  for (const bool in_sync : {false, true}) {
    CAPTURE(in_sync);
    const TemporaryFolder folder;
    Faults faults;
    auto options = options_in(folder);
    options.calls = faults.calls();
    RunningJournal journal(options);
    journal.append(0, 1, payloads(1, 5));
    journal.wait_durable(0, 1);

    (in_sync ? faults.fail_sync : faults.fail_write) = true;
    faults.fail_open = true;  // so that the failed segment's successor waits for the test
    journal.append(0, 2, payloads(90, 5));
    journal.append(1, 1, payloads(95, 5));
    journal.wait_until(
        [&] { return journal.failed_[0].size() == 1 && journal.failed_[1].size() == 1; });
    journal.wait_until([&] { return !journal.status_.writable; });
    CHECK(journal.status_.error.find("No space left on device") != std::string::npos);
    journal.append(0, 3, payloads(91, 1));
    journal.wait_until([&] { return journal.failed_[0].size() == 2; });

    faults.fail_sync = faults.fail_write = faults.fail_open = false;
    journal.wait_until([&] { return journal.status_.writable; });
    CHECK_EQ(journal.status_.error, "");
    journal.append(0, 4, payloads(6, 5));
    journal.wait_durable(0, 4);
    journal.stop();
    CHECK_EQ(journal.failed_[0], std::vector<std::uint64_t>{2, 3});
    CHECK_EQ(journal.durable_.count(1), 0);
    const auto got = read_back(journal, folder);
    CHECK_EQ(got.shares, numbers(1, 10));
    CHECK(got.gaps.empty());
    REQUIRE_EQ(got.events.size(), 1);
    CHECK_EQ(got.events[0].find("the journal could not be written for 0 s"), 0);
    CHECK_EQ(got.end.sequence, 11);  // the failed records' numbers were used again
  }
}

TEST_CASE("a single failed sync costs its own shares only") {
  const TemporaryFolder folder;
  std::atomic<int> fail_syncs{0};
  auto options = options_in(folder);
  const pool::FileCalls real = pool::system_file_calls();
  options.calls.sync = [&](int fd) {
    if (fail_syncs.fetch_sub(1) <= 0) return real.sync(fd);
    errno = EIO;
    return -1;
  };
  RunningJournal journal(options);
  fail_syncs = 1;
  journal.append(0, 1, payloads(50, 3));
  journal.wait_until([&] { return journal.failed_[0].size() == 1; });
  journal.append(0, 2, payloads(1, 3));
  journal.wait_durable(0, 2);
  journal.stop();
  const auto got = read_back(journal, folder);
  CHECK_EQ(got.shares, numbers(1, 3));
  REQUIRE_EQ(got.events.size(), 1);
  CHECK_EQ(got.events[0].find("a write of the journal failed, and its records were refused: "), 0);
  CHECK(got.events[0].find("Input/output error; another segment goes on") != std::string::npos);
}

TEST_CASE("a rotation that fails keeps the good segment, and does not try at every flush") {
  const TemporaryFolder folder;
  Faults faults;
  auto options = options_in(folder);
  options.calls = faults.calls();
  options.segment_bytes_max = 500;
  RunningJournal journal(options);
  journal.append(0, 1, payloads(1, 10));
  journal.wait_durable(0, 1);
  faults.fail_open = true;
  for (std::uint64_t id = 2; id <= 20; ++id) {
    journal.append(0, id, payloads(id * 10 - 9, 10));
    journal.wait_durable(0, id);
  }
  CHECK(faults.failed_opens >= 1);
  CHECK(faults.failed_opens <= 5);
  journal.stop();
  CHECK(journal.failed_.empty());
  CHECK_EQ(read_back(journal, folder).shares, numbers(1, 200));
}

namespace {

// A bound of 8000 bytes in segments of 1000, on a disk with `free` bytes left.
pool::JournalLoop::Options bounded(const TemporaryFolder& folder,
                                   std::atomic<std::uint64_t>& free) {
  auto options = options_in(folder);
  options.segment_bytes_max = 1000;
  options.bytes_max = 8000;
  options.fsync_window = 0ms;
  options.free_bytes = [&free](const std::string&) {
    return std::optional<std::uint64_t>(free.load());
  };
  return options;
}

void tell_stored(RunningJournal& journal, const pool::JournalPosition& stored) {
  REQUIRE(journal.loop_->mailbox().post(pool::JournalStored{stored}));
}

}  // namespace

TEST_CASE(
    "a journal at its bound refuses shares, takes blocks, and goes on once enough is stored") {
  const TemporaryFolder folder;
  std::atomic<std::uint64_t> free{1'000'000};
  RunningJournal journal(bounded(folder, free));
  std::uint64_t id = 0;
  bool refused = false;
  while (!refused) {
    ++id;
    REQUIRE(id < 100);
    journal.append(0, id, payloads(id, 1));
    journal.wait_until([&] {
      refused = !journal.failed_[0].empty();
      return refused || journal.durable_[0] == id;
    });
  }
  CHECK_EQ(journal.failed_[0], std::vector<std::uint64_t>{id});
  journal.wait_until([&] { return !journal.status_.writable; });
  CHECK(journal.status_.error.find("the journal is full") == 0);
  CHECK(journal.status_.unstored_bytes >= 8000);
  CHECK(journal.status_.unstored_bytes < 8000 + 500);  // the last append, and an event
  journal.append(pool::journal_source_node.value, 1, payloads(500, 1));
  journal.wait_durable(pool::journal_source_node.value, 1);
  ++id;
  journal.append(0, id, payloads(id, 1));
  journal.wait_until([&] { return journal.failed_[0].size() == 2; });

  tell_stored(journal, journal.advanced_);
  journal.wait_until([&] { return journal.status_.writable; });
  ++id;
  journal.append(0, id, payloads(id, 1));
  journal.wait_durable(0, id);
  journal.stop();
  CHECK_EQ(journal.failed_[0].size(), 2);
  const auto got = read_back(journal, folder);
  CHECK_EQ(got.error, "");
  REQUIRE_EQ(got.events.size(), 5);
  CHECK_EQ(got.events[0].find("the journal has used 50 percent of its room: 0 of 0 MiB"), 0);
  CHECK_EQ(got.events[1].find("the journal has used 75 percent"), 0);
  CHECK_EQ(got.events[2].find("the journal has used 90 percent"), 0);
  CHECK_EQ(got.events[3].find("the journal is full, and no share is accepted"), 0);
  CHECK_EQ(got.events[4].find("the journal has room again"), 0);
}

TEST_CASE("a disk that fills up is told before it is full") {
  const TemporaryFolder folder;
  std::atomic<std::uint64_t> free{1'000'000};
  RunningJournal journal(bounded(folder, free));
  journal.append(0, 1, payloads(1, 5));
  journal.wait_durable(0, 1);
  free = 50;
  journal.wait_until([&] { return journal.advanced_.sequence == 6; });
  free = 1'000'000;
  journal.wait_until([&] { return journal.advanced_.sequence == 7; });
  journal.stop();
  const auto got = read_back(journal, folder);
  REQUIRE_EQ(got.events.size(), 2);
  CHECK_EQ(got.events[0].find("the journal has used 90 percent of its room"), 0);
  CHECK_EQ(got.events[1].find("the journal has room again"), 0);
}

TEST_CASE("what the database had stored by its last word does not count after a restart") {
  const TemporaryFolder folder;
  std::atomic<std::uint64_t> free{1'000'000};
  pool::JournalPosition end;
  {
    RunningJournal journal(bounded(folder, free));
    for (std::uint64_t id = 1; id <= 20; ++id) journal.append(0, id, payloads(id, 1));
    journal.wait_durable(0, 20);
    journal.stop();
    end = journal.advanced_;
    CHECK(journal.status_.unstored_bytes > 3000);
  }
  {
    RunningJournal journal(bounded(folder, free));
    journal.wait_until([&] { return journal.status_.unstored_bytes > 3000; });
  }
  REQUIRE(pool::write_stored_note(pool::journal_folder(folder.path()), end).has_value());
  RunningJournal journal(bounded(folder, free));
  journal.wait_until([&] { return journal.status_.durable_to.segment > end.segment; });
  CHECK(journal.status_.unstored_bytes < 1000);
  tell_stored(journal, {1, 64, 0});  // the database was set back
  journal.wait_until([&] { return journal.status_.unstored_bytes > 3000; });
}

TEST_CASE("the head that is told is the hash of the file so far, and the quiet end is told too") {
  const TemporaryFolder folder;
  {
    RunningJournal journal(options_in(folder));
    for (std::uint64_t id = 1; id <= 30; ++id) {
      journal.append(0, id, payloads(id, 1));
      journal.wait_durable(0, id);
    }
    journal.wait_until(
        [&] { return !journal.heads_.empty() && journal.heads_.back().sequence == 30; });
    journal.stop();
    CHECK_MESSAGE(journal.heads_.size() < 30, "not at every flush");
    const auto& end = journal.advanced_;
    const auto link = link_of(pool::journal_folder(folder.path()), end.segment, end.offset);
    CHECK(journal.heads_.back().head == link.sha256);
  }
  // The next process tells at once what the last one left, though its own segment is empty.
  RunningJournal next(options_in(folder));
  next.wait_until([&] { return !next.heads_.empty(); });
  CHECK_EQ(next.heads_[0].sequence, 30);
  next.append(0, 1, payloads(31, 1));
  next.wait_until([&] { return next.heads_.back().sequence == 31; });
  next.stop();
  const auto& end = next.advanced_;
  const auto link = link_of(pool::journal_folder(folder.path()), end.segment, end.offset);
  CHECK(next.heads_.back().head == link.sha256);
  CHECK_EQ(next.heads_.size(), 2);
}

TEST_CASE("a new segment without records has no head to tell") {
  const TemporaryFolder folder;
  auto options = options_in(folder);
  { RunningJournal journal(options); }
  RunningJournal journal(options);
  journal.append(0, 1, payloads(1, 1));
  journal.wait_until([&] { return !journal.heads_.empty(); });
  CHECK_EQ(journal.heads_[0].sequence, 1);
}
