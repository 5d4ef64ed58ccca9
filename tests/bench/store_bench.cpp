// How fast the journal reaches PostgreSQL: rows per second of catching up, with the real writer,
// reader, store loop and schema, against a private cluster (fsync on) or a database that is given.
//
//   store_bench [RECORDS [WORKERS [BATCH [CONNECTION-STRING]]]]   default: 1000000 1000 and
//   StoreLoop's store_bench --fill FOLDER RECORDS [WORKERS]   only writes segments, for a pool to
//   catch up with
#include "common/base/random.h"
#include "pool/journal/journal_folder.h"
#include "pool/journal/journal_writer.h"
#include "pool/store/migrate.h"
#include "pool/store/store_loop.h"
#include "tests/loop/pool/journal/journal_fixture.h"
#include "tests/loop/pool/store/private_postgres.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <thread>

namespace {

using Clock = std::chrono::steady_clock;
constexpr pool::JournalUuid bench_uuid{0xbe, 0x7c};

// Shares as a busy pool has them: five workers to a miner, now, hashes without pattern.
pool::ShareRecord busy_share(base::Random& random, std::uint64_t workers, std::int64_t time_us) {
  const std::uint64_t worker = random.below(workers);
  pool::ShareRecord share = journal_test::share(random.below(1000));
  share.time_us = time_us;
  share.address = "bc1qbench" + std::to_string(worker / 5);
  share.worker_name = "rig" + std::to_string(worker % 5);
  share.difficulty = static_cast<double>(1U << random.below(4)) * 1024;
  share.share_difficulty = share.difficulty * (1 + static_cast<double>(random.below(1000)) / 7);
  for (std::size_t i = 0; i < 24; i += 8) {
    base::write_le64(std::span(share.hash.bytes).subspan(i, 8), random.next());
  }
  return share;
}

pool::JournalPosition write_journal(const std::string& folder, std::uint64_t records,
                                    std::uint64_t workers) {
  pool::WriterOptions options;
  options.folder = folder;
  options.journal = bench_uuid;
  options.fsync = false;
  options.segment_bytes_max = 64 * 1024 * 1024;
  ASSERT(pool::make_journal_folder(folder).has_value());
  pool::JournalWriter writer(options, {});
  ASSERT(writer.open_segment(1).has_value());
  base::Random random(1);
  const std::int64_t start_us = std::chrono::duration_cast<std::chrono::microseconds>(
                                    std::chrono::system_clock::now().time_since_epoch())
                                    .count();
  for (std::uint64_t done = 0, id = 1; done < records; ++id) {
    base::Bytes payloads;
    for (std::uint64_t n = 0; n < 1000 && done < records; ++n, ++done) {
      // A thousand a second, up to now: as an outage leaves them.
      const auto ago_us = static_cast<std::int64_t>((records - done) * 1000);
      pool::append_payload(payloads, busy_share(random, workers, start_us - ago_us));
    }
    writer.append(pool::JournalSource{0}, pool::AppendId{id}, payloads);
    ASSERT(writer.flush(1).failed.empty());
  }
  return writer.durable_to();
}

double ship_seconds(const std::string& database, const std::string& data_dir, std::size_t batch,
                    const pool::JournalPosition& durable_to) {
  std::atomic<bool> done{false};
  pool::StoreLoop::Options options;
  options.database = database;
  options.data_dir = data_dir;
  options.journal = bench_uuid;
  if (batch > 0) options.batch_records_max = batch;
  pool::StoreLoop loop(options, {[&](pool::StoredStats stats) {
                         if (!stats.error.empty()) std::printf("%s\n", stats.error.c_str());
                         if (stats.shipped_to == durable_to) {
                           done = true;
                           done.notify_all();
                         }
                       }});
  const auto start = Clock::now();
  ASSERT(loop.mailbox().post(pool::JournalAdvanced{durable_to}));
  std::jthread thread([&loop] { loop.run(); });
  done.wait(false);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  ASSERT(loop.mailbox().post(pool::Shutdown{}));
  return seconds;
}

}  // namespace

int main(int argc, char** argv) {
  const std::span<char*> args(argv, static_cast<std::size_t>(argc));
  const auto number = [&](std::size_t i, std::uint64_t otherwise) {
    return i < args.size() ? std::strtoull(args[i], nullptr, 10) : otherwise;
  };
  if (args.size() > 3 && std::string_view(args[1]) == "--fill") {
    (void)write_journal(args[2], number(3, 0), number(4, 1000));
    return 0;
  }
  const std::uint64_t records = number(1, 1'000'000);
  const std::uint64_t workers = number(2, 1000);
  const std::string database =
      args.size() > 4 ? args[4] : store_test::PrivatePostgres::instance().make_database();
  const auto migrated = pool::migrate(database);
  if (!migrated) {
    std::printf("%s\n", migrated.error().c_str());
    return 1;
  }
  const journal_test::TemporaryFolder folder;
  const auto start = Clock::now();
  const auto durable_to = write_journal(pool::journal_folder(folder.path()), records, workers);
  const double written = std::chrono::duration<double>(Clock::now() - start).count();
  const double shipped = ship_seconds(database, folder.path(), number(3, 0), durable_to);
  const auto count = static_cast<double>(records);
  std::printf("journalled %.0f records in %.2f s: %.0f records/s\n", count, written,
              count / written);
  std::printf("stored %.0f rows of %llu workers in %.2f s: %.0f rows/s\n", count,
              static_cast<unsigned long long>(workers), shipped, count / shipped);
  return 0;
}
