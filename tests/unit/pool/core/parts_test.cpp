// The small parts a shard is made of: filter, job book, windows.
#include "common/base/random.h"
#include "pool/core/duplicate_filter.h"
#include "pool/core/job_book.h"
#include "pool/core/limits.h"
#include "pool/core/stats.h"
#include "pool/core/version_masks.h"
#include "tests/unit/pool/core/shard_fixture.h"

#include <algorithm>
#include <cmath>
#include <set>

using namespace pool_test;
using Verdict = pool::DuplicateFilter::Verdict;

namespace {

bitcoin::BlockHash hash_of(std::uint64_t low, std::uint64_t next) {
  bitcoin::BlockHash hash;
  base::write_le64(hash.bytes, low);
  base::write_le64(std::span(hash.bytes).subspan(8), next);
  return hash;
}

}  // namespace

TEST_CASE("duplicate filter agrees with a set over random inserts and erases") {
  base::Random random(1);
  pool::DuplicateFilter filter(5000);
  std::set<std::pair<std::uint64_t, std::uint64_t>> oracle;
  for (int i = 0; i < 200'000; ++i) {
    // Spread as hashes are, with three keys to each home slot, so that they collide and form runs.
    const std::uint64_t low = random.below(1500) * 0x9e3779b97f4a7c15;
    const std::uint64_t next = 1 + random.below(3);
    if (random.below(3) == 0) {
      filter.erase(hash_of(low, next));
      oracle.erase({low, next});
    } else {
      const bool fresh = oracle.insert({low, next}).second;
      CHECK_EQ(filter.insert(hash_of(low, next)), fresh ? Verdict::fresh : Verdict::duplicate);
    }
    REQUIRE_EQ(filter.size(), oracle.size());
  }
}

TEST_CASE("a full duplicate filter says so and forgets nothing") {
  pool::DuplicateFilter filter(3);
  for (std::uint64_t i = 1; i <= 3; ++i) CHECK_EQ(filter.insert(hash_of(i, 0)), Verdict::fresh);
  CHECK_EQ(filter.insert(hash_of(4, 0)), Verdict::full);
  CHECK_EQ(filter.insert(hash_of(1, 0)), Verdict::duplicate);
  filter.erase(hash_of(1, 0));
  CHECK_EQ(filter.insert(hash_of(4, 0)), Verdict::fresh);
}

TEST_CASE("job book: superseded is not stale, a new tip is, and old jobs go in time") {
  pool::JobBook book(3);
  Clock clock;
  book.add(make_job({.id = 1, .tip = 1}), clock.now.mono);
  book.add(make_job({.id = 2, .tip = 1, .clean = false}), clock.now.mono);
  CHECK_FALSE(book.find(mining::JobId{1})->stale_since);
  CHECK_EQ(book.current()->id.value, 2);
  book.add(make_job({.id = 5, .tip = 2}), clock.now.mono);
  CHECK(book.find(mining::JobId{1})->stale_since);
  CHECK(book.find(mining::JobId{2})->stale_since);
  CHECK_FALSE(book.find(mining::JobId{5})->stale_since);
  CHECK_EQ(book.find(mining::JobId{3}), nullptr);
  CHECK_EQ(book.find(mining::JobId{6}), nullptr);
  clock.advance(pool::limits::job_kept_after_superseded + 1ms);
  book.expire(clock.now.mono);
  CHECK_EQ(book.find(mining::JobId{2}), nullptr);
  CHECK_NE(book.find(mining::JobId{5}), nullptr);  // the current one stays for ever
  for (std::uint64_t id = 10; id < 100; ++id) {
    book.add(make_job({.id = id, .tip = 2, .clean = false}), clock.now.mono);
  }
  CHECK_EQ(book.size(), pool::limits::templates_kept_max);
}

TEST_CASE("a job is issued anew for a miner that has seen it, and few times") {
  constexpr std::uint64_t step = mining::job_id_step;
  pool::JobBook book(3);
  Clock clock;
  CHECK_EQ(book.job_after(mining::JobId{0}, clock.now.mono), nullptr);
  book.add(make_job({.id = step}), clock.now.mono);
  // Who has not seen the job yet gets it.
  CHECK_EQ(book.job_after(mining::JobId{0}, clock.now.mono), book.current());
  clock.advance(7s);
  const auto again = book.job_after(mining::JobId{step}, clock.now.mono);
  REQUIRE(again != nullptr);
  CHECK_EQ(again->id.value, step + 0x301);  // shard 3, first
  CHECK_EQ(again->ntime, book.current()->ntime + 7);
  CHECK_NE(again->work().coinbase.coinb1, book.current()->work().coinbase.coinb1);
  CHECK_FALSE(again->clean_jobs);
  CHECK_EQ(book.current()->id.value, step);
  CHECK_EQ(book.find(again->id)->job, again);
  // All miners share it.
  CHECK_EQ(book.job_after(mining::JobId{step}, clock.now.mono), again);
  // At most a few at once, then one a second.
  mining::JobId last = again->id;
  for (std::uint32_t i = 1; i < pool::limits::reissues_at_once_max; ++i) {
    const auto next = book.job_after(last, clock.now.mono);
    REQUIRE(next != nullptr);
    CHECK_EQ(next->id.value, last.value + 1);
    last = next->id;
  }
  CHECK_EQ(book.job_after(last, clock.now.mono), nullptr);
  clock.advance(1s);
  CHECK_NE(book.job_after(last, clock.now.mono), nullptr);
  // And no more of one job than its id has room for.
  std::size_t made = 0;
  for (int i = 0; i < 400; ++i, clock.advance(1s)) {
    if (const auto next = book.job_after(last, clock.now.mono)) {
      made += next->id > last ? 1 : 0;
      last = next->id;
    }
  }
  CHECK_EQ(last.value, step + 0x3ff);
  CHECK_EQ(made, 255 - pool::limits::reissues_at_once_max);
  // A new tip makes those stale too; the next job's are numbered anew.
  book.add(make_job({.id = 2 * step, .tip = 2}), clock.now.mono);
  CHECK(book.find(last)->stale_since);
  CHECK_EQ(book.job_after(last, clock.now.mono), book.current());
  CHECK_EQ(book.job_after(mining::JobId{2 * step}, clock.now.mono)->id.value, 2 * step + 0x301);
}

TEST_CASE("jobs issued anew push out no job of the node while it counts") {
  constexpr std::uint64_t step = mining::job_id_step;
  pool::JobBook book(0);
  Clock clock;
  // Ten minutes of a job every 30 seconds, and a miner that wants another every second.
  mining::JobId last{0};
  for (std::uint64_t second = 0; second < 600; ++second, clock.advance(1s)) {
    if (second % 30 == 0) {
      book.add(make_job({.id = (1 + second / 30) * step, .clean = false}), clock.now.mono);
    }
    if (const auto next = book.job_after(last, clock.now.mono)) last = next->id;
  }
  for (std::uint64_t job = 1; job <= 20; ++job) {
    CAPTURE(job);
    CHECK_NE(book.find(mining::JobId{job * step}), nullptr);
  }
  CHECK_LE(book.size(), pool::limits::jobs_kept_max);
}

TEST_CASE("a mask that changed counts together with the old one for the jobs before") {
  using mining::JobId;
  pool::VersionMasks masks;
  CHECK_EQ(masks.for_job(JobId{5}), 0);
  masks.grant(0x1fffe000, JobId{0});  // before the first job
  CHECK_EQ(masks.for_job(JobId{1}), 0x1fffe000);
  masks.grant(0x00ff0000, JobId{10});
  CHECK_EQ(masks.for_job(JobId{10}), 0x1fffe000);
  CHECK_EQ(masks.for_job(JobId{11}), 0x00ff0000);
  masks.grant(0x00002000, JobId{10});  // twice between two jobs: the miner may still use any
  CHECK_EQ(masks.for_job(JobId{10}), 0x1fffe000 | 0x2000);
  CHECK_EQ(masks.for_job(JobId{11}), 0x2000);
  CHECK_EQ(masks.current(), 0x2000);
}

TEST_CASE("hash-rate windows average work over what they name") {
  pool::HashrateWindows windows;
  base::MonoTime now{};
  CHECK_EQ(windows.rate(0, now), 0);
  base::U256 work;
  // Ten hours at 1000 hashes a second, then one minute at 7000.
  for (int second = 0; second <= 36'000; ++second, now += 1s) {
    windows.sample(now, work);
    work = work + base::U256(1000);
  }
  for (int second = 0; second < 60; ++second, now += 1s) {
    windows.sample(now, work);
    work = work + base::U256(7000);
  }
  windows.sample(now, work);
  // The two longest have only ten hours.
  const double expected[] = {7000, 2200, 1400, 1100, 1016.67, 1009.98, 1009.98};
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    CAPTURE(pool::HashrateWindows::names[i]);
    CHECK(windows.rate(i, now) == doctest::Approx(expected[i]).epsilon(0.02));
  }
  // No shares any more: the short windows fall to nothing.
  for (int second = 0; second < 120; ++second) windows.sample(now += 1s, work);
  CHECK_EQ(windows.rate(0, now), 0);
}
