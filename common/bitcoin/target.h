// Proof-of-work targets: what a block or share hash must not exceed.
//
// A hash satisfies a target when, read as a 256-bit little-endian integer, hash <= target. Bitcoin
// writes targets in three forms; this header is the only place that converts between them.
//
//   nbits       4 bytes in a header: length in the top byte, then a 23-bit mantissa
//   target      the 256-bit integer itself
//   difficulty  difficulty-1 target / target, a ratio without unit; difficulty 1 is 0xFFFF << 208
//
// Units:  bytes are little-endian, least significant first, the order sha256d() returns.
// Errors: from_compact() rejects what consensus rejects: negative, zero, wider than 256 bits.
// Source: Bitcoin Core, src/arith_uint256.cpp (SetCompact, GetCompact) and src/pow.cpp
//         (CheckProofOfWork), src/chain.cpp (GetBlockProof).
#pragma once

#include "common/base/result.h"
#include "common/base/u256.h"

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace bitcoin {

enum class CompactError { negative, zero, overflow };
enum class DifficultyError { not_a_number, out_of_range };

// An assigned or suggested share difficulty: an IEEE double in [2^-32, 2^63].
class Difficulty {
 public:
  static constexpr double least = 1.0 / 4294967296.0;
  static constexpr double most = 9223372036854775808.0;

  Difficulty() = default;  // 1
  [[nodiscard]] static base::Result<Difficulty, DifficultyError> from_double(double value);

  double value() const { return value_; }
  // As mining.set_difficulty needs it: the shortest decimals that read back the same, whole numbers
  // in full, no exponent, no ".0" (stratum practice; a "1024.0" once reached a proxy as 0).
  std::string text() const;

  friend auto operator<=>(const Difficulty&, const Difficulty&) = default;

 private:
  double value_ = 1.0;
};

class Target256 {
 public:
  Target256() = default;  // zero: admits only a zero hash
  explicit Target256(const std::array<std::uint8_t, 32>& little_endian) : bytes_(little_endian) {}

  [[nodiscard]] static base::Result<Target256, CompactError> from_compact(std::uint32_t nbits);
  // floor(0xFFFF * 2^208 / d) with the exact value of the double d: at most 0xFFFF << 240, since a
  // difficulty is at least 2^-32.
  static Target256 from_difficulty(Difficulty difficulty);

  // True when `hash` is low enough to satisfy this target.
  bool admits(const std::array<std::uint8_t, 32>& hash) const;
  // 0xFFFF * 2^208 / target as the nearest double: for people, never for a verdict. Zero counts
  // as 1.
  double difficulty() const;
  // Expected hashes to meet it: 2^256 / (target + 1), rounded down; exact (2^256 - 1 for target 0).
  base::U256 work() const;
  // The nbits form, mantissa cut as Core cuts it.
  std::uint32_t to_compact() const;
  std::string display_hex() const;  // most significant byte first

  friend std::strong_ordering operator<=>(const Target256& a, const Target256& b);
  friend bool operator==(const Target256&, const Target256&) = default;

  const std::array<std::uint8_t, 32>& bytes() const { return bytes_; }

 private:
  std::array<std::uint8_t, 32> bytes_{};
};

// The hardest difficulty that every hash meets which meets `network`: what a pool may ask of a
// share without hiding blocks. Target256::difficulty(), but never rounded up.
Difficulty hardest_share(const Target256& network);

// The difficulty that `hash` happens to meet: 0xFFFF * 2^208 / hash, always finite. For people.
double hash_difficulty(const std::array<std::uint8_t, 32>& hash);

}  // namespace bitcoin
