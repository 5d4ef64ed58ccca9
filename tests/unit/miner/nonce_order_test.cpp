// The orders' steps against figures computed elsewhere, and that each order is a permutation.
#include "miner/nonce_order.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace miner {
namespace {

TEST_CASE("the steps are those of their formulas, computed with integers of any length") {
  // Python: (pow(BITLOAD, power, 2**32) * iterations % 2**32) | 1; L_46 by adding up.
  struct Row {
    std::string_view name;
    std::uint32_t step;
  };
  const Row rows[] = {
      {"sequential", 1},           {"golden", 2'654'435'769},  {"lucas", 4'106'118'243},
      {"families", 4'080'784'265}, {"lanes", 2'316'774'929},   {"strides", 2'378'223'617},
      {"palette", 3'091'196'145},  {"sandbox", 3'091'196'145},
  };
  CHECK_EQ(nonce_orders().size(), std::size(rows));
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const NonceOrder* order = find_nonce_order(row.name);
    REQUIRE_NE(order, nullptr);
    CHECK_EQ(order->name, row.name);
    CHECK_EQ(order->step, row.step);
  }
  REQUIRE_NE(find_nonce_order("knuth-sorrellian"), nullptr);
  CHECK_EQ(find_nonce_order("knuth-sorrellian")->name, "families");
  CHECK_EQ(find_nonce_order("all"), nullptr);
  CHECK_EQ(find_nonce_order(""), nullptr);
}

// By Newton's iteration: each turn doubles the bits that are right.
std::uint32_t inverse_of(std::uint32_t odd) {
  std::uint32_t inverse = odd;  // right to 3 bits
  for (int turn = 0; turn < 4; ++turn) inverse *= 2 - odd * inverse;
  return inverse;
}

TEST_CASE("every order is a permutation of the 2^32 nonces") {
  for (const NonceOrder& order : nonce_orders()) {
    CAPTURE(order.name);
    // k * step = nonce has one solution for each nonce: k = nonce * inverse.
    CHECK_EQ(order.step * inverse_of(order.step), 1);
    // And so seen by counting, where the space is small: the low 16 bits of k * step depend on
    // those of k alone.
    std::vector<std::uint32_t> times(1 << 16, 0);
    for (std::uint32_t k = 0; k < times.size(); ++k) ++times[k * order.step & 0xffff];
    CHECK(std::all_of(times.begin(), times.end(), [](std::uint32_t n) { return n == 1; }));
  }
}

TEST_CASE("an even step would leave nonces out, so the check above can fail") {
  const std::uint32_t even = 0x9e3779b8;
  CHECK_NE(even * inverse_of(even), 1);
}

}  // namespace
}  // namespace miner
