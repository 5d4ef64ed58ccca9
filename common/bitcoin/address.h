// Addresses: base58check, bech32 (BIP173) and bech32m (BIP350), to output scripts and back.
//
// An address belongs to a network; testnet3, testnet4 and signet share their prefixes, so an
// address of one is valid on the others. Regtest shares base58 prefixes with testnet but has its
// own bech32 prefix.
//
// Errors: one AddressError per reason, so that the miner can be told which it was.
// Source: BIP13, BIP141, BIP173, BIP350; prefixes from Bitcoin Core, kernel/chainparams.cpp.
#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"

#include <string>
#include <string_view>

namespace bitcoin {

enum class Network { mainnet, testnet, testnet4, signet, regtest };

// "mainnet", "testnet", "testnet4", "signet", "regtest".
std::string_view network_name(Network network);
// The parse of network_name(); also getblockchaininfo's "main" and "test". False when unknown.
[[nodiscard]] bool network_from_name(std::string_view name, Network& out);

enum class AddressError {
  empty,
  too_long,
  bad_character,
  mixed_case,
  bad_checksum,
  wrong_network,
  bad_version,         // a base58 prefix or a witness version that no address has
  bad_padding,         // bits after the witness program that are set or too many
  bad_program_length,  // a hash or witness program of a length that its version does not allow
  wrong_encoding,      // witness v0 in bech32m, or v1 and above in bech32
};

// "its checksum does not match", …: completes the sentence "the address is not valid: ".
std::string_view describe(AddressError error);

struct Address {
  std::string text;  // canonical: bech32 in lower case
  base::Bytes script_pubkey;
};

// Surrounding white space is not stripped here.
[[nodiscard]] base::Result<Address, AddressError> parse_address(std::string_view text,
                                                                Network network);
// The address of a standard output script, or empty when it has none.
std::string address_of_script(base::ByteSpan script_pubkey, Network network);

}  // namespace bitcoin
