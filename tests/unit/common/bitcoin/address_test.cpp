#include "common/bitcoin/address.h"

#include "common/bitcoin/base58.h"
#include "common/bitcoin/bech32.h"
#include "common/bitcoin/script.h"
#include "tests/unit/vectors.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <vector>

using base::Bytes;
using bitcoin::Address;
using bitcoin::AddressError;
using bitcoin::Network;
using bitcoin::parse_address;

namespace {

const Network all_networks[] = {Network::mainnet, Network::testnet, Network::testnet4,
                                Network::signet, Network::regtest};

// Which networks read each other's addresses.
bool share_base58(Network a, Network b) {
  return (a == Network::mainnet) == (b == Network::mainnet);
}
bool share_bech32(Network a, Network b) {
  const auto part = [](Network network) {
    return network == Network::mainnet ? "bc" : network == Network::regtest ? "bcrt" : "tb";
  };
  return std::string(part(a)) == part(b);
}

Network network_of(const char* name) {
  Network network = Network::mainnet;
  REQUIRE(bitcoin::network_from_name(name, network));
  return network;
}

std::string upper_case(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

AddressError error_of(std::string_view text, Network network) {
  const auto parsed = parse_address(text, network);
  REQUIRE_FALSE(parsed);
  return parsed.error();
}

// A witness address that need not obey any rule.
std::string witness_text(bitcoin::Bech32Form form, int version, const Bytes& program,
                         const char* part = "bc") {
  bitcoin::Bech32 value{form, part, {static_cast<std::uint8_t>(version)}};
  base::append(value.digits, bitcoin::digits_from_bytes(program));
  return bitcoin::encode_bech32(value);
}

std::string base58_text(std::uint8_t prefix, std::size_t hash_bytes) {
  Bytes payload = {prefix};
  payload.resize(1 + hash_bytes, 0x42);
  return bitcoin::encode_base58check(payload);
}

struct Refused {
  const char* why;
  std::string text;
  AddressError error;
};

void check_refused(std::span<const Refused> rows) {
  for (const Refused& row : rows) {
    CAPTURE(row.why);
    CAPTURE(row.text);
    CHECK_EQ(error_of(row.text, Network::mainnet), row.error);
  }
}

constexpr auto bech32 = bitcoin::Bech32Form::bech32;
constexpr auto bech32m = bitcoin::Bech32Form::bech32m;

}  // namespace

TEST_CASE("Bitcoin Core's valid addresses have their scripts, on their networks only") {
  const auto vectors = vectors::load("addresses_valid.json");
  for (const auto& row : vectors["rows"].GetArray()) {
    const std::string text = row[0].GetString();
    const Network home = network_of(row[2].GetString());
    const bool is_bech32 = text.find('1') != std::string::npos && row[1].GetString()[0] != '7' &&
                           std::string(row[1].GetString()).substr(0, 2) != "a9";
    CAPTURE(text);
    for (Network network : all_networks) {
      CAPTURE(bitcoin::network_name(network));
      const auto parsed = parse_address(text, network);
      if (is_bech32 ? share_bech32(home, network) : share_base58(home, network)) {
        REQUIRE(parsed);
        CHECK_EQ(parsed->text, text);
        CHECK_EQ(base::to_hex(parsed->script_pubkey), row[1].GetString());
        CHECK_EQ(bitcoin::address_of_script(parsed->script_pubkey, network), text);
      } else {
        REQUIRE_FALSE(parsed);
        CHECK_EQ(parsed.error(), AddressError::wrong_network);
      }
    }
    if (row[3].GetBool()) {  // all upper case is the same address
      const auto parsed = parse_address(upper_case(text), home);
      REQUIRE(parsed);
      CHECK_EQ(parsed->text, text);
    } else {
      CHECK_FALSE(parse_address(upper_case(text), home));
    }
  }
}

TEST_CASE("Bitcoin Core's invalid addresses are refused on every network") {
  const auto vectors = vectors::load("addresses_invalid.json");
  for (const auto& row : vectors["rows"].GetArray()) {
    CAPTURE(row.GetString());
    for (Network network : all_networks) CHECK_FALSE(parse_address(row.GetString(), network));
  }
}

TEST_CASE("the valid segwit addresses of BIP350 have their scripts") {
  struct Row {
    Network network;
    const char* text;
    const char* script;
  };
  const Row rows[] = {
      {Network::mainnet, "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
       "0014751e76e8199196d454941c45d1b3a323f1433bd6"},
      {Network::testnet, "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
       "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262"},
      {Network::mainnet,
       "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
       "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6"},
      {Network::mainnet, "BC1SW50QGDZ25J", "6002751e"},
      {Network::mainnet, "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs",
       "5210751e76e8199196d454941c45d1b3a323"},
      {Network::signet, "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy",
       "0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433"},
      {Network::testnet4, "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c",
       "5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433"},
      {Network::mainnet, "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
       "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto parsed = parse_address(row.text, row.network);
    REQUIRE(parsed);
    CHECK_EQ(base::to_hex(parsed->script_pubkey), row.script);
    CHECK_EQ(upper_case(parsed->text), upper_case(row.text));
    CHECK(std::none_of(parsed->text.begin(), parsed->text.end(),
                       [](char c) { return c >= 'A' && c <= 'Z'; }));
  }
}

TEST_CASE("an address that is refused is refused for its reason") {
  const Bytes hash(20, 0x42);
  const Refused rows[] = {
      {"nothing", "", AddressError::empty},
      {"91 characters", std::string(91, '1'), AddressError::too_long},
      {"a kilobyte", "bc1q" + std::string(1000, 'q'), AddressError::too_long},
      {"white space in front", " 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", AddressError::bad_character},
      {"white space behind", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4\n",
       AddressError::bad_character},
      {"a worker name behind", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa.rig",
       AddressError::bad_character},
      {"base58 has no zero", "1A1zP1eP5QGefi2DMPTfTL5SLmv7Divf0a", AddressError::bad_character},
      {"bech32 has no b in its data", "bc1qb508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
       AddressError::bad_character},
      {"one base58 digit changed", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
       AddressError::bad_checksum},
      {"base58 cut short", "1A1zP1eP5QGefi2DMPTfTL5SLmv7Div", AddressError::bad_checksum},
      {"one bech32 digit changed", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
       AddressError::bad_checksum},
      {"bech32 cut short", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3", AddressError::bad_checksum},
      {"a prefix and nothing else", "bc1", AddressError::bad_checksum},
      {"one capital", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3T4", AddressError::mixed_case},
      {"a capital prefix", "BC1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", AddressError::mixed_case},
      {"a private key (prefix 128)", base58_text(128, 32), AddressError::bad_version},
      {"another coin's prefix 48", base58_text(48, 20), AddressError::bad_version},
      {"a hash of 19 bytes", base58_text(0, 19), AddressError::bad_program_length},
      {"a hash of 21 bytes", base58_text(5, 21), AddressError::bad_program_length},
      {"a prefix without a hash", base58_text(0, 0), AddressError::bad_program_length},
      {"witness version 17", witness_text(bech32m, 17, hash), AddressError::bad_version},
      {"witness version 31", witness_text(bech32m, 31, hash), AddressError::bad_version},
      {"version 0 in bech32m", witness_text(bech32m, 0, hash), AddressError::wrong_encoding},
      {"version 1 in bech32", witness_text(bech32, 1, Bytes(32, 1)), AddressError::wrong_encoding},
      {"version 16 in bech32", witness_text(bech32, 16, hash), AddressError::wrong_encoding},
      {"version 0, 19 bytes", witness_text(bech32, 0, Bytes(19, 1)),
       AddressError::bad_program_length},
      {"version 0, 21 bytes", witness_text(bech32, 0, Bytes(21, 1)),
       AddressError::bad_program_length},
      {"version 0, 31 bytes", witness_text(bech32, 0, Bytes(31, 1)),
       AddressError::bad_program_length},
      {"version 1, 1 byte", witness_text(bech32m, 1, Bytes(1, 1)),
       AddressError::bad_program_length},
      {"version 1, 41 bytes", witness_text(bech32m, 1, Bytes(41, 1)),
       AddressError::bad_program_length},
      {"no version at all (BIP173)", "bc1gmk9yu", AddressError::bad_program_length},
      {"o in the checksum (BIP350)",
       "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
       AddressError::bad_character},
      {"padding of 6 zero bits",
       bitcoin::encode_bech32({bech32m, "bc", Bytes{1, 0, 0, 0, 0, 0, 0}}),
       AddressError::bad_padding},
      {"padding that is not zero", bitcoin::encode_bech32({bech32m, "bc", Bytes{1, 0, 0, 0, 1}}),
       AddressError::bad_padding},
  };
  check_refused(rows);
}

TEST_CASE("an address of another network is refused as such") {
  const Bytes hash(20, 0x42);
  const Refused rows[] = {
      {"testnet, base58", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", AddressError::wrong_network},
      {"testnet, bech32", witness_text(bech32, 0, hash, "tb"), AddressError::wrong_network},
      {"regtest, bech32", witness_text(bech32, 0, hash, "bcrt"), AddressError::wrong_network},
      {"regtest, in capitals", upper_case(witness_text(bech32, 0, hash, "bcrt")),
       AddressError::wrong_network},
  };
  check_refused(rows);
  CHECK_EQ(error_of("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", Network::regtest),
           AddressError::wrong_network);
  CHECK_EQ(error_of(witness_text(bech32, 0, hash, "tb"), Network::regtest),
           AddressError::wrong_network);
  CHECK_EQ(error_of(witness_text(bech32, 0, hash), Network::signet), AddressError::wrong_network);
}

TEST_CASE("every byte value anywhere in an address is handled") {
  for (const std::string good :
       {"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}) {
    REQUIRE(parse_address(good, Network::mainnet));
    for (std::size_t i = 0; i < good.size(); ++i) {
      for (int value = 0; value < 256; ++value) {
        std::string changed = good;
        changed[i] = static_cast<char>(value);
        if (changed == good) continue;
        CAPTURE(i);
        CAPTURE(value);
        CHECK_FALSE(parse_address(changed, Network::mainnet));
      }
      CHECK_FALSE(parse_address(good.substr(0, i), Network::mainnet));
    }
  }
}

TEST_CASE("a script without an address has none") {
  struct Row {
    const char* why;
    const char* script;
  };
  const Row rows[] = {
      {"empty", ""},
      {"OP_RETURN", "6a0548656c6c6f"},
      {"a bare public key",
       "21025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee6357ac"},
      {"P2PKH with another last opcode", "76a914111111111111111111111111111111111111111188ad"},
      {"P2SH with another last opcode", "a914111111111111111111111111111111111111111188"},
      {"version 0 with 19 bytes", "001311111111111111111111111111111111111111"},
      {"a program that is longer than its push", "51021111ff"},
      {"a program that is shorter than its push", "51201111"},
      {"one byte of program", "510111"},
      {"OP_RESERVED is no version", "50021111"},
      {"a lone version", "51"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto script = base::from_hex(row.script);
    REQUIRE(script);
    for (Network network : all_networks) {
      CHECK_EQ(bitcoin::address_of_script(*script, network), "");
    }
  }
  CHECK_EQ(
      bitcoin::address_of_script(bitcoin::witness_script(1, Bytes(41 - 1, 7)), Network::regtest)
          .substr(0, 6),
      "bcrt1p");
}

TEST_CASE("networks have names, and the node's names for them are understood") {
  for (Network network : all_networks) {
    Network parsed = Network::mainnet;
    REQUIRE(bitcoin::network_from_name(bitcoin::network_name(network), parsed));
    CHECK_EQ(parsed, network);
  }
  CHECK_EQ(network_of("main"), Network::mainnet);
  CHECK_EQ(network_of("test"), Network::testnet);
  CHECK_EQ(bitcoin::network_name(Network::regtest), "regtest");
  Network untouched = Network::signet;
  for (const char* name : {"", "Mainnet", "main ", "simnet", "testnet3"}) {
    CHECK_FALSE(bitcoin::network_from_name(name, untouched));
    CHECK_EQ(untouched, Network::signet);
  }
}

TEST_CASE("every reason has a description of its own") {
  std::set<std::string_view> seen;
  for (auto error :
       {AddressError::empty, AddressError::too_long, AddressError::bad_character,
        AddressError::mixed_case, AddressError::bad_checksum, AddressError::wrong_network,
        AddressError::bad_version, AddressError::bad_padding, AddressError::bad_program_length,
        AddressError::wrong_encoding}) {
    CHECK(seen.insert(bitcoin::describe(error)).second);
  }
  CHECK_EQ(bitcoin::describe(AddressError::bad_checksum), "its checksum does not match");
}
