// U256: an unsigned 256-bit integer, just the operations that targets and work need, all exact.
//
// Units:  limbs are least significant first.
// Errors: none; what would not fit is excluded by REQUIRES (each also an ASSERT).
#pragma once

#include "common/base/bytes.h"

#include <array>
#include <compare>
#include <cstdint>
#include <string>

namespace base {

struct U256 {
  std::array<std::uint64_t, 4> limbs{};

  constexpr U256() = default;
  constexpr explicit U256(std::uint64_t low) : limbs{low, 0, 0, 0} {}

  static U256 max();
  static U256 from_le_bytes(const std::array<std::uint8_t, 32>& bytes);
  std::array<std::uint8_t, 32> to_le_bytes() const;

  bool is_zero() const;
  int bit_length() const;  // 0 for zero
  // Decimal digits, no sign, no leading zero: PostgreSQL's numeric reads it exactly.
  std::string decimal() const;
  // The parse of decimal(): digits only, no sign; false when it is not a number or does not fit.
  [[nodiscard]] static bool from_decimal(std::string_view text, U256& out);
  // Nearest double, for display only.
  double to_double() const;

  U256 operator~() const;
  friend bool operator==(const U256&, const U256&) = default;
  friend std::strong_ordering operator<=>(const U256& a, const U256& b);
  friend U256 operator<<(const U256& a, int bits);
  friend U256 operator>>(const U256& a, int bits);
  friend U256 operator+(const U256& a, const U256& b);  // modulo 2^256
  friend U256 operator-(const U256& a, const U256& b);  // modulo 2^256
  // Quotient, rounded down. REQUIRES: divisor is not zero.
  friend U256 operator/(const U256& a, const U256& divisor);
};

}  // namespace base
