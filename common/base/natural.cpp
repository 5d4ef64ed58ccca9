#include "common/base/natural.h"

#include "common/base/assert.h"

#include <algorithm>

namespace base {

Natural::Natural(std::uint64_t value)
    : limbs_{static_cast<std::uint32_t>(value), static_cast<std::uint32_t>(value >> 32U)} {
  trim();
}

Natural::Natural(const U256& value) {
  for (const std::uint64_t limb : value.limbs) {
    limbs_.push_back(static_cast<std::uint32_t>(limb));
    limbs_.push_back(static_cast<std::uint32_t>(limb >> 32U));
  }
  trim();
}

Natural Natural::power_of_two(unsigned exponent) {
  Natural power;
  power.limbs_.resize(exponent / 32 + 1);
  power.limbs_.back() = std::uint32_t{1} << (exponent % 32);
  return power;
}

Natural Natural::power_of_ten(unsigned exponent) {
  Natural power(1);
  for (unsigned i = 0; i < exponent; ++i) power.multiply_add_small(10, 0);
  return power;
}

std::optional<Natural> Natural::from_decimal(std::string_view text) {
  if (text.empty()) return std::nullopt;
  Natural value;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value.multiply_add_small(10, static_cast<std::uint32_t>(c - '0'));
  }
  return value;
}

std::string Natural::decimal() const {
  if (is_zero()) return "0";
  std::string digits;
  for (Natural rest = *this; !rest.is_zero();) {
    digits.push_back(static_cast<char>('0' + rest.divide_small(10)));
  }
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::optional<std::uint64_t> Natural::to_u64() const {
  if (limbs_.size() > 2) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = limbs_.size(); i-- > 0;) value = value << 32U | limbs_[i];
  return value;
}

Natural& Natural::operator+=(const Natural& b) {
  if (limbs_.size() < b.limbs_.size()) limbs_.resize(b.limbs_.size());
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < limbs_.size() && (carry != 0 || i < b.limbs_.size()); ++i) {
    carry += std::uint64_t{limbs_[i]} + (i < b.limbs_.size() ? b.limbs_[i] : 0U);
    limbs_[i] = static_cast<std::uint32_t>(carry);
    carry >>= 32U;
  }
  if (carry != 0) limbs_.push_back(static_cast<std::uint32_t>(carry));
  return *this;
}

Natural operator-(const Natural& a, const Natural& b) {
  ASSERT(b <= a);
  Natural result = a;
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < result.limbs_.size(); ++i) {
    const std::uint64_t less = borrow + (i < b.limbs_.size() ? b.limbs_[i] : 0U);
    borrow = result.limbs_[i] < less ? 1 : 0;
    result.limbs_[i] = static_cast<std::uint32_t>(result.limbs_[i] + (borrow << 32U) - less);
  }
  result.trim();
  return result;
}

Natural operator*(const Natural& a, const Natural& b) {
  Natural result;
  result.limbs_.resize(a.limbs_.size() + b.limbs_.size());
  for (std::size_t i = 0; i < a.limbs_.size(); ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < b.limbs_.size(); ++j) {
      carry += std::uint64_t{a.limbs_[i]} * b.limbs_[j] + result.limbs_[i + j];
      result.limbs_[i + j] = static_cast<std::uint32_t>(carry);
      carry >>= 32U;
    }
    result.limbs_[i + b.limbs_.size()] = static_cast<std::uint32_t>(carry);
  }
  result.trim();
  return result;
}

// Bit by bit, as by hand: short, and fast enough for what it is for.
Natural operator/(const Natural& a, const Natural& b) {
  ASSERT(!b.is_zero());
  Natural quotient;
  quotient.limbs_.resize(a.limbs_.size());
  Natural rest;
  for (std::size_t i = a.limbs_.size() * 32; i-- > 0;) {
    rest.multiply_add_small(2, a.bit(i) ? 1 : 0);
    if (rest < b) continue;
    rest = rest - b;
    quotient.limbs_[i / 32] |= std::uint32_t{1} << (i % 32);
  }
  quotient.trim();
  return quotient;
}

std::strong_ordering operator<=>(const Natural& a, const Natural& b) {
  if (a.limbs_.size() != b.limbs_.size()) return a.limbs_.size() <=> b.limbs_.size();
  return std::lexicographical_compare_three_way(a.limbs_.rbegin(), a.limbs_.rend(),
                                                b.limbs_.rbegin(), b.limbs_.rend());
}

std::uint32_t Natural::divide_small(std::uint32_t divisor) {
  std::uint64_t rest = 0;
  for (std::size_t i = limbs_.size(); i-- > 0;) {
    rest = rest << 32U | limbs_[i];
    limbs_[i] = static_cast<std::uint32_t>(rest / divisor);
    rest %= divisor;
  }
  trim();
  return static_cast<std::uint32_t>(rest);
}

void Natural::multiply_add_small(std::uint32_t factor, std::uint32_t addend) {
  std::uint64_t carry = addend;
  for (std::uint32_t& limb : limbs_) {
    carry += std::uint64_t{limb} * factor;
    limb = static_cast<std::uint32_t>(carry);
    carry >>= 32U;
  }
  if (carry != 0) limbs_.push_back(static_cast<std::uint32_t>(carry));
}

bool Natural::bit(std::size_t i) const { return (limbs_[i / 32] >> (i % 32) & 1U) != 0; }

void Natural::trim() {
  while (!limbs_.empty() && limbs_.back() == 0) limbs_.pop_back();
}

}  // namespace base
