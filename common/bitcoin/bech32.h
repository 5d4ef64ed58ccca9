// Bech32 and bech32m: a human-readable part, '1', and digits of five bits that end in a BCH
// checksum.
//
// The two forms differ in the constant that the checksum comes out as. Which of them an address
// must be in depends on its witness version (common/bitcoin/address.h).
//
// Source: BIP173, BIP350.
#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace bitcoin {

enum class Bech32Form { bech32, bech32m };
enum class Bech32Error { bad_character, mixed_case, bad_separator, bad_checksum };

inline constexpr std::size_t bech32_chars_max = 90;

struct Bech32 {
  Bech32Form form = Bech32Form::bech32;
  std::string human_readable_part;  // in lower case
  base::Bytes digits;               // each below 32; without the checksum
};

// REQUIRES: at most bech32_chars_max characters.
[[nodiscard]] base::Result<Bech32, Bech32Error> decode_bech32(std::string_view text);
// In lower case. REQUIRES: a human-readable part in lower case, digits below 32.
std::string encode_bech32(const Bech32& value);

// Digits of five bits to bytes; nullopt when what is left over is a whole digit or is not zero.
std::optional<base::Bytes> bytes_from_digits(base::ByteSpan digits);
// Bytes to digits of five bits, the last of them filled up with zero bits.
base::Bytes digits_from_bytes(base::ByteSpan bytes);

}  // namespace bitcoin
