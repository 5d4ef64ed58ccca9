#include "common/bitcoin/address.h"

#include "common/bitcoin/base58.h"
#include "common/bitcoin/bech32.h"
#include "common/bitcoin/script.h"

#include <algorithm>

namespace bitcoin {
namespace {

using base::Bytes;
using base::ByteSpan;

constexpr std::size_t hash160_bytes = 20;

// Source: Bitcoin Core, kernel/chainparams.cpp (base58Prefixes, bech32_hrp).
struct NetworkRow {
  Network network;
  std::uint8_t p2pkh_prefix;
  std::uint8_t p2sh_prefix;
  std::string_view human_readable_part;
  std::string_view name;
  std::string_view node_name;  // getblockchaininfo's "chain"
};
constexpr NetworkRow networks[] = {
    {Network::mainnet, 0, 5, "bc", "mainnet", "main"},
    {Network::testnet, 111, 196, "tb", "testnet", "test"},
    {Network::testnet4, 111, 196, "tb", "testnet4", "testnet4"},
    {Network::signet, 111, 196, "tb", "signet", "signet"},
    {Network::regtest, 111, 196, "bcrt", "regtest", "regtest"},
};

const NetworkRow& row_of(Network network) {
  return *std::find_if(std::begin(networks), std::end(networks),
                       [&](const NetworkRow& row) { return row.network == network; });
}

AddressError address_error(Base58Error error) {
  return error == Base58Error::bad_character ? AddressError::bad_character
                                             : AddressError::bad_checksum;
}

AddressError address_error(Bech32Error error) {
  switch (error) {
    case Bech32Error::mixed_case:
      return AddressError::mixed_case;
    case Bech32Error::bad_checksum:
      return AddressError::bad_checksum;
    case Bech32Error::bad_character:
    case Bech32Error::bad_separator:
      break;
  }
  return AddressError::bad_character;
}

base::Result<Address, AddressError> parse_base58_address(std::string_view text,
                                                         const NetworkRow& wanted) {
  const auto payload = decode_base58check(text);
  if (!payload) return base::err(address_error(payload.error()));
  const std::uint8_t prefix = payload->front();
  const ByteSpan hash = ByteSpan(*payload).subspan(1);
  const bool known = std::any_of(std::begin(networks), std::end(networks), [&](const auto& row) {
    return prefix == row.p2pkh_prefix || prefix == row.p2sh_prefix;
  });
  if (!known) return base::err(AddressError::bad_version);
  if (hash.size() != hash160_bytes) return base::err(AddressError::bad_program_length);
  if (prefix == wanted.p2pkh_prefix) return Address{std::string(text), p2pkh_script(hash)};
  if (prefix == wanted.p2sh_prefix) return Address{std::string(text), p2sh_script(hash)};
  return base::err(AddressError::wrong_network);
}

// BIP141: which witness versions and program lengths there are.
bool is_program_length(int version, std::size_t size) {
  return version == 0 ? size == 20 || size == 32 : size >= 2 && size <= 40;
}

// BIP350: version 0 keeps bech32, everything later is bech32m.
Bech32Form form_of(int version) { return version == 0 ? Bech32Form::bech32 : Bech32Form::bech32m; }

base::Result<Address, AddressError> parse_witness_address(std::string_view text,
                                                          const NetworkRow& wanted) {
  const auto decoded = decode_bech32(text);
  if (!decoded) return base::err(address_error(decoded.error()));
  if (decoded->digits.empty()) return base::err(AddressError::bad_program_length);
  const int version = decoded->digits[0];
  if (version > 16) return base::err(AddressError::bad_version);
  if (decoded->form != form_of(version)) return base::err(AddressError::wrong_encoding);
  const auto program = bytes_from_digits(ByteSpan(decoded->digits).subspan(1));
  if (!program) return base::err(AddressError::bad_padding);
  if (!is_program_length(version, program->size())) {
    return base::err(AddressError::bad_program_length);
  }
  if (decoded->human_readable_part != wanted.human_readable_part) {
    return base::err(AddressError::wrong_network);
  }
  return Address{encode_bech32(*decoded), witness_script(version, *program)};
}

// True for "bc1…", "tb1…" and "bcrt1…" in any case. No base58 address begins so.
bool looks_like_witness_address(std::string_view text) {
  return std::any_of(std::begin(networks), std::end(networks), [&](const NetworkRow& row) {
    const std::string_view part = row.human_readable_part;
    return text.size() > part.size() && text[part.size()] == '1' &&
           std::equal(part.begin(), part.end(), text.begin(),
                      [](char lower, char c) { return c == lower || c == lower - 'a' + 'A'; });
  });
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
      return "it has a character that no address has there";
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
  if (text.empty()) return base::err(AddressError::empty);
  if (text.size() > bech32_chars_max) return base::err(AddressError::too_long);
  const NetworkRow& wanted = row_of(network);
  return looks_like_witness_address(text) ? parse_witness_address(text, wanted)
                                          : parse_base58_address(text, wanted);
}

std::string address_of_script(ByteSpan script, Network network) {
  const NetworkRow& row = row_of(network);
  const auto is = [&](const Bytes& standard) {
    return std::equal(script.begin(), script.end(), standard.begin(), standard.end());
  };
  const auto with_prefix = [](std::uint8_t prefix, ByteSpan hash) {
    Bytes payload = {prefix};
    base::append(payload, hash);
    return encode_base58check(payload);
  };

  // A standard script is recognised by building it again from the bytes where its hash would be.
  if (script.size() == 25 && is(p2pkh_script(script.subspan(3, hash160_bytes)))) {
    return with_prefix(row.p2pkh_prefix, script.subspan(3, hash160_bytes));
  }
  if (script.size() == 23 && is(p2sh_script(script.subspan(2, hash160_bytes)))) {
    return with_prefix(row.p2sh_prefix, script.subspan(2, hash160_bytes));
  }
  constexpr std::uint8_t op_1 = 0x51;
  constexpr std::uint8_t op_16 = 0x60;
  if (script.size() < 2 || (script[0] != 0 && (script[0] < op_1 || script[0] > op_16))) return {};
  const int version = script[0] == 0 ? 0 : script[0] - op_1 + 1;
  const ByteSpan program = script.subspan(2);
  if (script[1] != program.size() || !is_program_length(version, program.size())) return {};
  Bech32 address{form_of(version), std::string(row.human_readable_part), {}};
  address.digits.push_back(static_cast<std::uint8_t>(version));
  base::append(address.digits, digits_from_bytes(program));
  return encode_bech32(address);
}

}  // namespace bitcoin
