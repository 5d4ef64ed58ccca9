#include "common/bitcoin/transaction.h"

#include "common/base/random.h"
#include "tests/unit/vectors.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using base::Bytes;
using base::ByteSpan;
using bitcoin::Transaction;
using bitcoin::TransactionError;
using bitcoin::TxIn;
using bitcoin::TxOut;

namespace {

Bytes bytes_of(std::string_view hex) {
  auto bytes = base::from_hex(hex);
  REQUIRE(bytes);
  return std::move(*bytes);
}

// BIP143's signed P2WPKH example: one input with a script, one with a witness, two outputs.
const char* const mixed_hex =
    "01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830"
    "450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f928"
    "1a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e81"
    "5b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f6"
    "6f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988"
    "ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c"
    "4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7aca"
    "fcdb3566bb0ad253f62fc70f07aeee635711000000";

// The parts of a transaction without anything in it, to be put together wrongly.
const std::string version = "02000000";
const std::string outpoint(72, '0');
const std::string sequence = "ffffffff";
const std::string input = outpoint + "00" + sequence;
const std::string output = std::string(16, '0') + "00";
const std::string lock_time = "00000000";
const std::string smallest = version + "01" + input + "01" + output + lock_time;
const std::string witness_head = version + "0001" + "01" + input + "01" + output;

struct Malformed {
  const char* why;
  std::string hex;
  TransactionError error;
};
const Malformed malformed_rows[] = {
    {"a byte too many", smallest + "00", TransactionError::trailing_bytes},
    {"two transactions", smallest + smallest, TransactionError::trailing_bytes},
    {"input count 1 in three bytes", version + "fd0100" + input + "01" + output + lock_time,
     TransactionError::non_canonical_size},
    {"input count 1 in five bytes", version + "fe01000000" + input + "01" + output + lock_time,
     TransactionError::non_canonical_size},
    {"input count 1 in nine bytes",
     version + "ff0100000000000000" + input + "01" + output + lock_time,
     TransactionError::non_canonical_size},
    {"script length 0 in three bytes",
     version + "01" + outpoint + "fd0000" + sequence + "01" + output + lock_time,
     TransactionError::non_canonical_size},
    {"witness flag 2", version + "0002" + "01" + input + "01" + output + "00" + lock_time,
     TransactionError::bad_flag},
    {"witness flag 3", version + "0003" + "01" + input + "01" + output + "0100" + lock_time,
     TransactionError::bad_flag},
    {"a witness form without a witness", witness_head + "00" + lock_time,
     TransactionError::superfluous_witness},
    {"2^64 - 1 inputs", version + "ffffffffffffffffff" + input, TransactionError::truncated},
    {"2^32 - 1 inputs", version + "feffffffff" + input, TransactionError::truncated},
    {"one input more than could fit", version + "02" + input, TransactionError::truncated},
    {"2^64 - 1 outputs", version + "01" + input + "ffffffffffffffffff" + output,
     TransactionError::truncated},
    {"a script of 2^64 - 1 bytes", version + "01" + outpoint + "ffffffffffffffffff" + sequence,
     TransactionError::truncated},
    {"2^64 - 1 witness items", witness_head + "ffffffffffffffffff" + lock_time,
     TransactionError::truncated},
};

}  // namespace

TEST_CASE("real transactions keep their bytes and have the ids that Bitcoin Core gives") {
  const auto vectors = vectors::load("transactions.json");
  int with_witness = 0;
  for (const auto& row : vectors["rows"].GetArray()) {
    CAPTURE(row[0].GetString());
    CAPTURE(row[2].GetString());
    const Bytes bytes = bytes_of(row[1].GetString());
    const auto transaction = Transaction::parse(bytes);
    REQUIRE(transaction);
    CHECK_EQ(transaction->serialize_witness(), bytes);
    CHECK_EQ(transaction->txid().display_hex(), row[2].GetString());
    CHECK_EQ(transaction->wtxid().display_hex(), row[3].GetString());
    CHECK_EQ(transaction->has_witness(), transaction->txid().bytes != transaction->wtxid().bytes);
    with_witness += transaction->has_witness() ? 1 : 0;
  }
  CHECK(with_witness >= 20);
}

TEST_CASE("the fields of a transaction are where BIP144 puts them") {
  const auto parsed = Transaction::parse(bytes_of(mixed_hex));
  REQUIRE(parsed);
  CHECK_EQ(parsed->version, 1);
  CHECK_EQ(parsed->lock_time, 17);
  REQUIRE_EQ(parsed->inputs.size(), 2);
  CHECK_EQ(parsed->inputs[0].prev_txid.display_hex(),
           "9f96ade4b41d5433f4eda31e1738ec2b36f6e7d1420d94a6af99801a88f7f7ff");
  CHECK_EQ(parsed->inputs[0].prev_index, 0);
  CHECK_EQ(parsed->inputs[0].script_sig.size(), 0x49);
  CHECK_EQ(parsed->inputs[0].sequence, 0xffffffee);
  CHECK(parsed->inputs[0].witness.empty());
  CHECK_EQ(parsed->inputs[1].prev_index, 1);
  CHECK_EQ(parsed->inputs[1].sequence, 0xffffffff);
  REQUIRE_EQ(parsed->inputs[1].witness.size(), 2);
  CHECK_EQ(parsed->inputs[1].witness[1].size(), 33);
  REQUIRE_EQ(parsed->outputs.size(), 2);
  CHECK_EQ(parsed->outputs[0].value, bitcoin::Sats{112340000});  // as BIP143 comments it
  CHECK_EQ(parsed->outputs[1].value, bitcoin::Sats{223450000});
  CHECK_EQ(parsed->outputs[1].script_pubkey.size(), 25);
}

TEST_CASE("a transaction cut short anywhere is refused as truncated") {
  for (const std::string& hex : {std::string(mixed_hex), smallest}) {
    const Bytes bytes = bytes_of(hex);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CAPTURE(size);
      // A buffer of just this size, so that a sanitizer sees any read past it.
      const Bytes cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      const auto parsed = Transaction::parse(cut);
      REQUIRE_FALSE(parsed);
      CHECK_EQ(parsed.error(), TransactionError::truncated);
    }
    CHECK(Transaction::parse(bytes));
  }
}

TEST_CASE("malformed transactions are refused for their reason") {
  for (const Malformed& row : malformed_rows) {
    CAPTURE(row.why);
    const auto parsed = Transaction::parse(bytes_of(row.hex));
    REQUIRE_FALSE(parsed);
    CHECK_EQ(parsed.error(), row.error);
  }
}

TEST_CASE("a witness item may be empty, and one is a witness") {
  const Bytes bytes = bytes_of(witness_head + "0100" + lock_time);
  const auto parsed = Transaction::parse(bytes);
  REQUIRE(parsed);
  CHECK(parsed->has_witness());
  REQUIRE_EQ(parsed->inputs[0].witness.size(), 1);
  CHECK(parsed->inputs[0].witness[0].empty());
  CHECK_EQ(parsed->serialize_witness(), bytes);
}

TEST_CASE("whatever parses serialises to the same bytes") {
  base::Random random(1);
  const Bytes original = bytes_of(mixed_hex);
  int parsed_ones = 0;
  for (int i = 0; i < 20000; ++i) {
    Bytes bytes = original;
    for (std::uint64_t changes = 1 + random.below(3); changes > 0; --changes) {
      bytes[random.below(bytes.size())] = static_cast<std::uint8_t>(random.next());
    }
    if (random.below(4) == 0) bytes.resize(random.below(bytes.size()));
    const auto parsed = Transaction::parse(bytes);
    if (!parsed) continue;
    ++parsed_ones;
    CHECK_EQ(parsed->serialize_witness(), bytes);
  }
  CHECK(parsed_ones > 1000);
}

TEST_CASE("random bytes never crash the parser") {
  base::Random random(2);
  for (int i = 0; i < 20000; ++i) {
    Bytes bytes(random.below(200));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    const auto parsed = Transaction::parse(bytes);
    if (parsed) CHECK_EQ(parsed->serialize_witness(), bytes);
  }
}

TEST_CASE("CompactSize has one form for each value") {
  struct Row {
    std::uint64_t value;
    const char* hex;
  };
  const Row rows[] = {
      {0, "00"},
      {0xfc, "fc"},
      {0xfd, "fdfd00"},
      {0xffff, "fdffff"},
      {0x10000, "fe00000100"},
      {0xffffffff, "feffffffff"},
      {0x100000000, "ff0000000001000000"},
      {0xffffffffffffffff, "ffffffffffffffffff"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.value);
    Bytes bytes;
    bitcoin::append_compact_size(bytes, row.value);
    CHECK_EQ(base::to_hex(bytes), row.hex);
    CHECK_EQ(bitcoin::compact_size_length(row.value), bytes.size());
    bytes.push_back(0xaa);
    ByteSpan rest(bytes);
    CHECK_EQ(bitcoin::read_compact_size(rest), row.value);
    CHECK_EQ(rest.size(), 1);  // only its own bytes are taken
    bytes.pop_back();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const Bytes cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      rest = cut;
      CHECK_FALSE(bitcoin::read_compact_size(rest));
      CHECK_EQ(rest.size(), size);
    }
  }
  for (const char* hex : {"fd0000", "fdfc00", "fe00000000", "feffff0000", "ff0000000000000000",
                          "ffffffffff00000000"}) {
    CAPTURE(hex);
    const Bytes bytes = bytes_of(hex);
    ByteSpan rest(bytes);
    CHECK_FALSE(bitcoin::read_compact_size(rest));
  }
}
