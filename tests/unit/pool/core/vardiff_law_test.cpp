#include "pool/core/vardiff_law.h"

#include <doctest/doctest.h>

#include <chrono>

using namespace std::chrono_literals;
using pool::VardiffAim;
using pool::VardiffLaw;

namespace {

constexpr VardiffAim six_exactly{6, false};

base::MonoTime at(double seconds) {
  return base::MonoTime{} + std::chrono::duration_cast<base::MonoTime::duration>(
                                std::chrono::duration<double>(seconds));
}

}  // namespace

TEST_CASE("a handful of shares a thousand times too fast is enough") {
  VardiffLaw law(at(0));
  law.start(1, 0, six_exactly, at(0));
  int shares = 0;
  VardiffLaw::Advice advice;
  for (double now = 0.07; !advice && shares < 100; now += 0.07) {  // 860 a minute
    law.on_share(1, true, six_exactly, at(now));
    ++shares;
    advice = law.at_job(1, six_exactly, at(now));
  }
  CHECK(shares <= 8);
  REQUIRE(advice);
  CHECK(*advice > 100);
  CHECK(*advice < 200);
}

TEST_CASE("a queue of shares that is flushed at once is no jump") {
  VardiffLaw law(at(0));
  law.start(1, 0, six_exactly, at(0));
  for (int i = 0; i < 20; ++i) law.on_share(1, true, six_exactly, at(1 + 0.001 * i));
  CHECK_FALSE(law.at_job(1, six_exactly, at(1.02)));
}

TEST_CASE("a silent miner is asked for less: much less if it was never heard of") {
  VardiffLaw law(at(0));
  law.start(1, 0, six_exactly, at(0));
  CHECK_FALSE(law.at_job(1, six_exactly, at(70)));
  const auto unknown = law.at_job(1, six_exactly, at(81));
  REQUIRE(unknown);
  CHECK(*unknown < 0.05);
  CHECK(*unknown > 0.02);

  for (int i = 1; i <= 30; ++i) law.on_share(1, true, six_exactly, at(81 + 10 * i));
  CHECK_FALSE(law.at_job(1, six_exactly, at(385)));
  CHECK_FALSE(law.at_job(1, six_exactly, at(455)));
  const auto paused = law.at_job(1, six_exactly, at(465));
  REQUIRE(paused);
  CHECK(*paused > 0.4);
  CHECK(*paused < 0.6);
}

TEST_CASE("regular shares are left alone, and changes keep their distance") {
  VardiffLaw law(at(0));
  law.start(1, 0, six_exactly, at(0));
  for (int i = 1; i <= 360; ++i) {
    law.on_share(1, true, six_exactly, at(10 * i));
    CHECK_FALSE(law.at_job(1, six_exactly, at(10 * i)));
  }
  // Twice as fast is noticed within two minutes, but not within 30 s of a change.
  law.on_change(at(3600));
  double now = 3600;
  VardiffLaw::Advice advice;
  while (!advice && now < 4200) {
    now += 5;
    law.on_share(1, true, six_exactly, at(now));
    advice = law.at_job(1, six_exactly, at(now));
  }
  REQUIRE(advice);
  CHECK(now >= 3630);
  CHECK(now < 3900);
  CHECK(*advice > 1.1);
}

TEST_CASE("shares that do not meet the difficulty in force say nothing of the rate") {
  VardiffLaw law(at(0));
  law.start(1000, 0, six_exactly, at(0));
  for (int i = 1; i < 1000; ++i) law.on_share(1000, false, six_exactly, at(0.1 * i));
  CHECK_FALSE(law.is_proven());
  const auto advice = law.at_job(1000, six_exactly, at(100));
  REQUIRE(advice);
  CHECK(*advice < 100);
}
