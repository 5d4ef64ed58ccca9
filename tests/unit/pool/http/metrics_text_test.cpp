#include "pool/http/metrics_text.h"

#include <doctest/doctest.h>

#include <limits>

namespace pool {

TEST_CASE("a family is its help, its kind and its samples") {
  MetricsText text;
  text.counter("shares_total", "Shares.");
  text.sample(std::uint64_t{18'446'744'073'709'551'615U});
  text.gauge("rate", "A rate.");
  text.sample(0.5, {{"window", "1m"}, {"of", "all"}});
  text.seconds(1'500'000, {{"node", "1"}});
  text.flag(true);
  CHECK_EQ(text.take(),
           "# HELP shares_total Shares.\n"
           "# TYPE shares_total counter\n"
           "shares_total 18446744073709551615\n"
           "# HELP rate A rate.\n"
           "# TYPE rate gauge\n"
           "rate{window=\"1m\",of=\"all\"} 0.5\n"
           "rate{node=\"1\"} 1.5\n"
           "rate 1\n");
}

TEST_CASE("what could break out of a label or a help text is escaped") {
  MetricsText text;
  text.gauge("g", "one \\ line\nonly");
  text.sample(1.0, {{"l", "a\"} 1\nevil 2\\"}});
  CHECK_EQ(text.take(),
           "# HELP g one \\\\ line\\nonly\n"
           "# TYPE g gauge\n"
           "g{l=\"a\\\"} 1\\nevil 2\\\\\"} 1\n");
}

TEST_CASE("numbers that are none are written as the format has them") {
  MetricsText text;
  text.gauge("g", "x");
  text.sample(std::numeric_limits<double>::infinity());
  text.sample(-std::numeric_limits<double>::infinity());
  text.sample(std::numeric_limits<double>::quiet_NaN());
  CHECK_EQ(text.take(), "# HELP g x\n# TYPE g gauge\ng +Inf\ng -Inf\ng NaN\n");
}

TEST_CASE("a histogram's buckets are sums, its last has no bound, and times are in seconds") {
  MetricsText text;
  LatencyHistogram times;
  times.add(10);
  times.add(15);
  times.add(3'000'000'000);
  text.histogram("t_seconds", "T.");
  text.sample(times, {{"node", "2"}});
  const std::string page = text.take();
  for (const char* line :
       {"# TYPE t_seconds histogram\n", "t_seconds_bucket{node=\"2\",le=\"1e-05\"} 1\n",
        "t_seconds_bucket{node=\"2\",le=\"2e-05\"} 2\n",
        "t_seconds_bucket{node=\"2\",le=\"100\"} 2\n",
        "t_seconds_bucket{node=\"2\",le=\"+Inf\"} 3\n", "t_seconds_sum{node=\"2\"} 3000.000025\n",
        "t_seconds_count{node=\"2\"} 3\n"}) {
    CAPTURE(line);
    CHECK(page.find(line) != std::string::npos);
  }
}

TEST_CASE("depths are counts, without labels too") {
  MetricsText text;
  DepthHistogram depths;
  depths.add(3);
  text.histogram("d", "D.");
  text.sample(depths);
  const std::string page = text.take();
  CHECK(page.find("d_bucket{le=\"2\"} 0\nd_bucket{le=\"5\"} 1\n") != std::string::npos);
  CHECK(page.find("d_bucket{le=\"10000\"} 1\nd_bucket{le=\"+Inf\"} 1\nd_sum 3\nd_count 1\n") !=
        std::string::npos);
}

}  // namespace pool
