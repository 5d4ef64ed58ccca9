#include "pool/core/token_bucket.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using pool::TokenBucket;
using pool::TokenRate;

namespace {

constexpr base::MonoTime start = base::MonoTime{} + 1h;

}  // namespace

TEST_CASE("a burst goes through at once, then one token per interval") {
  const TokenRate rate = TokenRate::of(10, 5);
  TokenBucket bucket;
  for (int i = 0; i < 5; ++i) CHECK(bucket.try_spend(rate, start));
  CHECK_FALSE(bucket.try_spend(rate, start));
  CHECK_FALSE(bucket.try_spend(rate, start + 99ms));
  CHECK(bucket.try_spend(rate, start + 100ms));
  CHECK_FALSE(bucket.try_spend(rate, start + 100ms));
}

TEST_CASE("a refused token costs nothing") {
  const TokenRate rate = TokenRate::of(1, 1);
  TokenBucket bucket;
  CHECK(bucket.try_spend(rate, start));
  for (int i = 0; i < 1000; ++i) CHECK_FALSE(bucket.try_spend(rate, start + 999ms));
  CHECK(bucket.try_spend(rate, start + 1s));
}

TEST_CASE("an idle bucket is full, not fuller") {
  const TokenRate rate = TokenRate::of(10, 3);
  TokenBucket bucket;
  CHECK(bucket.full(start));
  CHECK(bucket.try_spend(rate, start));
  CHECK_FALSE(bucket.full(start));
  CHECK(bucket.full(start + 100ms));
  int got = 0;
  while (bucket.try_spend(rate, start + 1h)) ++got;
  CHECK_EQ(got, 3);
}

TEST_CASE("what is spent past the burst is a debt that time pays, up to a burst more") {
  const TokenRate rate = TokenRate::of(10, 5);
  TokenBucket bucket;
  for (int i = 0; i < 5; ++i) CHECK(bucket.spend(rate, start));
  CHECK_FALSE(bucket.spend(rate, start));  // the sixth
  CHECK(bucket.in_debt(rate, start + 99ms));
  CHECK_FALSE(bucket.in_debt(rate, start + 100ms));
  for (int i = 0; i < 1'000'000; ++i) bucket.spend(rate, start);
  CHECK(bucket.in_debt(rate, start + 499ms));
  CHECK_FALSE(bucket.in_debt(rate, start + 500ms));
  CHECK(bucket.full(start + 1s));
}

TEST_CASE("over a long time as many tokens come as the rate says") {
  const TokenRate rate = TokenRate::of(7, 3);
  TokenBucket bucket;
  int got = 0;
  for (auto t = 0ms; t < 100s; t += 1ms) got += bucket.try_spend(rate, start + t) ? 1 : 0;
  CHECK_GE(got, 700);
  CHECK_LE(got, 704);
}

TEST_CASE("a rate of zero is no limit, and absurd rates do not overflow") {
  TokenBucket bucket;
  for (int i = 0; i < 1000; ++i) CHECK(bucket.spend(TokenRate::of(0, 1), start));
  CHECK(bucket.full(start));
  for (const double per_second : {1e-30, 1e-9, 1e12, 1e300}) {
    for (const double burst : {0.0, 1.0, 1e300}) {
      const TokenRate rate = TokenRate::of(per_second, burst);
      TokenBucket one;
      CHECK(one.try_spend(rate, start));
      one.spend(rate, start, 0xffffffff);
      CHECK_FALSE(one.in_debt(rate, start + std::chrono::hours(24 * 365)));
    }
  }
}
