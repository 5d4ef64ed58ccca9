#include "common/base/natural.h"

#include "common/base/random.h"

#include <doctest/doctest.h>

#include <limits>

using base::Natural;

namespace {

Natural number(std::string_view text) {
  const auto value = Natural::from_decimal(text);
  REQUIRE(value.has_value());
  return *value;
}

// Any number of limbs, often with zeros and ones in them.
Natural random_natural(base::Random& random) {
  Natural value;
  for (std::uint64_t i = random.below(8); i > 0; --i) {
    const std::uint64_t kind = random.below(4);
    const std::uint64_t limb = kind == 0   ? 0
                               : kind == 1 ? std::numeric_limits<std::uint32_t>::max()
                                           : random.below(1ULL << 32U);
    value = value * Natural::power_of_two(32) + Natural(limb);
  }
  return value;
}

}  // namespace

TEST_CASE("decimal text comes and goes, and what is no number is refused") {
  for (const char* text :
       {"0", "1", "4294967295", "4294967296", "18446744073709551616",
        "115792089237316195423570985008687907853269984665640564039457584007913129639936",
        "100000000000000000000000000000000000000000000000000000000000000000000000000000000"}) {
    CHECK_EQ(number(text).decimal(), text);
  }
  CHECK_EQ(number("007").decimal(), "7");
  for (const char* text : {"", "-1", "+1", " 1", "1.0", "x"}) {
    CHECK_FALSE(Natural::from_decimal(text).has_value());
  }
}

TEST_CASE("known products and quotients") {
  // 2^256 * (10^20 + 39), and back.
  const Natural big = Natural::power_of_two(256);
  const Natural factor = Natural::power_of_ten(20) + Natural(39);
  CHECK_EQ((big * factor).decimal(),
           "115792089237316195468729899811241224068462668819028848102232"
           "87802751294961532445776308612055957504");
  CHECK_EQ(big * factor / factor, big);
  CHECK_EQ((big * factor + factor - Natural(1)) / factor, big);
  CHECK_EQ(Natural(base::U256::max()) + Natural(1), big);
  CHECK_EQ(Natural(7) / Natural(8), Natural());
  CHECK_EQ(Natural(8) - Natural(8), Natural());
  CHECK_EQ(Natural::power_of_two(32) - Natural(1), Natural(0xffffffff));
}

TEST_CASE("to_u64 gives what fits") {
  CHECK_EQ(Natural().to_u64(), 0);
  CHECK_EQ(Natural(std::numeric_limits<std::uint64_t>::max()).to_u64(),
           std::numeric_limits<std::uint64_t>::max());
  CHECK_FALSE(Natural::power_of_two(64).to_u64().has_value());
}

TEST_CASE("the laws of arithmetic hold for any numbers") {
  base::Random random(7);
  for (int i = 0; i < 3000; ++i) {
    const Natural a = random_natural(random);
    const Natural b = random_natural(random);
    const Natural c = random_natural(random);
    CHECK_EQ(a + b, b + a);
    CHECK_EQ((a + b) - b, a);
    CHECK_EQ(a * b, b * a);
    CHECK_EQ(a * (b + c), a * b + a * c);
    CHECK_EQ((a <=> b) == 0, a == b);
    CHECK((a + Natural(1)) > a);
    CHECK_EQ(number(a.decimal()), a);
    if (b.is_zero()) continue;
    const Natural quotient = a / b;
    CHECK(quotient * b <= a);
    CHECK(a - quotient * b < b);
  }
}
