#include "pool/core/btc_amount.h"

#include <doctest/doctest.h>

#include <optional>

using bitcoin::Sats;
using pool::btc_text;
using pool::parse_btc;

TEST_CASE("amounts are read digit by digit") {
  struct Row {
    const char* text;
    std::optional<std::int64_t> sats;
  };
  const Row rows[] = {
      {"0", 0},
      {"0.00000001", 1},
      {"0.1", 10'000'000},
      {"0.10000000", 10'000'000},
      {"-0.00000282", -282},
      {"1.00000000", 100'000'000},
      {"499.99998595", 49'999'998'595},  // as a double times 1e8 it would be one less
      {"20999999.97690000", 2'099'999'997'690'000},
      {"21000000.00000000", 2'100'000'000'000'000},
      {"21000000.00000001", std::nullopt},  // more than there can be
      {"99999999.99999999", std::nullopt},
      {"123456789", std::nullopt},
      {"", std::nullopt},
      {"-", std::nullopt},
      {".5", std::nullopt},
      {"1.", std::nullopt},
      {"1e-8", std::nullopt},
      {"0.000000001", std::nullopt},
      {"0x10", std::nullopt},
      {"1,0", std::nullopt},
      {"1.0.0", std::nullopt},
      {"--1", std::nullopt},
      {" 1", std::nullopt},
      {"1 ", std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto parsed = parse_btc(row.text);
    REQUIRE_EQ(parsed.has_value(), row.sats.has_value());
    if (parsed) CHECK_EQ(parsed->value, *row.sats);
  }
}

TEST_CASE("what is written reads back") {
  CHECK_EQ(btc_text(Sats(0)), "0.00000000");
  CHECK_EQ(btc_text(Sats(1)), "0.00000001");
  CHECK_EQ(btc_text(Sats(-282)), "-0.00000282");
  CHECK_EQ(btc_text(bitcoin::max_money), "21000000.00000000");
  for (std::int64_t value = 1; value < bitcoin::max_money.value; value = value * 7 + 3) {
    CHECK_EQ(parse_btc(btc_text(Sats(value)))->value, value);
    CHECK_EQ(parse_btc(btc_text(Sats(-value)))->value, -value);
  }
}
