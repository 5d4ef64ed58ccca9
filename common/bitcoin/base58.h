// Base58check: the text form of addresses from before segwit, a prefix byte and a hash with four
// bytes of sha256d as checksum.
// Source: Bitcoin developer reference, "Address conversion"; Bitcoin Core, base58.cpp.
#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace bitcoin {

enum class Base58Error { bad_character, bad_checksum };

// Base 58 to bytes, one leading zero byte per leading '1'; nullopt on a character that is no digit.
// Takes time quadratic in the text's length, which the caller bounds.
std::optional<base::Bytes> decode_base58(std::string_view text);
std::string encode_base58(base::ByteSpan bytes);

// The bytes before the checksum: at least one.
[[nodiscard]] base::Result<base::Bytes, Base58Error> decode_base58check(std::string_view text);
std::string encode_base58check(base::ByteSpan payload);

}  // namespace bitcoin
