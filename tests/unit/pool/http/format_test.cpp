#include "pool/http/format.h"

#include <doctest/doctest.h>

using namespace pool;

TEST_CASE("counts have commas") {
  CHECK_EQ(format_count(0), "0");
  CHECK_EQ(format_count(999), "999");
  CHECK_EQ(format_count(1000), "1,000");
  CHECK_EQ(format_count(862114), "862,114");
  CHECK_EQ(format_count(18446744073709551615ull), "18,446,744,073,709,551,615");
}

TEST_CASE("hash rates have three significant digits and the SI letter") {
  struct Row {
    double rate;
    const char* number;
    const char* unit;
  };
  const Row rows[] = {
      {0, "0", "H/s"},           {-1, "0", "H/s"},          {0.5, "0.5", "H/s"},
      {1, "1.00", "H/s"},        {9.994, "9.99", "H/s"},    {9.996, "10.0", "H/s"},
      {99.96, "100", "H/s"},     {999.4, "999", "H/s"},     {999.6, "1.00", "kH/s"},
      {12.34e6, "12.3", "MH/s"}, {3.42e18, "3.42", "EH/s"}, {5e27, "5000", "YH/s"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.rate);
    const Figure figure = format_hashrate(row.rate);
    CHECK_EQ(figure.number, row.number);
    CHECK_EQ(figure.unit, row.unit);
  }
}

TEST_CASE("difficulties, coins, times and parts") {
  CHECK_EQ(format_difficulty(92.67e12), "92.7\u00a0T");
  CHECK_EQ(format_difficulty(4.6565423739069247e-10), "4.66e-10");
  CHECK_EQ(format_difficulty(1.2035e-8), "1.2e-8");
  CHECK_EQ(format_difficulty(0.0123456), "0.0123");
  CHECK_EQ(format_btc(5'000'000'000), "50.00\u2009000\u2009000");
  CHECK_EQ(format_btc(67'791), "0.00\u2009067\u2009791");
  CHECK_EQ(format_btc(-1), "\u22120.00\u2009000\u2009001");
  CHECK_EQ(format_duration(0), "0\u00a0s");
  CHECK_EQ(format_duration(59), "59\u00a0s");
  CHECK_EQ(format_duration(60), "1\u00a0min");
  CHECK_EQ(format_duration(259), "4\u00a0min 19\u00a0s");
  CHECK_EQ(format_duration(36720), "10\u00a0h 12\u00a0min");
  CHECK_EQ(format_duration(86400 + 59), "1\u00a0d");
  CHECK_EQ(format_duration(-5), "0\u00a0s");
  CHECK_EQ(format_latency(999), "999\u00a0µs");
  CHECK_EQ(format_latency(18'000), "18.0\u00a0ms");
  CHECK_EQ(format_latency(1'500'000), "1.50\u00a0s");
  CHECK_EQ(format_percent(1, 0), "–");
  CHECK_EQ(format_percent(21, 10'000), "0.21\u2009%");
  CHECK_EQ(format_utc(1'726'842'727'999'999), "2024-09-20 14:32:07 UTC");
  CHECK_EQ(format_utc_machine(1'726'842'727'000'000), "2024-09-20T14:32:07Z");
  CHECK_EQ(format_utc(-1), "1969-12-31 23:59:59 UTC");
  CHECK_EQ(shorten("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", 8, 4), "bc1qw508…f3t4");
  CHECK_EQ(shorten("short", 3, 2), "short");
}

TEST_CASE("HTML's own characters are escaped") {
  CHECK_EQ(escape_html("<script>\"&'</script>"), "&lt;script&gt;&quot;&amp;&#39;&lt;/script&gt;");
}

TEST_CASE("ISO times are read, and nothing else") {
  CHECK_EQ(parse_utc("2024-09-20T14:32:07Z"), 1'726'842'727'000'000);
  CHECK_EQ(parse_utc("2024-09-20T14:32:07.5Z"), 1'726'842'727'500'000);
  CHECK_EQ(parse_utc("2024-02-29T00:00:00.123456Z"), 1'709'164'800'123'456);
  CHECK_EQ(parse_utc("1970-01-01T00:00:00.000Z"), 0);
  for (const char* bad : {"", "Z", "2024-09-20", "2024-09-20 14:32:07Z", "2024-09-20T14:32:07",
                          "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-01-01T24:00:00Z",
                          "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00.1234567Z",
                          "2024-01-01T00:00:00.1xZ", "2024-01-01T00:00:00+01:00Z"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_utc(bad));
  }
}
