#include "pool/core/descriptor_budget.h"

#include "pool/core/limits.h"

#include <doctest/doctest.h>

#include <string>

TEST_CASE("descriptors are kept aside before any peer gets one") {
  struct Row {
    std::string why;
    std::size_t limit, stratum, http;
  };
  const Row rows[] = {
      {"plenty: everyone gets the most there can be", 524'288, 120'000, 1024},
      {"Debian's soft limit", 1024, 784, 112},
      {"just above the reserve", 136, 7, 1},
      {"the reserve itself", 128, 0, 0},
      {"less than the reserve", 20, 0, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto budget = pool::budget_descriptors(row.limit, 120'000, 1024);
    CHECK_EQ(budget.stratum_connections, row.stratum);
    CHECK_EQ(budget.http_connections, row.http);
  }
}
