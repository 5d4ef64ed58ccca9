// The small parts a shard is made of: filter, allocator, job book, vardiff, windows.
#include "common/base/random.h"
#include "pool/core/duplicate_filter.h"
#include "pool/core/extranonce.h"
#include "pool/core/job_book.h"
#include "pool/core/limits.h"
#include "pool/core/stats.h"
#include "pool/core/vardiff.h"
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
bitcoin::Difficulty difficulty(double value) { return *bitcoin::Difficulty::from_double(value); }

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

TEST_CASE("extranonce1 values are disjoint, wrap round, and run out") {
  pool::ExtranonceAllocator allocator(1, 2, 0xfffe);
  CHECK_EQ(*allocator.allocate(), pool::Extranonce1{1, 2, 0xff, 0xfe});
  CHECK_EQ(*allocator.allocate(), pool::Extranonce1{1, 2, 0xff, 0xff});
  CHECK_EQ(*allocator.allocate(), pool::Extranonce1{1, 2, 0, 0});
  for (std::size_t i = 3; i < 65'536; ++i) REQUIRE(allocator.allocate());
  CHECK_FALSE(allocator.allocate());
  allocator.release({1, 2, 0, 7});
  CHECK_EQ(*allocator.allocate(), pool::Extranonce1{1, 2, 0, 7});
}

TEST_CASE("job book: superseded is not stale, a new tip is, and old jobs go in time") {
  pool::JobBook book;
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
  CHECK_EQ(book.size(), pool::limits::jobs_kept_max);
}

TEST_CASE("vardiff reaches a steady miner's difficulty and then leaves it alone") {
  const pool::VardiffOptions options{6, difficulty(1.0 / 1024), difficulty(1e12)};
  for (const double hashrate : {1e6, 1e9, 1e14}) {
    CAPTURE(hashrate);
    base::MonoTime now{};
    base::Random random(7);
    auto current = difficulty(1024);
    pool::Vardiff vardiff(now);
    double waiting = 0;  // shares expected and not yet sent
    int changes_late = 0;
    for (int second = 0; second < 3600; ++second) {
      now += 1s;
      waiting += hashrate / (current.value() * 4294967296.0);
      for (; waiting >= 1; waiting -= 1) vardiff.on_share();
      if (second % 30 != 0) continue;
      if (const auto next = vardiff.retarget(current, options, now)) {
        current = *next;
        if (second > 1800) ++changes_late;
      }
    }
    const double per_minute = 60 * hashrate / (current.value() * 4294967296.0);
    CHECK_GE(per_minute, 3.0);
    CHECK_LE(per_minute, 12.0);
    CHECK_EQ(changes_late, 0);
  }
}

TEST_CASE("vardiff keeps to its bounds") {
  const pool::VardiffOptions options{6, difficulty(3), difficulty(3)};
  pool::Vardiff vardiff(base::MonoTime{});
  const auto next = vardiff.retarget(difficulty(1024), options, base::MonoTime{} + 60s);
  REQUIRE(next);
  CHECK_EQ(next->value(), 3);
  CHECK_FALSE(vardiff.retarget(*next, options, base::MonoTime{} + 120s));
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
  const double expected[] = {7000, 2200, 1400, 1100, 1009.98};
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    CAPTURE(pool::HashrateWindows::names[i]);
    CHECK(windows.rate(i, now) == doctest::Approx(expected[i]).epsilon(0.02));
  }
  // No shares any more: the short windows fall to nothing.
  for (int second = 0; second < 120; ++second) windows.sample(now += 1s, work);
  CHECK_EQ(windows.rate(0, now), 0);
}
