#include "pool/core/vault_file.h"

#include "common/base/random.h"
#include "common/bitcoin/block.h"

#include <doctest/doctest.h>

namespace pool {
namespace {

BlockCandidateRecord record_of(const bitcoin::BlockHash& hash) {
  BlockCandidateRecord record;
  record.hash = hash;
  record.worker_name = "rig";
  record.coinbase = base::Bytes(60'000, 0xab);
  return record;
}

struct Whole {
  bitcoin::BlockHash hash;
  std::string hex;
};

Whole make_block() {
  bitcoin::Transaction coinbase;
  coinbase.inputs.resize(1);
  coinbase.outputs.resize(1);
  bitcoin::Header header;
  header.merkle_root = bitcoin::Hash256{coinbase.txid().bytes};
  return {header.hash(), base::to_hex(bitcoin::serialize_block(
                             header.serialize(), coinbase.serialize_legacy(), 0, {}))};
}

}  // namespace

TEST_CASE("what is written is read back") {
  const Whole block = make_block();
  const auto alone = parse_vault_file(block.hex + vault_file_rest(std::nullopt), block.hash);
  REQUIRE(alone);
  CHECK_EQ(*alone->block.hex, block.hex);
  CHECK_FALSE(alone->block.candidate);
  CHECK(alone->why_no_record.empty());
  const auto with_record =
      parse_vault_file(block.hex + vault_file_rest(record_of(block.hash)), block.hash);
  REQUIRE(with_record);
  CHECK(with_record->block.candidate == record_of(block.hash));
  CHECK(with_record->why_no_record.empty());
}

TEST_CASE("the longest record and the heaviest block fit the bound on a file") {
  BlockCandidateRecord record;
  record.coinbase = base::Bytes(limits::journal_record_bytes_max - 200, 0xab);
  CHECK_LE(8'000'000 + vault_file_rest(record).size(), vault_file_bytes_max);
}

TEST_CASE("names of files") {
  const Whole block = make_block();
  const std::string name = vault_file_name(block.hash);
  CHECK_EQ(name, block.hash.display_hex() + ".block");
  CHECK_EQ(parse_vault_file_name(name), block.hash);
  CHECK_EQ(parse_vault_file_name(name + ".tmp"), block.hash);
  for (const std::string& other : {std::string(), std::string(".block"), std::string(".tmp"),
                                   name.substr(1), "0" + name, name + ".tmp.tmp", name + "x",
                                   block.hash.display_hex(), block.hash.display_hex() + ".tmp"}) {
    CAPTURE(other);
    CHECK_FALSE(parse_vault_file_name(other));
  }
}

TEST_CASE("no prefix of a file is taken for more than it is") {
  const Whole block = make_block();
  const std::string whole = block.hex + vault_file_rest(record_of(block.hash));
  for (std::size_t length = 0; length < whole.size(); length += length < 800 ? 1 : 997) {
    CAPTURE(length);
    const bool first_line = length > block.hex.size();
    const auto strict = parse_vault_file(whole.substr(0, length), block.hash);
    CHECK_EQ(strict.has_value(), length == block.hex.size() + 1);
    const auto unfinished = parse_unfinished_vault_file(whole.substr(0, length), block.hash);
    CHECK_EQ(unfinished.has_value(), first_line);
    if (unfinished) CHECK_FALSE(unfinished->block.candidate);
  }
  CHECK(parse_unfinished_vault_file(whole, block.hash)->block.candidate.has_value());
}

TEST_CASE("a changed byte of the block's line is noticed in what was left unfinished") {
  const Whole block = make_block();
  base::Random random(17);
  for (int round = 0; round < 2000; ++round) {
    std::string text = block.hex + "\n";
    char& digit = text[random.below(block.hex.size())];
    const char before = digit;
    digit = "0123456789abcdefgz\0\n "[random.below(21)];
    if (digit == before) continue;
    CAPTURE(text);
    CHECK_FALSE(parse_unfinished_vault_file(text, block.hash));
  }
}

}  // namespace pool
