#include "miner/nonce_order.h"

#include <algorithm>
#include <iterator>

namespace miner {
namespace {

// A number of any length, modulo 2^32.
constexpr std::uint32_t modulo_2_32(std::string_view decimal) {
  std::uint32_t value = 0;
  for (const char digit : decimal) value = value * 10 + static_cast<std::uint32_t>(digit - '0');
  return value;
}

constexpr std::string_view bit_load =
    "2085008559933730227672257701643751630687560855441060179963388816545711852560567544430399922271"
    "28051932599645909";
static_assert(bit_load.size() == 111);

constexpr std::uint32_t sorrellian_step(std::uint32_t power, std::uint32_t iterations) {
  std::uint32_t product = iterations;
  for (std::uint32_t i = 0; i < power; ++i) product *= modulo_2_32(bit_load);
  return product | 1;
}

// The Lucas number L_n, which is odd unless 3 divides n.
constexpr std::uint64_t lucas_number(std::uint32_t n) {
  std::uint64_t before = 2;
  std::uint64_t value = 1;
  for (std::uint32_t i = 1; i < n; ++i) {
    const std::uint64_t next = before + value;
    before = value;
    value = next;
  }
  return value;
}
constexpr std::uint32_t lucas_step = static_cast<std::uint32_t>(lucas_number(46));
static_assert(lucas_number(46) < (std::uint64_t{1} << 32));
static_assert(lucas_number(47) > (std::uint64_t{1} << 32));

constexpr NonceOrder orders[] = {
    {"sequential", 1, "one after another"},
    {"golden", 0x9e3779b9, "the odd number nearest to 2^32 / 1.618..."},
    {"lucas", lucas_step, "L_46, the largest Lucas number of 32 bits"},
    {"families", sorrellian_step(95, 425'000), "Knuth-Sorrellian, BitLoad^95 x 425000"},
    {"lanes", sorrellian_step(100, 650'000), "Knuth-Sorrellian, BitLoad^100 x 650000"},
    {"strides", sorrellian_step(92, 512'000), "Knuth-Sorrellian, BitLoad^92 x 512000"},
    {"palette", sorrellian_step(80, 156'912), "Knuth-Sorrellian, BitLoad^80 x 156912"},
    {"sandbox", sorrellian_step(80, 156'912), "Knuth-Sorrellian, the same numbers as palette"},
};
static_assert(std::all_of(std::begin(orders), std::end(orders),
                          [](const NonceOrder& order) { return order.step % 2 == 1; }));

}  // namespace

std::span<const NonceOrder> nonce_orders() { return orders; }

const NonceOrder* find_nonce_order(std::string_view name) {
  if (name == "knuth-sorrellian") name = "families";
  const auto* const order = std::find_if(std::begin(orders), std::end(orders),
                                         [&](const NonceOrder& row) { return row.name == name; });
  return order == std::end(orders) ? nullptr : order;
}

}  // namespace miner
