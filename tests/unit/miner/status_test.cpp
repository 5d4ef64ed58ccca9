// Rates, the status line, the JSON object, line limits, backoff, remembered hashes.
#include "miner/status.h"

#include "miner/backoff.h"
#include "miner/recent_hashes.h"

#include <doctest/doctest.h>

#include <set>

namespace miner {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

base::MonoTime at(int second) { return base::MonoTime(seconds(100 + second)); }

TEST_CASE("the rate is that of the last ten seconds") {
  RateMeter rate;
  CHECK_EQ(rate.per_second(), 0);
  rate.sample(0, at(0));
  CHECK_EQ(rate.per_second(), 0);
  rate.sample(1000, at(1));
  CHECK_EQ(rate.per_second(), 1000);
  for (int i = 2; i <= 30; ++i) rate.sample(1000, at(i));  // stopped
  CHECK_EQ(rate.per_second(), 0);
  for (int i = 31; i <= 35; ++i) rate.sample(1000 + 2000 * static_cast<unsigned>(i - 30), at(i));
  CHECK_EQ(rate.per_second(), 1000);  // half of the window at 2000
}

Status mining_status() {
  Status status;
  status.link = LinkState::mining;
  status.hash_rate = 22.81e6;
  status.hashes = 2281;
  status.uptime = seconds(187);
  status.counters.accepted = 12;
  status.counters.rejected = 1;
  status.difficulty = 0.001;
  status.job_id = "000000000000001a";
  status.kernel = "x86_shani";
  status.threads = 2;
  return status;
}

TEST_CASE("the status line tells what matters") {
  Status status = mining_status();
  CHECK_EQ(status_line(status),
           "22.81 MH/s | 12 accepted, 1 rejected | difficulty 0.001 | 3 min 07 s | job "
           "000000000000001a");
  status.per_thread = {{11.40e6, 0, 0}, {11.41e6, 0, 0}};
  status.pools = {{"stratum+tcp://first:1", "a", false, 0, 0, 0},
                  {"stratum+tcp://h:3333", "a", true, 0, 0, 0}};
  status.counters.best_share = 0.5219;
  status.counters.reject_reasons.count("stale\x1b");
  CHECK_EQ(status_line(status),
           "22.81 MH/s (11.40 MH/s, 11.41 MH/s) | 12 accepted, 1 rejected (1 x stale?) | "
           "difficulty 0.001 | best 0.5219 | 3 min 07 s | stratum+tcp://h:3333 | job "
           "000000000000001a");
  status.counters.blocks_accepted = 1;
  CHECK_NE(status_line(status).find("| 1 block |"), std::string::npos);
  status.link = LinkState::disconnected;
  CHECK_NE(status_line(status).find("disconnected, not hashing"), std::string::npos);
  status.link = LinkState::waiting_for_job;
  CHECK_NE(status_line(status).find("waiting for a job"), std::string::npos);
}

TEST_CASE("of many threads the least and the greatest rate, of many reasons the most frequent") {
  Status status = mining_status();
  for (int i = 0; i < 9; ++i) status.per_thread.push_back({1e6 + i * 1e4, 0, 0});
  for (const char* reason : {"low", "stale", "low", "old"}) {
    status.counters.reject_reasons.count(reason);
  }
  const std::string line = status_line(status);
  CHECK_NE(line.find(" (9 x 1.000 MH/s to 1.080 MH/s) |"), std::string::npos);
  CHECK_NE(line.find("1 rejected (2 x low, ...) |"), std::string::npos);
  CHECK_NE(totals_text(status).find("1 rejected (2 x low, 1 x old, 1 x stale)"), std::string::npos);
}

TEST_CASE("the JSON object is one line with the documented keys") {
  Status status = mining_status();
  status.job_id = "a\"b\n";
  status.pools = {{"stratum+tcp://h:3333", "a", true, 0, 0, 0}};
  status.per_thread = {{11.4e6, 0, 0}, {11.41e6, 0, 0}};
  status.counters.reject_reasons.count("low \"x\"");
  status.counters.best_share = 2.5;
  const std::string json = status_json(status, true);
  for (const char* part :
       {R"("state":"mining")", R"("final":true)", R"("hash_rate":22810000,)", R"("accepted":12,)",
        R"("rejected":1,)", R"("difficulty":0.001,)", R"("job_id":"a\"b\n")",
        R"("kernel":"x86_shani")", R"("blocks_accepted":0,)", R"("uptime_s":187,)",
        R"("pool":"stratum+tcp://h:3333")", R"("best_share":2.5,)",
        R"("reject_reasons":{"low \"x\"":1},)", R"("thread_hash_rates":[11400000,11410000])"}) {
    CAPTURE(part);
    CHECK_NE(json.find(part), std::string::npos);
  }
  CHECK_EQ(json.find('\n'), std::string::npos);
  CHECK_EQ(json.front(), '{');
  CHECK_EQ(json.back(), '}');
}

TEST_CASE("a burst of lines is cut, and what was held back is told later") {
  LineLimiter limiter(3);
  std::uint64_t held_back = 0;
  int printed = 0;
  for (int i = 0; i < 10; ++i) printed += limiter.allow(at(0), held_back) ? 1 : 0;
  CHECK_EQ(printed, 3);
  CHECK_EQ(held_back, 0);
  CHECK(limiter.allow(at(10), held_back));
  CHECK_EQ(held_back, 7);
  CHECK(limiter.allow(at(10), held_back));
  CHECK_EQ(held_back, 0);
}

TEST_CASE("pauses double up to the most, with jitter in their upper half, and start over") {
  base::Random random(7);
  Backoff backoff(milliseconds(1000), milliseconds(30000));
  const int whole[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000};
  std::set<milliseconds> distinct;
  for (const int most : whole) {
    const milliseconds pause = backoff.next(random);
    CHECK_GE(pause.count(), most / 2);
    CHECK_LE(pause.count(), most);
    distinct.insert(pause);
  }
  CHECK_GT(distinct.size(), 5);
  backoff.reset();
  CHECK_LE(backoff.next(random), milliseconds(1000));
  Backoff short_one(milliseconds(1000), milliseconds(10));
  for (int i = 0; i < 3; ++i) CHECK_LE(short_one.next(random), milliseconds(10));
}

bitcoin::BlockHash hash_of(std::uint32_t n) {
  bitcoin::BlockHash hash;
  base::write_le32(hash.bytes, n);
  return hash;
}

TEST_CASE("recent hashes refuse a repeat until it is old") {
  RecentHashes recent(3);
  for (std::uint32_t n = 0; n < 3; ++n) CHECK(recent.insert(hash_of(n)));
  CHECK_FALSE(recent.insert(hash_of(0)));
  CHECK(recent.insert(hash_of(3)));  // pushes 0 out
  CHECK(recent.insert(hash_of(0)));
  CHECK_FALSE(recent.insert(hash_of(3)));
}

}  // namespace
}  // namespace miner
