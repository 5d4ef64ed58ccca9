#include "common/coherence/lucas.h"

#include <bit>

namespace coherence {
namespace {

constexpr std::uint64_t golden_multiplier = 0x9E3779B97F4A7C15;  // 2^64 / phi, made odd
constexpr std::uint64_t golden_divisor = 0xF1DE83E19937733D;
static_assert(golden_multiplier * golden_divisor == 1, "modulo 2^64");

constexpr std::uint64_t schedule_length = 24;  // Pisano period of the Lucas numbers modulo 9

}  // namespace

std::uint32_t lucas(std::uint32_t n) {
  // (L_k, L_k+1) for k = the leading bits of n. Doubling: L_2k = L_k^2 - 2 (-1)^k,
  // L_2k+1 = L_k L_k+1 - (-1)^k.
  std::uint32_t low = 2;
  std::uint32_t high = 1;
  std::uint32_t sign = 1;  // (-1)^k
  for (int bit = static_cast<int>(std::bit_width(n)) - 1; bit >= 0; --bit) {
    const std::uint32_t middle = low * high - sign;
    if ((n >> bit & 1) == 0) {
      low = low * low - 2 * sign;
      high = middle;
      sign = 1;
    } else {
      high = high * high + 2 * sign;
      low = middle;
      sign = ~std::uint32_t{0};
    }
  }
  return low;
}

std::uint64_t golden(std::uint64_t a) { return a * golden_multiplier; }

std::uint64_t golden_inverse(std::uint64_t a) { return a * golden_divisor; }

std::uint32_t nonce_of(std::uint64_t attempt) {
  const std::uint32_t index = lucas(static_cast<std::uint32_t>(attempt % schedule_length));
  return lucas(index) ^ static_cast<std::uint32_t>(golden(attempt) >> 32);
}

}  // namespace coherence
