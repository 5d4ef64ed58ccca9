// What is shown of coherence work.
#include "miner/coherence_status.h"

#include "miner/status.h"
#include "miner/text.h"

#include <doctest/doctest.h>

namespace miner {
namespace {

CoherenceStatus mining() {
  auto work = std::make_shared<CoherenceWork>();
  work->job_id = "00000000000000a1";
  work->level = 2;
  work->target = base::U256::max() >> 9;  // 512 blooms a share
  work->height = 17;
  CoherenceStatus status;
  status.threads = 2;
  status.kernel = "x86_avx512";
  status.rounds_per_second = 61.2e6;
  status.attempts_per_second = 4702.4;
  status.rounds = 6'120'000'000;
  status.attempts = 470'240;
  status.blooms = 327'001;
  status.best_round = 4711;
  status.best_r_q = 56911;
  status.counters.accepted = 3;
  status.counters.rejected = 1;
  status.counters.work_accepted = 3 * 512 * 13312.0;
  status.unanswered = 2;
  status.work = work;
  return status;
}

TEST_CASE("the part of the status line") {
  CoherenceStatus status = mining();
  // 512 blooms of 13312 rounds each at 61.2 million rounds a second: 0.11 s.
  CHECK_EQ(coherence_line(status),
           "61.20 M rounds/s, 4.702 K attempts/s | 327.0 K blooms | r 0.86839 | 3 accepted, 1 "
           "rejected | a share in about 0 s | coherence job 00000000000000a1");
  status.rounds_per_second = 61.2e3;
  CHECK_NE(coherence_line(status).find("a share in about 1 min 51 s"), std::string::npos);
  status.counters.blocks_accepted = 1;
  CHECK_NE(coherence_line(status).find(" | 1 proof block | "), std::string::npos);
  status.work.reset();
  CHECK_NE(coherence_line(status).find("| no coherence job"), std::string::npos);
  CHECK_EQ(coherence_line(status).find("a share in"), std::string::npos);
}

TEST_CASE("the JSON object") {
  CoherenceStatus status = mining();
  const std::string json = coherence_json(status);
  for (const char* part :
       {R"({"threads":2,"kernel":"x86_avx512","rounds_per_second":61200000,)",
        R"("attempts_per_second":4702.400,)", R"("rounds":6120000000,"attempts":470240,)",
        R"("blooms":327001,"wrong_blooms":0,"best_round":4711,"best_r":0.86839,)",
        R"("accepted":3,"rejected":1,"unanswered":2,)", R"("work_accepted":20447232,)",
        R"("job_id":"00000000000000a1","height":17,"level":2,"hash_difficulty":512.000,)",
        R"("seconds_to_share":0.111})"}) {
    CAPTURE(part);
    CHECK_NE(json.find(part), std::string::npos);
  }
  status.work.reset();
  CHECK_NE(coherence_json(status).find(R"("job_id":null,"height":null,"level":null,)"
                                       R"("hash_difficulty":null,"seconds_to_share":null})"),
           std::string::npos);
}

TEST_CASE("no estimate without a rate or without work") {
  CoherenceStatus status = mining();
  CHECK(seconds_to_share(status).has_value());
  status.rounds_per_second = 0;
  CHECK_FALSE(seconds_to_share(status).has_value());
  CHECK_NE(coherence_json(status).find(R"("seconds_to_share":null})"), std::string::npos);
}

TEST_CASE("the whole status: alone, beside hashing, and without") {
  Status status;
  status.link = LinkState::mining;
  status.uptime = std::chrono::seconds(5);
  status.coherence = mining();
  CHECK_EQ(status_line(status), coherence_line(*status.coherence) + " | 5 s");
  CHECK_EQ(totals_text(status).find("shares:"), std::string::npos);
  CHECK_NE(totals_text(status).find("proofs: 3 accepted (20.45 M rounds of work), 1 rejected\n"),
           std::string::npos);
  status.threads = 1;
  CHECK_EQ(status_line(status).rfind("0 H/s | 0 accepted, 0 rejected | 61.20 M rounds/s", 0), 0);
  CHECK_NE(totals_text(status).find("shares:"), std::string::npos);
  CHECK_NE(status_json(status, false).find(R"("coherence":{"threads":2,)"), std::string::npos);
  status.coherence.reset();
  CHECK_EQ(status_json(status, false).find("coherence"), std::string::npos);
  status.link = LinkState::disconnected;
  status.coherence = mining();
  CHECK_NE(status_line(status).find("disconnected, not mining"), std::string::npos);
}

TEST_CASE("counts and r in few digits") {
  CHECK_EQ(count_text(0), "0");
  CHECK_EQ(count_text(999), "999");
  CHECK_EQ(count_text(0.25), "0.250");
  CHECK_EQ(count_text(1000), "1.000 K");
  CHECK_EQ(count_text(61'234'567), "61.23 M");
  CHECK_EQ(count_text(9.99e20), "999.0 E");
  CHECK_EQ(count_text(1e21), "1.000e+21");
  CHECK_EQ(count_text(1.157920892373162e77), "1.158e+77");
  CHECK_EQ(order_text(65535), "0.99998");
  CHECK_EQ(order_text(0), "0.00000");
  CHECK_EQ(progress_json(100, 15766), R"({"round":100,"r":0.24057})");
}

}  // namespace
}  // namespace miner
