#include "common/bitcoin/script.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>

using base::Bytes;

namespace {

std::string number_hex(std::int64_t value) {
  Bytes script;
  bitcoin::append_script_number(script, value);
  return base::to_hex(script);
}

}  // namespace

TEST_CASE("signature operations, as consensus counts them in a script by itself") {
  struct Row {
    const char* why;
    const char* script;
    std::uint64_t sigops;
  };
  const Row rows[] = {
      {"nothing", "", 0},
      {"P2PKH",
       "76a914"
       "0000000000000000000000000000000000000000"
       "88ac",
       1},
      {"P2PK",
       "21"
       "030303030303030303030303030303030303030303030303030303030303030303"
       "ac",
       1},
      {"P2SH",
       "a914"
       "acacacacacacacacacacacacacacacacacacacac"
       "87",
       0},
      {"P2WPKH",
       "0014"
       "acacacacacacacacacacacacacacacacacacacac",
       0},
      {"CHECKSIGVERIFY CHECKSIG", "adac", 2},
      {"1-of-1 multisig counts twenty",
       "51"
       "02acac"
       "51ae",
       20},
      {"CHECKMULTISIGVERIFY", "af", 20},
      {"in a push", "03acacac", 0},
      {"in pushes of each form",
       "4c02acac"
       "4d0200acac"
       "4e02000000acac"
       "ac",
       1},
      {"OP_RETURN does not end the counting", "6aac", 1},
      {"nor does an operation that nobody knows", "feffac", 1},
      {"a push that is cut short does",
       "ac"
       "05acacac",
       1},
      {"in each form",
       "ac"
       "4c03acac",
       1},
      {"and by its length's bytes",
       "ac"
       "4d03",
       1},
      {"four of them",
       "ac"
       "4effffffffac",
       1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK_EQ(bitcoin::legacy_sigops(*base::from_hex(row.script)), row.sigops);
  }
}

TEST_CASE("numbers are pushed as CScript pushes them") {
  struct Row {
    std::int64_t value;
    const char* script;
  };
  // Bitcoin Core, script/script.h (CScript::push_int64, CScriptNum::serialize); the sign is the
  // highest bit of the last byte.
  const Row rows[] = {
      {0, "00"},
      {-1, "4f"},
      {1, "51"},
      {16, "60"},
      {17, "0111"},
      {-2, "0182"},
      {127, "017f"},
      {-127, "01ff"},
      {128, "028000"},
      {-128, "028080"},
      {255, "02ff00"},
      {-255, "02ff80"},
      {256, "020001"},
      {32767, "02ff7f"},
      {32768, "03008000"},
      {-65536, "03000081"},
      {16777215, "04ffffff00"},
      {2147483648, "050000008000"},
      {1 - (std::int64_t{1} << 32), "05ffffffff80"},
      {std::int64_t{1} << 40, "06000000000001"},
      {std::numeric_limits<std::int64_t>::max(), "08ffffffffffffff7f"},
      {std::numeric_limits<std::int64_t>::min(), "09000000000000008080"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.value);
    CHECK_EQ(number_hex(row.value), row.script);
  }
}

TEST_CASE("BIP34 heights are minimal") {
  struct Row {
    std::uint32_t height;
    const char* script;
  };
  const Row rows[] = {
      {1, "51"},
      {16, "60"},
      {17, "0111"},
      {123, "017b"},
      {127, "017f"},
      {128, "028000"},
      {157, "029d00"},
      {255, "02ff00"},
      {256, "020001"},
      {316, "023c01"},
      {32767, "02ff7f"},
      {32768, "03008000"},
      {881423, "030f730d"},
      {8388608, "0400008000"},
      {4294967295, "05ffffffff00"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.height);
    CHECK_EQ(base::to_hex(bitcoin::bip34_height_push(row.height)), row.script);
  }
}

TEST_CASE("pushes take the shortest opcode for their length") {
  struct Row {
    std::size_t size;
    const char* head;
  };
  const Row rows[] = {{0, "00"},     {1, "01"},       {75, "4b"},     {76, "4c4c"},
                      {255, "4cff"}, {256, "4d0001"}, {520, "4d0802"}};
  for (const Row& row : rows) {
    CAPTURE(row.size);
    Bytes script;
    bitcoin::append_push(script, Bytes(row.size, 0xaa));
    CHECK_EQ(base::to_hex(script), row.head + base::to_hex(Bytes(row.size, 0xaa)));
  }
}

TEST_CASE("standard output scripts") {
  const Bytes hash(20, 0x11);
  const std::string digits(40, '1');
  CHECK_EQ(base::to_hex(bitcoin::p2pkh_script(hash)), "76a914" + digits + "88ac");
  CHECK_EQ(base::to_hex(bitcoin::p2sh_script(hash)), "a914" + digits + "87");
  CHECK_EQ(base::to_hex(bitcoin::witness_script(0, hash)), "0014" + digits);
  CHECK_EQ(base::to_hex(bitcoin::witness_script(1, Bytes(32, 0x22))),
           "5120" + std::string(64, '2'));
  CHECK_EQ(base::to_hex(bitcoin::witness_script(16, Bytes(2, 0x33))), "60023333");
}
