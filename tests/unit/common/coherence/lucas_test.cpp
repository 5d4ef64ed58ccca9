#include "common/coherence/lucas.h"

#include <doctest/doctest.h>

#include <random>

TEST_CASE("Lucas numbers: known answers, and the definition") {
  CHECK(coherence::lucas(0) == 2);
  CHECK(coherence::lucas(1) == 1);
  CHECK(coherence::lucas(4) == 7);
  CHECK(coherence::lucas(10) == 123);
  CHECK(coherence::lucas(20) == 15127);
  CHECK(coherence::lucas(47) == 2348871583);  // L_47 = 6643838879, modulo 2^32
  CHECK(coherence::lucas(4294967295) == 3238583700);
  std::uint32_t before = 2;
  std::uint32_t last = 1;
  for (std::uint32_t n = 2; n < 5000; ++n) {
    const std::uint32_t next = before + last;
    CHECK(coherence::lucas(n) == next);
    before = last;
    last = next;
  }
}

TEST_CASE("far Lucas numbers obey the recurrence") {
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    const std::uint32_t n = 1 + static_cast<std::uint32_t>(random() % 4294967294U);
    CHECK(coherence::lucas(n + 1) == coherence::lucas(n) + coherence::lucas(n - 1));
  }
}

TEST_CASE("the golden step is a permutation, undone by its inverse") {
  CHECK(coherence::golden(0) == 0);
  CHECK(coherence::golden(1) == 0x9E3779B97F4A7C15);
  CHECK(coherence::golden(2) == 0x3C6EF372FE94F82A);
  std::mt19937_64 random(2);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t a = random();
    CHECK(coherence::golden_inverse(coherence::golden(a)) == a);
    CHECK(coherence::golden(coherence::golden_inverse(a)) == a);
  }
}

TEST_CASE("nonces of attempts") {
  struct Row {
    std::uint64_t attempt;
    std::uint32_t nonce;
  };
  for (const Row& row :
       {Row{0, 0x00000003}, Row{1, 0x9e3779b8}, Row{2, 0x3c6ef376}, Row{3, 0xdaa66d2b},
        Row{24, 0xd5336960}, Row{std::uint64_t{1} << 63, 0x0c00ef9f}}) {
    CAPTURE(row.attempt);
    CHECK(coherence::nonce_of(row.attempt) == row.nonce);
  }
  CHECK(coherence::nonce_of(1001) == 1722269591);
}
