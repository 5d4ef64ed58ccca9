#include "common/coherence/difficulty.h"

#include "common/base/assert.h"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace coherence {
namespace {

__extension__ using Wide = unsigned __int128;

using base::U256;

constexpr std::uint64_t one = 65536;  // a factor of 1

// X_k = 2^30 * 2^(2^-k): the roots that a power of two with a fraction is multiplied from.
constexpr std::array<std::uint64_t, 16> roots_of_two{
    1518500249, 1276901416, 1170923761, 1121280435, 1097253708, 1085434105, 1079572135, 1076653033,
    1075196443, 1074468887, 1074105294, 1073923543, 1073832680, 1073787251, 1073764537, 1073753180};

// min(floor(numerator * 2^256 / divisor), 2^256 - 1), one bit at a time.
U256 shifted_quotient(std::uint64_t numerator, const U256& divisor) {
  U256 remainder{numerator};
  if (remainder >= divisor) return U256::max();
  U256 quotient;
  for (int bit = 255; bit >= 0; --bit) {
    const bool carry = remainder.limbs[3] >> 63 != 0;
    remainder = remainder << 1;
    if (!carry && remainder < divisor) continue;
    remainder = remainder - divisor;
    quotient.limbs[static_cast<std::size_t>(bit / 64)] |= std::uint64_t{1} << (bit % 64);
  }
  return quotient;
}

// min(floor(value * numerator / denominator), 2^256 - 1).
U256 scaled(const U256& value, std::uint64_t numerator, std::uint64_t denominator) {
  std::array<std::uint64_t, 5> product{};
  for (std::size_t i = 0; i < value.limbs.size(); ++i) {
    const Wide part = Wide{value.limbs[i]} * numerator + product[i];
    product[i] = static_cast<std::uint64_t>(part);
    product[i + 1] = static_cast<std::uint64_t>(part >> 64);
  }
  U256 quotient;
  std::uint64_t remainder = 0;
  for (std::size_t i = product.size(); i-- > 0;) {
    const Wide part = Wide{remainder} << 64 | product[i];
    const auto digit = static_cast<std::uint64_t>(part / denominator);
    remainder = static_cast<std::uint64_t>(part % denominator);
    if (i < quotient.limbs.size()) {
      quotient.limbs[i] = digit;
    } else if (digit != 0) {
      return U256::max();
    }
  }
  return quotient;
}

// log2(q / 65536) in 1/65536. REQUIRES: 0 < q < 2^32.
std::int64_t binary_logarithm(std::uint64_t q) {
  const int n = static_cast<int>(std::bit_width(q)) - 1;
  std::uint64_t m = q << (31 - n);
  std::int64_t fraction = 0;
  for (int k = 1; k <= 16; ++k) {
    m = m * m >> 31;
    if (m >= std::uint64_t{1} << 32) {
      m >>= 1;
      fraction |= std::int64_t{1} << (16 - k);
    }
  }
  return std::int64_t{n - 16} * 65536 + fraction;
}

// 65536 * 2^(e / 65536). REQUIRES: -131072 <= e <= 131072.
std::uint32_t power_of_two(std::int64_t e) {
  const auto whole = static_cast<int>(e >> 16);
  const auto fraction = static_cast<std::uint64_t>(e & 0xffff);
  std::uint64_t y = std::uint64_t{1} << 30;
  for (std::size_t k = 1; k <= roots_of_two.size(); ++k) {
    if ((fraction >> (16 - k) & 1) != 0) y = y * roots_of_two[k - 1] >> 30;
  }
  y = whole >= 0 ? y << whole : y >> -whole;
  return static_cast<std::uint32_t>(y >> 14);
}

}  // namespace

constinit const std::array<std::uint32_t, 6> rounds_per_bloom{1346,   3085,    13312,
                                                              110500, 1162000, 15100000};

bool meets(const crypto::Digest& work_hash, const base::U256& target) {
  return U256::from_le_bytes(work_hash) < target;
}

base::U256 work_of(std::uint32_t level, const base::U256& target) {
  ASSERT(level < rounds_per_bloom.size() && !target.is_zero());
  return shifted_quotient(rounds_per_bloom[level], target);
}

base::U256 target_of_hash_difficulty(const base::U256& hash_difficulty) {
  ASSERT(!hash_difficulty.is_zero());
  return shifted_quotient(1, hash_difficulty);
}

std::uint32_t retarget_factor(std::uint64_t actual_seconds, std::uint64_t expected_seconds) {
  constexpr std::int64_t damping = 40503;     // 1 / phi in 1/65536
  constexpr std::int64_t e_most = 2 * 65536;  // a factor of at most 4, at least 1/4
  constexpr std::uint64_t q_most = 0xffffffff;
  const Wide ratio = Wide{expected_seconds} * one / std::max<std::uint64_t>(actual_seconds, 1);
  const auto q = static_cast<std::uint64_t>(std::clamp<Wide>(ratio, 1, q_most));
  const std::int64_t e = (binary_logarithm(q) * damping) >> 16;
  return power_of_two(std::clamp(e, -e_most, e_most));
}

base::U256 retargeted(const base::U256& target, std::uint32_t factor) {
  ASSERT(factor > 0);
  return scaled(target, one, factor);
}

base::U256 relevelled(const base::U256& target, std::uint32_t from_level, std::uint32_t to_level) {
  ASSERT(from_level < rounds_per_bloom.size() && to_level < rounds_per_bloom.size());
  return scaled(target, rounds_per_bloom[to_level], rounds_per_bloom[from_level]);
}

}  // namespace coherence
