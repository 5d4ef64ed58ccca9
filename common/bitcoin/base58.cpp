#include "common/bitcoin/base58.h"

#include "common/crypto/sha256.h"

#include <algorithm>

namespace bitcoin {
namespace {

// No zero, no capital O and I, no small l.
constexpr std::string_view digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::size_t checksum_bytes = 4;

}  // namespace

std::optional<base::Bytes> decode_base58(std::string_view text) {
  base::Bytes bytes;  // least significant first
  for (char c : text) {
    const std::size_t digit = digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    std::size_t carry = digit;
    for (auto& byte : bytes) {
      carry += std::size_t{byte} * 58;
      byte = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    if (carry != 0) bytes.push_back(static_cast<std::uint8_t>(carry));
  }
  const std::size_t zeros = std::min(text.find_first_not_of('1'), text.size());
  bytes.insert(bytes.end(), zeros, 0);
  std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

std::string encode_base58(base::ByteSpan bytes) {
  std::string text;  // digit values until the end, least significant first
  for (std::uint8_t byte : bytes) {
    std::size_t carry = byte;
    for (char& digit : text) {
      carry += static_cast<std::size_t>(digit) * 256;
      digit = static_cast<char>(carry % 58);
      carry /= 58;
    }
    for (; carry != 0; carry /= 58) text.push_back(static_cast<char>(carry % 58));
  }
  const auto nonzero =
      std::find_if(bytes.begin(), bytes.end(), [](auto byte) { return byte != 0; });
  text.append(static_cast<std::size_t>(nonzero - bytes.begin()), 0);
  std::reverse(text.begin(), text.end());
  for (char& digit : text) digit = digits[static_cast<std::size_t>(digit)];
  return text;
}

base::Result<base::Bytes, Base58Error> decode_base58check(std::string_view text) {
  std::optional<base::Bytes> bytes = decode_base58(text);
  if (!bytes) return base::err(Base58Error::bad_character);
  if (bytes->size() <= checksum_bytes) return base::err(Base58Error::bad_checksum);
  const base::Bytes checksum(bytes->end() - checksum_bytes, bytes->end());
  bytes->resize(bytes->size() - checksum_bytes);
  const crypto::Digest expected = crypto::sha256d(*bytes);
  if (!std::equal(checksum.begin(), checksum.end(), expected.begin())) {
    return base::err(Base58Error::bad_checksum);
  }
  return std::move(*bytes);
}

std::string encode_base58check(base::ByteSpan payload) {
  base::Bytes bytes(payload.begin(), payload.end());
  const crypto::Digest checksum = crypto::sha256d(payload);
  base::append(bytes, base::ByteSpan(checksum).first(checksum_bytes));
  return encode_base58(bytes);
}

}  // namespace bitcoin
