#include "common/bitcoin/target.h"

#include "common/base/assert.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace bitcoin {
namespace {

__extension__ using uint128 = unsigned __int128;

using base::U256;

constexpr std::uint64_t difficulty1_mantissa = 0xffff;  // difficulty-1 target is this << 208
constexpr int difficulty1_shift = 208;

std::strong_ordering compare_little_endian(const std::array<std::uint8_t, 32>& a,
                                           const std::array<std::uint8_t, 32>& b) {
  return std::lexicographical_compare_three_way(a.rbegin(), a.rend(), b.rbegin(), b.rend());
}

// floor(numerator * 2^shift / divisor). Long division, 64 bits at a time, since the shifted
// numerator may be wider than 256 bits. REQUIRES: the result fits, divisor > 0, 0 <= shift < 256
// + 63.
U256 divide_shifted(std::uint64_t numerator, int shift, std::uint64_t divisor) {
  std::array<std::uint64_t, 6> limbs{};  // least significant first
  const auto first = static_cast<std::size_t>(shift / 64);
  const uint128 shifted = uint128{numerator} << (shift % 64);
  limbs[first] = static_cast<std::uint64_t>(shifted);
  limbs[first + 1] = static_cast<std::uint64_t>(shifted >> 64);
  U256 quotient;
  std::uint64_t remainder = 0;
  for (std::size_t i = limbs.size(); i-- > 0;) {
    const uint128 dividend = uint128{remainder} << 64 | limbs[i];
    const auto digit = static_cast<std::uint64_t>(dividend / divisor);
    remainder = static_cast<std::uint64_t>(dividend % divisor);
    if (i < quotient.limbs.size()) {
      quotient.limbs[i] = digit;
    } else {
      ASSERT(digit == 0);
    }
  }
  return quotient;
}

// The product of a 64-bit and a 256-bit number, least significant limb first.
std::array<std::uint64_t, 5> multiply(std::uint64_t factor, const U256& value) {
  std::array<std::uint64_t, 5> product{};
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const uint128 sum = uint128{factor} * value.limbs[i] + carry;
    product[i] = static_cast<std::uint64_t>(sum);
    carry = static_cast<std::uint64_t>(sum >> 64);
  }
  product[4] = carry;
  return product;
}

// 0xFFFF * 2^208 / value as the nearest double. Zero counts as 1, to keep the answer finite.
// Every share passes here, so it is one step of long division, not 64 of bit by bit.
double difficulty_of(U256 value) {
  if (value.is_zero()) value = U256{1};
  // The divisor is shifted up until its highest bit is bit 255; the numerator, which is 0xFFFF in
  // its top 17 bits, is 2^63 times longer. Their ratio has 63 or 64 bits: with the last one set if
  // anything is left over, it rounds to a double as the exact ratio does.
  const int length = value.bit_length();
  const U256 divisor = value << (256 - length);
  const std::array<std::uint64_t, 5> numerator{0, 0, 0, 0, difficulty1_mantissa << 47};
  const auto more = [](const auto& a, const auto& b) {
    return std::lexicographical_compare(b.rbegin(), b.rend(), a.rbegin(), a.rend());
  };
  // Knuth, The Art of Computer Programming 4.3.1 D: from the leading limbs alone the quotient comes
  // out at most 2 too large.
  auto ratio = static_cast<std::uint64_t>((uint128{numerator[4]} << 64) / divisor.limbs[3]);
  auto product = multiply(ratio, divisor);
  while (more(product, numerator)) product = multiply(--ratio, divisor);
  if (product != numerator) ratio |= 1;
  return std::ldexp(static_cast<double>(ratio), difficulty1_shift + 16 - length - 63);
}

}  // namespace

base::Result<Difficulty, DifficultyError> Difficulty::from_double(double value) {
  if (std::isnan(value)) return base::err(DifficultyError::not_a_number);
  if (value < least || value > most) return base::err(DifficultyError::out_of_range);
  Difficulty difficulty;
  difficulty.value_ = value;
  return difficulty;
}

std::string Difficulty::text() const {
  std::array<char, 64> digits;  // the longest in range has 19 digits, or "0." and 33
  const auto [end, error] =
      std::to_chars(digits.data(), digits.data() + digits.size(), value_, std::chars_format::fixed);
  ASSERT(error == std::errc{});
  return std::string(digits.data(), end);
}

base::Result<Target256, CompactError> Target256::from_compact(std::uint32_t nbits) {
  constexpr std::uint32_t sign_bit = 0x00800000;

  // The number is mantissa * 256^(length - 3), so mantissa byte i stands at 256^(length - 3 + i).
  // A byte below 256^0 is cut off, as a right shift would; one above 256^31 does not fit.
  const std::uint32_t mantissa = nbits & (sign_bit - 1);
  const int length = static_cast<int>(nbits >> 24);
  Target256 target;
  bool is_zero = true;
  bool is_wide = false;
  for (int i = 0; i < 3; ++i) {
    const auto byte = static_cast<std::uint8_t>(mantissa >> (8 * i));
    const int place = length - 3 + i;
    if (byte == 0 || place < 0) continue;
    is_zero = false;
    if (place > 31) {
      is_wide = true;
    } else {
      target.bytes_[static_cast<std::size_t>(place)] = byte;
    }
  }
  if (is_zero) return base::err(CompactError::zero);
  if (nbits & sign_bit) return base::err(CompactError::negative);
  if (is_wide) return base::err(CompactError::overflow);
  return target;
}

Target256 Target256::from_difficulty(Difficulty difficulty) {
  // The double is exactly mantissa * 2^exponent, with a mantissa of 53 bits.
  constexpr int mantissa_bits = std::numeric_limits<double>::digits;
  int exponent = 0;
  const double fraction = std::frexp(difficulty.value(), &exponent);
  const auto mantissa = static_cast<std::uint64_t>(std::ldexp(fraction, mantissa_bits));
  const int shift = difficulty1_shift - (exponent - mantissa_bits);
  // Difficulty is in [2^-32, 2^63], so the target is at most 0xFFFF << 240 and never zero.
  ASSERT(mantissa > 0 && shift >= 0);
  return Target256(divide_shifted(difficulty1_mantissa, shift, mantissa).to_le_bytes());
}

bool Target256::admits(const std::array<std::uint8_t, 32>& hash) const {
  return compare_little_endian(hash, bytes_) <= 0;
}

double Target256::difficulty() const { return difficulty_of(U256::from_le_bytes(bytes_)); }

base::U256 Target256::work() const {
  // 2^256 itself does not fit, but 2^256 / (t + 1) = (2^256 - t - 1) / (t + 1) + 1 = ~t / (t + 1)
  // + 1.
  const U256 target = U256::from_le_bytes(bytes_);
  if (target.is_zero()) return U256::max();
  const U256 successor = target + U256{1};
  if (successor.is_zero()) return U256{1};
  return ~target / successor + U256{1};
}

std::uint32_t Target256::to_compact() const {
  const U256 target = U256::from_le_bytes(bytes_);
  int length = (target.bit_length() + 7) / 8;
  const U256 cut = length <= 3 ? target << (8 * (3 - length)) : target >> (8 * (length - 3));
  auto mantissa = static_cast<std::uint32_t>(cut.limbs[0]);
  if (mantissa & 0x00800000) {  // it would read as a sign
    mantissa >>= 8;
    ++length;
  }
  return static_cast<std::uint32_t>(length) << 24 | mantissa;
}

std::string Target256::display_hex() const { return base::to_reversed_hex(bytes_); }

std::strong_ordering operator<=>(const Target256& a, const Target256& b) {
  return compare_little_endian(a.bytes_, b.bytes_);
}

Difficulty hardest_share(const Target256& network) {
  const double nearest = std::clamp(network.difficulty(), Difficulty::least, Difficulty::most);
  const Difficulty difficulty = *Difficulty::from_double(nearest);
  if (nearest == Difficulty::least || Target256::from_difficulty(difficulty) >= network) {
    return difficulty;
  }
  return *Difficulty::from_double(std::nextafter(nearest, 0.0));
}

double hash_difficulty(const std::array<std::uint8_t, 32>& hash) {
  return difficulty_of(U256::from_le_bytes(hash));
}

}  // namespace bitcoin
