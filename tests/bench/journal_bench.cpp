// What the fsync window costs and brings: how many shares share one fsync, and how long a share
// waits until it is durable, with the real journal loop on the folder's own disk.
//
//   journal_bench [FOLDER [SECONDS]]      default: the system's temporary folder, 3 s a row
#include "common/uv/clock.h"
#include "pool/journal/journal_loop.h"
#include "tests/loop/pool/journal/journal_fixture.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

struct Row {
  std::uint64_t shares = 0;
  std::uint64_t fsyncs = 0;
  std::vector<std::int64_t> latencies_us;
  std::vector<std::int64_t> fsyncs_us;
};

// One source that appends `rate` shares a second, each on its own, as miners bring them.
Row measure(const std::string& data_dir, std::chrono::milliseconds window, std::uint64_t rate,
            std::chrono::seconds length) {
  std::vector<Clock::time_point> appended(rate * static_cast<std::uint64_t>(length.count()) + 1);
  std::atomic<std::uint64_t> durable{0};
  Row row;
  row.latencies_us.resize(appended.size());
  pool::JournalLoop::Options options;
  options.data_dir = data_dir;
  options.fsync_window = window;
  auto opened = pool::JournalLoop::open(
      options,
      {[&](pool::JournalSource, pool::Durable told) {
         const auto now = Clock::now();
         for (std::uint64_t id = durable + 1; id <= told.up_to.value; ++id) {
           row.latencies_us[id] =
               std::chrono::duration_cast<std::chrono::microseconds>(now - appended[id]).count();
         }
         durable = told.up_to.value;
       },
       [](pool::JournalSource, pool::NotDurable) { ASSERT(false); }, [](pool::JournalAdvanced) {},
       [&](const pool::JournalStatus& status) {
         row.fsyncs = status.fsyncs;
         row.fsyncs_us.push_back(status.last_fsync_us);
       }});
  ASSERT(opened.has_value());
  pool::JournalLoop& loop = **opened;
  std::thread thread([&loop] { loop.run(); });
  const base::Bytes share = journal_test::payloads(1, 1);
  const auto start = Clock::now();
  for (std::uint64_t id = 1; id < appended.size(); ++id) {
    std::this_thread::sleep_until(start + std::chrono::nanoseconds(1'000'000'000 / rate * id));
    appended[id] = Clock::now();
    loop.mailbox().post_reserved(
        pool::JournalAppend{pool::JournalSource{0}, pool::AppendId{id}, share});
    while (id - durable > 4000) std::this_thread::sleep_for(100us);  // as a shard's own window does
  }
  loop.mailbox().post_reserved(pool::Shutdown{});
  thread.join();
  row.shares = appended.size() - 1;
  row.latencies_us.erase(row.latencies_us.begin());
  return row;
}

std::int64_t percentile(std::vector<std::int64_t>& values, std::size_t percent) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, values.size() * percent / 100)];
}

}  // namespace

int main(int argc, char** argv) {
  const std::span<char*> args(argv, static_cast<std::size_t>(argc));
  const std::string folder =
      args.size() > 1 ? args[1] : std::filesystem::temp_directory_path().string();
  const std::chrono::seconds length(args.size() > 2 ? std::atoi(args[2]) : 3);
  std::string data_dir = folder + "/journal_bench-XXXXXX";
  ASSERT(::mkdtemp(data_dir.data()) != nullptr);
  std::printf("%9s %9s | %9s %12s | %21s | %s\n", "window ms", "shares/s", "fsyncs/s",
              "shares/fsync", "durable after ms p50 / p99", "fsync ms p50");
  for (const std::uint64_t rate : {100U, 2'000U, 20'000U}) {
    for (const auto window : {0ms, 1ms, 3ms, 5ms}) {
      Row row = measure(data_dir, window, rate, length);
      const auto seconds = static_cast<double>(length.count());
      std::printf("%9lld %9llu | %9.0f %12.1f | %10.2f / %8.2f | %.2f\n",
                  static_cast<long long>(window.count()), static_cast<unsigned long long>(rate),
                  static_cast<double>(row.fsyncs) / seconds,
                  static_cast<double>(row.shares) / static_cast<double>(row.fsyncs),
                  static_cast<double>(percentile(row.latencies_us, 50)) / 1000,
                  static_cast<double>(percentile(row.latencies_us, 99)) / 1000,
                  static_cast<double>(percentile(row.fsyncs_us, 50)) / 1000);
      std::fflush(stdout);
    }
  }
  std::filesystem::remove_all(data_dir);
  return 0;
}
