#include "common/base/u256.h"

#include "common/base/random.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

using base::Random;
using base::U256;

namespace {

U256 of_limbs(std::uint64_t l3, std::uint64_t l2, std::uint64_t l1, std::uint64_t l0) {
  U256 value;
  value.limbs = {l0, l1, l2, l3};
  return value;
}

// A random number of a random length: divisions are most often wrong where lengths differ.
U256 random_u256(Random& random) {
  const U256 value = of_limbs(random.next(), random.next(), random.next(), random.next());
  return value >> static_cast<int>(random.below(257));
}

// Limbs of all ones or all zeros provoke carries.
U256 random_extreme(Random& random) {
  U256 value;
  for (auto& limb : value.limbs) limb = random.below(2) == 0 ? 0 : ~std::uint64_t{0};
  return value + U256{random.below(3)} - U256{1};
}

// a * b modulo 2^256, by shifts and additions: nothing that division is made of.
U256 multiply(const U256& a, const U256& b) {
  U256 product;
  for (int bit = 0; bit < 256; ++bit) {
    if ((b >> bit).limbs[0] & 1) product = product + (a << bit);
  }
  return product;
}

void check_division(const U256& dividend, const U256& divisor) {
  const U256 quotient = dividend / divisor;
  const U256 product = multiply(quotient, divisor);
  CAPTURE(dividend.decimal());
  CAPTURE(divisor.decimal());
  CHECK(quotient <= dividend);
  CHECK(product <= dividend);  // with the line below it is the one quotient there is
  CHECK(dividend - product < divisor);
  if (!quotient.is_zero()) CHECK(quotient.bit_length() + divisor.bit_length() <= 257);
}

}  // namespace

TEST_CASE("division leaves a remainder below the divisor") {
  Random random(1);
  for (int i = 0; i < 3000; ++i) {
    const U256 divisor = random_u256(random);
    check_division(random_u256(random), divisor.is_zero() ? U256{1} : divisor);
  }
  for (int i = 0; i < 1000; ++i) {
    const U256 divisor = random_extreme(random);
    check_division(random_extreme(random), divisor.is_zero() ? U256{3} : divisor);
  }
}

TEST_CASE("division at its boundaries") {
  const U256 max = U256::max();
  CHECK_EQ(max / U256{1}, max);
  CHECK_EQ(max / max, U256{1});
  CHECK_EQ((max - U256{1}) / max, U256{});
  CHECK_EQ(U256{} / U256{7}, U256{});
  CHECK_EQ(max / (U256{1} << 255), U256{1});
  CHECK_EQ(max / (U256{1} << 128), max >> 128);
  CHECK_EQ((U256{1} << 255) / U256{3}, of_limbs(0x2aaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaaa,
                                                0xaaaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaaa));
}

TEST_CASE("addition and subtraction carry through all limbs and wrap") {
  const U256 max = U256::max();
  CHECK_EQ(max + U256{1}, U256{});
  CHECK_EQ(U256{} - U256{1}, max);
  CHECK_EQ(of_limbs(0, 0, 0, ~std::uint64_t{0}) + U256{1}, of_limbs(0, 0, 1, 0));
  CHECK_EQ(of_limbs(1, 0, 0, 0) - U256{1},
           of_limbs(0, ~std::uint64_t{0}, ~std::uint64_t{0}, ~std::uint64_t{0}));
  Random random(2);
  for (int i = 0; i < 1000; ++i) {
    const U256 a = random_u256(random);
    const U256 b = random_extreme(random);
    CHECK_EQ(a + b - b, a);
    CHECK_EQ(a - b + b, a);
    CHECK_EQ(a + b, b + a);
  }
}

TEST_CASE("shifts move bits across limbs and drop what leaves") {
  const U256 value = of_limbs(0x1111, 0x2222, 0x3333, 0x4444000000000001);
  CHECK_EQ(value << 0, value);
  CHECK_EQ(value >> 0, value);
  CHECK_EQ(value << 64, of_limbs(0x2222, 0x3333, 0x4444000000000001, 0));
  CHECK_EQ(value >> 64, of_limbs(0, 0x1111, 0x2222, 0x3333));
  CHECK_EQ(value >> 1, of_limbs(0x888, 0x8000000000001111, 0x1999, 0xa222000000000000));
  CHECK_EQ(value << 256, U256{});
  CHECK_EQ(value >> 256, U256{});
  CHECK_EQ(value << 1000, U256{});
  for (int bits = 0; bits < 256; ++bits) {
    CAPTURE(bits);
    CHECK_EQ((U256{1} << bits).bit_length(), bits + 1);
    CHECK_EQ((U256{1} << bits) >> bits, U256{1});
    CHECK_EQ(multiply(value, U256{1} << bits), value << bits);
  }
}

TEST_CASE("order is by the highest limb that differs") {
  CHECK(of_limbs(1, 0, 0, 0) > of_limbs(0, 9, 9, 9));
  CHECK(of_limbs(0, 0, 1, 0) > of_limbs(0, 0, 0, 9));
  CHECK(of_limbs(5, 0, 0, 1) < of_limbs(5, 0, 0, 2));
  CHECK((of_limbs(5, 6, 7, 8) <=> of_limbs(5, 6, 7, 8)) == 0);
  CHECK_EQ(U256{}.bit_length(), 0);
  CHECK_EQ(U256::max().bit_length(), 256);
}

TEST_CASE("decimal digits are exact and read back") {
  CHECK_EQ(U256{}.decimal(), "0");
  CHECK_EQ(U256{10}.decimal(), "10");
  CHECK_EQ((U256{1} << 64).decimal(), "18446744073709551616");
  // 2^256 - 1
  const std::string max =
      "115792089237316195423570985008687907853269984665640564039457584007913129639935";
  CHECK_EQ(U256::max().decimal(), max);
  U256 value;
  REQUIRE(U256::from_decimal(max, value));
  CHECK_EQ(value, U256::max());
  REQUIRE(U256::from_decimal("000", value));
  CHECK_EQ(value, U256{});
  Random random(3);
  for (int i = 0; i < 500; ++i) {
    const U256 drawn = random_u256(random);
    REQUIRE(U256::from_decimal(drawn.decimal(), value));
    CHECK_EQ(value, drawn);
  }
}

TEST_CASE("from_decimal refuses everything but digits that fit") {
  const std::string rows[] = {
      "",
      " 1",
      "1 ",
      "-1",
      "+1",
      "1.0",
      "0x1",
      "1e3",
      "a",
      // 2^256, and a number with one digit more
      "115792089237316195423570985008687907853269984665640564039457584007913129639936",
      "1" + std::string(78, '0'),
  };
  for (const std::string& text : rows) {
    CAPTURE(text);
    U256 value{42};
    CHECK_FALSE(U256::from_decimal(text, value));
    CHECK_EQ(value, U256{42});
  }
}

TEST_CASE("bytes are little-endian") {
  std::array<std::uint8_t, 32> bytes{};
  bytes[0] = 1;
  bytes[31] = 0x80;
  const U256 value = U256::from_le_bytes(bytes);
  CHECK_EQ(value, of_limbs(0x8000000000000000, 0, 0, 1));
  CHECK_EQ(value.to_le_bytes(), bytes);
}

TEST_CASE("to_double rounds to nearest, ties to even, once") {
  CHECK_EQ(U256{}.to_double(), 0.0);
  CHECK_EQ(U256{123456789}.to_double(), 123456789.0);
  CHECK_EQ(U256::max().to_double(), std::ldexp(1.0, 256));
  const U256 one = U256{1} << 200;
  const U256 ulp = U256{1} << (200 - 52);
  const U256 half = U256{1} << (200 - 53);
  const double exact = std::ldexp(1.0, 200);
  const double next = std::nextafter(exact, INFINITY);
  CHECK_EQ((one + half).to_double(), exact);           // a tie goes to the even side
  CHECK_EQ((one + half + U256{1}).to_double(), next);  // the lowest bit breaks it
  CHECK_EQ((one + half - U256{1}).to_double(), exact);
  CHECK_EQ((one + ulp).to_double(), next);
  CHECK_EQ((one + ulp + half).to_double(), std::nextafter(next, INFINITY));
}
