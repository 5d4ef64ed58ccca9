#include "pool/net/turn_away_log.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using pool::TurnAway;

TEST_CASE("a flood is a line a minute, and a few names") {
  pool::TurnAwayLog log;
  const base::MonoTime start = base::MonoTime{} + 1h;
  CHECK_EQ(log.summary(start), "");
  for (int i = 0; i < 1000; ++i) log.count(TurnAway::http);
  log.count(TurnAway::refused);
  CHECK_EQ(log.summary(start), "refused 1, http 1000");
  log.count(TurnAway::tls_failed);
  CHECK_EQ(log.summary(start + 59s), "");
  CHECK_EQ(log.summary(start + 60s), "tls_failed 1");
  CHECK_EQ(log.summary(start + 200s), "");

  int named = 0;
  for (int i = 0; i < 10'000; ++i) named += log.may_log(start + i * 1ms) ? 1 : 0;
  CHECK_GE(named, 20);
  CHECK_LE(named, 31);  // a burst, and one a second
}
