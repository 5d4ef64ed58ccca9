#include "common/base/u256.h"

#include "common/base/assert.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace base {
namespace {

__extension__ using Wide = unsigned __int128;

// value / divisor in place; returns the remainder. REQUIRES: divisor > 0.
std::uint64_t divide_small(U256& value, std::uint64_t divisor) {
  std::uint64_t remainder = 0;
  for (std::size_t i = 4; i-- > 0;) {
    const Wide part = Wide{remainder} << 64 | value.limbs[i];
    value.limbs[i] = static_cast<std::uint64_t>(part / divisor);
    remainder = static_cast<std::uint64_t>(part % divisor);
  }
  return remainder;
}

// value * factor + addend in place; returns what is carried out of 256 bits.
std::uint64_t multiply_add_small(U256& value, std::uint64_t factor, std::uint64_t addend) {
  std::uint64_t carry = addend;
  for (auto& limb : value.limbs) {
    const Wide part = Wide{limb} * factor + carry;
    limb = static_cast<std::uint64_t>(part);
    carry = static_cast<std::uint64_t>(part >> 64);
  }
  return carry;
}

}  // namespace

U256 U256::max() { return ~U256{}; }

U256 U256::from_le_bytes(const std::array<std::uint8_t, 32>& bytes) {
  U256 value;
  for (std::size_t i = 0; i < 4; ++i) value.limbs[i] = read_le64(ByteSpan(bytes).subspan(8 * i));
  return value;
}

std::array<std::uint8_t, 32> U256::to_le_bytes() const {
  std::array<std::uint8_t, 32> bytes;
  for (std::size_t i = 0; i < 4; ++i) write_le64(std::span(bytes).subspan(8 * i), limbs[i]);
  return bytes;
}

bool U256::is_zero() const { return *this == U256{}; }

int U256::bit_length() const {
  for (std::size_t i = 4; i-- > 0;) {
    if (limbs[i] != 0) return static_cast<int>(64 * i) + 64 - std::countl_zero(limbs[i]);
  }
  return 0;
}

std::string U256::decimal() const {
  std::string reversed;
  U256 rest = *this;
  do {
    reversed.push_back(static_cast<char>('0' + divide_small(rest, 10)));
  } while (!rest.is_zero());
  std::reverse(reversed.begin(), reversed.end());
  return reversed;
}

bool U256::from_decimal(std::string_view text, U256& out) {
  if (text.empty()) return false;
  U256 value;
  for (char c : text) {
    if (c < '0' || c > '9') return false;
    if (multiply_add_small(value, 10, static_cast<std::uint64_t>(c - '0')) != 0) return false;
  }
  out = value;
  return true;
}

double U256::to_double() const {
  const int length = bit_length();
  if (length <= 64) return static_cast<double>(limbs[0]);
  // The top 64 bits hold a double's 53 and the rounding; a last bit that says "and something more"
  // keeps a value just above half-way from being rounded as a tie.
  const int dropped = length - 64;
  const U256 top = *this >> dropped;
  const std::uint64_t more = (top << dropped) == *this ? 0 : 1;
  return std::ldexp(static_cast<double>(top.limbs[0] | more), dropped);
}

U256 U256::operator~() const {
  U256 result;
  for (std::size_t i = 0; i < 4; ++i) result.limbs[i] = ~limbs[i];
  return result;
}

std::strong_ordering operator<=>(const U256& a, const U256& b) {
  return std::lexicographical_compare_three_way(a.limbs.rbegin(), a.limbs.rend(), b.limbs.rbegin(),
                                                b.limbs.rend());
}

U256 operator<<(const U256& a, int bits) {
  ASSERT(bits >= 0);
  if (bits >= 256) return U256{};
  const auto whole = static_cast<std::size_t>(bits / 64);
  const int part = bits % 64;
  U256 result;
  for (std::size_t i = whole; i < 4; ++i) {
    result.limbs[i] = a.limbs[i - whole] << part;
    if (part != 0 && i > whole) result.limbs[i] |= a.limbs[i - whole - 1] >> (64 - part);
  }
  return result;
}

U256 operator>>(const U256& a, int bits) {
  ASSERT(bits >= 0);
  if (bits >= 256) return U256{};
  const auto whole = static_cast<std::size_t>(bits / 64);
  const int part = bits % 64;
  U256 result;
  for (std::size_t i = 0; i + whole < 4; ++i) {
    result.limbs[i] = a.limbs[i + whole] >> part;
    if (part != 0 && i + whole + 1 < 4) result.limbs[i] |= a.limbs[i + whole + 1] << (64 - part);
  }
  return result;
}

U256 operator+(const U256& a, const U256& b) {
  U256 result;
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const Wide sum = Wide{a.limbs[i]} + b.limbs[i] + carry;
    result.limbs[i] = static_cast<std::uint64_t>(sum);
    carry = static_cast<std::uint64_t>(sum >> 64);
  }
  return result;
}

U256 operator-(const U256& a, const U256& b) { return a + ~b + U256{1}; }

U256 operator/(const U256& a, const U256& divisor) {
  ASSERT(!divisor.is_zero());
  // Schoolbook, one bit at a time from the highest that the quotient can have. The shifted divisor
  // fits, since it is never longer than the dividend.
  U256 quotient;
  U256 remainder = a;
  for (int bit = a.bit_length() - divisor.bit_length(); bit >= 0; --bit) {
    const U256 shifted = divisor << bit;
    if (shifted > remainder) continue;
    remainder = remainder - shifted;
    quotient.limbs[static_cast<std::size_t>(bit / 64)] |= std::uint64_t{1} << (bit % 64);
  }
  return quotient;
}

}  // namespace base
