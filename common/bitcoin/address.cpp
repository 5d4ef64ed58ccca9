#include "common/bitcoin/address.h"

#include "common/bitcoin/script.h"
#include "common/crypto/sha256.h"

#include <algorithm>
#include <optional>

namespace bitcoin {
namespace {

using base::Bytes;
using base::ByteSpan;

// No address form is longer: BIP173 ends at 90 characters, base58check far below.
constexpr std::size_t address_chars_max = 90;
constexpr std::size_t hash160_bytes = 20;

// Source: Bitcoin Core, kernel/chainparams.cpp (base58Prefixes, bech32_hrp).
struct NetworkRow {
  Network network;
  std::string_view name;
  std::string_view node_name;  // getblockchaininfo's "chain"
  std::uint8_t p2pkh_prefix;
  std::uint8_t p2sh_prefix;
  std::string_view human_readable_part;
};
constexpr NetworkRow networks[] = {
    {Network::mainnet, "mainnet", "main", 0, 5, "bc"},
    {Network::testnet, "testnet", "test", 111, 196, "tb"},
    {Network::testnet4, "testnet4", "testnet4", 111, 196, "tb"},
    {Network::signet, "signet", "signet", 111, 196, "tb"},
    {Network::regtest, "regtest", "regtest", 111, 196, "bcrt"},
};

const NetworkRow& row_of(Network network) { return networks[static_cast<std::size_t>(network)]; }

// --- base58check ---

constexpr std::string_view base58_digits =
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::size_t base58_checksum_bytes = 4;

// Base 58 to base 256, most significant first, one zero byte per leading '1'; nullopt on a
// character that is no digit. Quadratic, so only for texts of bounded length.
std::optional<Bytes> decode_base58(std::string_view text) {
  Bytes little_endian;
  for (char c : text) {
    const std::size_t digit = base58_digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    std::size_t carry = digit;
    for (auto& byte : little_endian) {
      carry += std::size_t{byte} * 58;
      byte = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    if (carry != 0) little_endian.push_back(static_cast<std::uint8_t>(carry));
  }
  const std::size_t zeros = std::min(text.find_first_not_of('1'), text.size());
  little_endian.insert(little_endian.end(), zeros, 0);
  std::reverse(little_endian.begin(), little_endian.end());
  return little_endian;
}

std::string encode_base58(ByteSpan bytes) {
  std::string digits;  // values at first, least significant first
  for (std::uint8_t byte : bytes) {
    std::size_t carry = byte;
    for (char& digit : digits) {
      carry += static_cast<std::size_t>(digit) * 256;
      digit = static_cast<char>(carry % 58);
      carry /= 58;
    }
    for (; carry != 0; carry /= 58) digits.push_back(static_cast<char>(carry % 58));
  }
  const auto zeros = std::find_if(bytes.begin(), bytes.end(), [](auto byte) { return byte != 0; });
  digits.append(static_cast<std::size_t>(zeros - bytes.begin()), 0);
  std::reverse(digits.begin(), digits.end());
  for (char& digit : digits) digit = base58_digits[static_cast<std::size_t>(digit)];
  return digits;
}

std::string encode_base58check(std::uint8_t prefix, ByteSpan hash) {
  Bytes bytes = {prefix};
  base::append(bytes, hash);
  const crypto::Digest checksum = crypto::sha256d(bytes);
  base::append(bytes, ByteSpan(checksum).first(base58_checksum_bytes));
  return encode_base58(bytes);
}

base::Result<Address, AddressError> parse_base58(std::string_view text, const NetworkRow& wanted) {
  const std::optional<Bytes> decoded = decode_base58(text);
  if (!decoded) return base::err(AddressError::bad_character);
  if (decoded->size() <= base58_checksum_bytes) return base::err(AddressError::bad_checksum);
  const ByteSpan payload = ByteSpan(*decoded).first(decoded->size() - base58_checksum_bytes);
  const ByteSpan checksum = ByteSpan(*decoded).last(base58_checksum_bytes);
  const crypto::Digest expected = crypto::sha256d(payload);
  if (!std::equal(checksum.begin(), checksum.end(), expected.begin())) {
    return base::err(AddressError::bad_checksum);
  }

  const std::uint8_t prefix = payload[0];
  const ByteSpan hash = payload.subspan(1);
  const bool known = std::any_of(std::begin(networks), std::end(networks), [&](const auto& row) {
    return prefix == row.p2pkh_prefix || prefix == row.p2sh_prefix;
  });
  if (!known) return base::err(AddressError::bad_version);
  if (hash.size() != hash160_bytes) return base::err(AddressError::bad_program_length);
  if (prefix == wanted.p2pkh_prefix) return Address{std::string(text), p2pkh_script(hash)};
  if (prefix == wanted.p2sh_prefix) return Address{std::string(text), p2sh_script(hash)};
  return base::err(AddressError::wrong_network);
}

// --- bech32 and bech32m ---

constexpr std::string_view bech32_digits = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t bech32_checksum_digits = 6;
constexpr std::uint32_t bech32_constant = 1;            // BIP173
constexpr std::uint32_t bech32m_constant = 0x2bc830a3;  // BIP350

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// The BCH code of BIP173 over the expanded prefix and all digits: the constant when all is well.
std::uint32_t bech32_checksum(std::string_view human_readable_part, ByteSpan digits) {
  constexpr std::uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                         0x2a1462b3};
  std::uint32_t checksum = 1;
  const auto feed = [&](std::uint32_t value) {
    const std::uint32_t top = checksum >> 25;
    checksum = (checksum & 0x1ffffff) << 5 ^ value;
    for (int i = 0; i < 5; ++i) {
      if (top >> i & 1) checksum ^= generator[i];
    }
  };
  for (char c : human_readable_part) feed(static_cast<std::uint8_t>(c) >> 5);
  feed(0);
  for (char c : human_readable_part) feed(static_cast<std::uint8_t>(c) & 31);
  for (std::uint8_t digit : digits) feed(digit);
  return checksum;
}

// Groups of five bits to bytes; nullopt when what is left over is a whole digit or not zero.
std::optional<Bytes> bytes_from_digits(ByteSpan digits) {
  Bytes bytes;
  std::uint32_t pending = 0;
  int pending_bits = 0;
  for (std::uint8_t digit : digits) {
    pending = (pending << 5 | digit) & 0xfff;
    pending_bits += 5;
    if (pending_bits < 8) continue;
    pending_bits -= 8;
    bytes.push_back(static_cast<std::uint8_t>(pending >> pending_bits));
  }
  const std::uint32_t padding = pending & ((1u << pending_bits) - 1);
  if (pending_bits > 4 || padding != 0) return std::nullopt;
  return bytes;
}

Bytes digits_from_bytes(ByteSpan bytes) {
  Bytes digits;
  std::uint32_t pending = 0;
  int pending_bits = 0;
  for (std::uint8_t byte : bytes) {
    pending = (pending << 8 | byte) & 0xfff;
    pending_bits += 8;
    for (; pending_bits >= 5; pending_bits -= 5) {
      digits.push_back(static_cast<std::uint8_t>(pending >> (pending_bits - 5) & 31));
    }
  }
  if (pending_bits > 0) {
    digits.push_back(static_cast<std::uint8_t>(pending << (5 - pending_bits) & 31));
  }
  return digits;
}

std::string encode_witness_address(std::string_view human_readable_part, std::uint8_t version,
                                   ByteSpan program) {
  Bytes digits = {version};
  base::append(digits, digits_from_bytes(program));
  Bytes checked = digits;
  checked.insert(checked.end(), bech32_checksum_digits, 0);
  const std::uint32_t constant = version == 0 ? bech32_constant : bech32m_constant;
  const std::uint32_t checksum = bech32_checksum(human_readable_part, checked) ^ constant;
  for (int shift = 25; shift >= 0; shift -= 5) {
    digits.push_back(static_cast<std::uint8_t>(checksum >> shift & 31));
  }
  std::string text = std::string(human_readable_part) + "1";
  for (std::uint8_t digit : digits) text.push_back(bech32_digits[digit]);
  return text;
}

// The rules of BIP141, BIP173 and BIP350 for what the digits before the checksum say.
base::Result<Bytes, AddressError> witness_script_of_digits(ByteSpan digits,
                                                           std::uint32_t constant) {
  if (digits.empty()) return base::err(AddressError::bad_program_length);
  const std::uint8_t version = digits[0];
  if (version > 16) return base::err(AddressError::bad_version);
  if ((version == 0) != (constant == bech32_constant)) {
    return base::err(AddressError::wrong_encoding);
  }
  const std::optional<Bytes> program = bytes_from_digits(digits.subspan(1));
  if (!program) return base::err(AddressError::bad_padding);
  const std::size_t size = program->size();
  if (size < 2 || size > 40 || (version == 0 && size != 20 && size != 32)) {
    return base::err(AddressError::bad_program_length);
  }
  return witness_script(version, *program);
}

// REQUIRES: `separator` is the place of a '1' in `text`.
base::Result<Address, AddressError> parse_bech32(std::string_view text, std::size_t separator,
                                                 const NetworkRow& wanted) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
  const bool has_upper = lower != text;
  const bool has_lower =
      std::any_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (has_upper && has_lower) return base::err(AddressError::mixed_case);

  const std::string_view human_readable_part = std::string_view(lower).substr(0, separator);
  Bytes digits;
  for (char c : std::string_view(lower).substr(separator + 1)) {
    const std::size_t digit = bech32_digits.find(c);
    if (digit == std::string_view::npos) return base::err(AddressError::bad_character);
    digits.push_back(static_cast<std::uint8_t>(digit));
  }
  const std::uint32_t constant = bech32_checksum(human_readable_part, digits);
  if (digits.size() < bech32_checksum_digits ||
      (constant != bech32_constant && constant != bech32m_constant)) {
    return base::err(AddressError::bad_checksum);
  }

  auto script = witness_script_of_digits(
      ByteSpan(digits).first(digits.size() - bech32_checksum_digits), constant);
  if (!script) return base::err(script.error());
  if (human_readable_part != wanted.human_readable_part) {
    return base::err(AddressError::wrong_network);
  }
  return Address{std::move(lower), std::move(*script)};
}

// Where a text that begins with the human-readable part of one of our networks and a '1' has that
// '1'. No base58 address begins so.
std::optional<std::size_t> known_separator(std::string_view text) {
  const std::size_t separator = text.find('1');
  if (separator == std::string_view::npos) return std::nullopt;
  std::string prefix(text.substr(0, separator));
  std::transform(prefix.begin(), prefix.end(), prefix.begin(), to_lower);
  const bool known = std::any_of(std::begin(networks), std::end(networks), [&](const auto& row) {
    return prefix == row.human_readable_part;
  });
  return known ? std::optional(separator) : std::nullopt;
}

}  // namespace

std::string_view network_name(Network network) { return row_of(network).name; }

bool network_from_name(std::string_view name, Network& out) {
  for (const NetworkRow& row : networks) {
    if (name != row.name && name != row.node_name) continue;
    out = row.network;
    return true;
  }
  return false;
}

std::string_view describe(AddressError error) {
  switch (error) {
    case AddressError::empty:
      return "it is empty";
    case AddressError::too_long:
      return "it is longer than any address";
    case AddressError::bad_character:
      return "it has a character that no address has";
    case AddressError::mixed_case:
      return "it mixes upper and lower case";
    case AddressError::bad_checksum:
      return "its checksum does not match";
    case AddressError::wrong_network:
      return "it belongs to another network";
    case AddressError::bad_version:
      return "its prefix or witness version is not one of an address";
    case AddressError::bad_padding:
      return "the bits after its witness program are not zero";
    case AddressError::bad_program_length:
      return "the length of its hash does not fit its kind";
    case AddressError::wrong_encoding:
      return "its checksum is of the wrong kind for its witness version (bech32 or bech32m)";
  }
  return "for an unknown reason";
}

base::Result<Address, AddressError> parse_address(std::string_view text, Network network) {
  const NetworkRow& wanted = row_of(network);
  if (text.empty()) return base::err(AddressError::empty);
  if (text.size() > address_chars_max) return base::err(AddressError::too_long);
  if (const auto separator = known_separator(text)) {
    return parse_bech32(text, *separator, wanted);
  }
  return parse_base58(text, wanted);
}

std::string address_of_script(ByteSpan script, Network network) {
  const NetworkRow& row = row_of(network);
  const auto is = [&](const Bytes& standard) {
    return std::equal(script.begin(), script.end(), standard.begin(), standard.end());
  };
  // A standard script is recognised by building it again from the bytes where its hash would be.
  if (script.size() == 25 && is(p2pkh_script(script.subspan(3, hash160_bytes)))) {
    return encode_base58check(row.p2pkh_prefix, script.subspan(3, hash160_bytes));
  }
  if (script.size() == 23 && is(p2sh_script(script.subspan(2, hash160_bytes)))) {
    return encode_base58check(row.p2sh_prefix, script.subspan(2, hash160_bytes));
  }
  if (script.size() < 4 || script.size() > 42) return {};
  const ByteSpan program = script.subspan(2);
  const bool numbered = script[0] == 0 || (script[0] >= 0x51 && script[0] <= 0x60);
  if (!numbered || script[1] != program.size()) return {};
  const auto version = static_cast<std::uint8_t>(script[0] == 0 ? 0 : script[0] - 0x50);
  if (version == 0 && program.size() != 20 && program.size() != 32) return {};
  return encode_witness_address(row.human_readable_part, version, program);
}

}  // namespace bitcoin
