#include "miner/text.h"

#include <doctest/doctest.h>

namespace miner {
namespace {

TEST_CASE("hash rates have four digits and a unit") {
  CHECK_EQ(hash_rate_text(0), "0 H/s");
  CHECK_EQ(hash_rate_text(-1), "0 H/s");
  CHECK_EQ(hash_rate_text(999), "999 H/s");
  CHECK_EQ(hash_rate_text(1000), "1.000 kH/s");
  CHECK_EQ(hash_rate_text(999949), "999.9 kH/s");
  CHECK_EQ(hash_rate_text(999951), "1.000 MH/s");
  CHECK_EQ(hash_rate_text(22.814e6), "22.81 MH/s");
  CHECK_EQ(hash_rate_text(1.23e15), "1.230 PH/s");
}

TEST_CASE("difficulties are short") {
  CHECK_EQ(difficulty_text(1), "1");
  CHECK_EQ(difficulty_text(1024), "1024");
  CHECK_EQ(difficulty_text(0.000122), "0.000122");
  CHECK_EQ(difficulty_text(1.0 / 4294967296.0), "2.328e-10");
  CHECK_EQ(difficulty_text(16307.42), "16.31 K");
  CHECK_EQ(difficulty_text(8.449e13), "84.49 T");
}

TEST_CASE("durations") {
  using std::chrono::seconds;
  CHECK_EQ(duration_text(seconds(-5)), "0 s");
  CHECK_EQ(duration_text(seconds(59)), "59 s");
  CHECK_EQ(duration_text(seconds(187)), "3 min 07 s");
  CHECK_EQ(duration_text(seconds(7500)), "2 h 05 min");
  CHECK_EQ(duration_text(seconds(4 * 86400 + 7200)), "4 d 02 h");
}

TEST_CASE("a peer's text can't steer a terminal") {
  CHECK_EQ(printable("ok \x1b[2J\r\n\x7f\xc3\xa9", 100), "ok ?[2J?????");
  CHECK_EQ(printable("abcdef", 3), "abc");
}

TEST_CASE("JSON strings are escaped") {
  CHECK_EQ(json_string("a\"b\\c\nd\te"), R"("a\"b\\c\nd?e")");
}

}  // namespace
}  // namespace miner
