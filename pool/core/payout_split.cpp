#include "pool/core/payout_split.h"

#include <algorithm>
#include <numeric>
#include <set>

#include <fmt/format.h>

namespace pool {

using base::Natural;

base::Result<std::vector<Natural>, std::string> split_by_largest_remainder(
    const Natural& amount, const std::vector<PayoutWeight>& weights) {
  Natural total;
  std::set<std::string_view> keys;
  for (const PayoutWeight& each : weights) {
    total += each.weight;
    if (!keys.insert(each.key).second) return base::err(each.key + " comes twice");
  }
  std::vector<Natural> parts(weights.size());
  if (amount.is_zero()) return parts;
  if (total.is_zero()) {
    return base::err(fmt::format("{} among weights that are all 0", amount.decimal()));
  }
  std::vector<Natural> remainders(weights.size());
  Natural left = amount;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const Natural product = amount * weights[i].weight;
    parts[i] = product / total;
    remainders[i] = product - parts[i] * total;
    left = left - parts[i];
  }
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (remainders[a] != remainders[b]) return remainders[a] > remainders[b];
    return weights[a].key < weights[b].key;  // std::string compares bytes, unsigned
  });
  for (std::size_t i = 0; !left.is_zero(); ++i) {
    parts[order[i]] += Natural(1);
    left = left - Natural(1);
  }
  return parts;
}

Natural part_per_million(const Natural& amount, std::uint32_t ppm) {
  return amount * Natural(ppm) / Natural(1'000'000);
}

base::Result<Natural, std::string> nbits_work(std::uint32_t nbits) {
  const unsigned size = nbits >> 24U;
  const std::uint32_t mantissa = nbits & 0x7fffffU;
  Natural target;
  if ((nbits & 0x800000U) == 0) {  // the sign
    target = size <= 3 ? Natural(mantissa >> (8 * (3 - size)))
                       : Natural(mantissa) * Natural::power_of_two(8 * (size - 3));
  }
  if (target.is_zero() || target >= Natural::power_of_two(256)) {
    return base::err(fmt::format("nbits {:08x} is no target", nbits));
  }
  return Natural::power_of_two(256) / (target + Natural(1));
}

base::Result<Natural, std::string> pplns_window_work(std::string_view window, const Natural& work) {
  const std::size_t point = window.find('.');
  std::string digits(window.substr(0, point));
  unsigned decimals = 0;
  if (point != std::string_view::npos) {
    const std::string_view behind = window.substr(point + 1);
    digits += behind;
    decimals = static_cast<unsigned>(behind.size());
  }
  const auto scaled = Natural::from_decimal(digits);
  if (!scaled || decimals > 100) return base::err(fmt::format("{} is no multiple", window));
  return *scaled * work / Natural::power_of_ten(decimals);
}

}  // namespace pool
