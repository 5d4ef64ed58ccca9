// Natural: integers from 0 without a bound, for money times work: what payouts multiply does not
// fit 256 bits. Few operations, all exact; meant for thousands of them, not for millions.
//
// Errors: none; what would be negative or divide by zero is excluded by REQUIRES (each also an
//         ASSERT).
#pragma once

#include "common/base/u256.h"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace base {

class Natural {
 public:
  Natural() = default;
  explicit Natural(std::uint64_t value);
  explicit Natural(const U256& value);
  static Natural power_of_two(unsigned exponent);
  static Natural power_of_ten(unsigned exponent);

  // Digits only; nothing when it is not a number.
  static std::optional<Natural> from_decimal(std::string_view text);
  std::string decimal() const;
  std::optional<std::uint64_t> to_u64() const;  // nothing when it does not fit
  bool is_zero() const { return limbs_.empty(); }

  Natural& operator+=(const Natural& b);
  friend Natural operator+(Natural a, const Natural& b) { return a += b; }
  friend Natural operator-(const Natural& a, const Natural& b);  // REQUIRES: b <= a
  friend Natural operator*(const Natural& a, const Natural& b);
  friend Natural operator/(const Natural& a, const Natural& b);  // rounded down; REQUIRES: b > 0
  friend bool operator==(const Natural&, const Natural&) = default;
  friend std::strong_ordering operator<=>(const Natural& a, const Natural& b);

 private:
  std::uint32_t divide_small(std::uint32_t divisor);  // in place; the remainder
  void multiply_add_small(std::uint32_t factor, std::uint32_t addend);
  bool bit(std::size_t i) const;
  void trim();

  std::vector<std::uint32_t> limbs_;  // least significant first; none is a leading zero
};

}  // namespace base
