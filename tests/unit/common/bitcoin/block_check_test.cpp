#include "common/bitcoin/block_check.h"

#include "common/bitcoin/coinbase.h"
#include "common/bitcoin/merkle.h"
#include "common/bitcoin/script.h"
#include "common/bitcoin/target.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

using bitcoin::Block;
using bitcoin::BlockFlaw;
using bitcoin::Hash256;
using bitcoin::Transaction;

namespace {

std::string text_of(const std::vector<BlockFlaw>& flaws) {
  std::string text;
  for (const BlockFlaw flaw : flaws) {
    text += (text.empty() ? "" : "; ") + std::string(describe(flaw));
  }
  return text;
}

Transaction spend(std::uint8_t number, bool with_witness) {
  Transaction transaction;
  transaction.inputs.resize(1);
  transaction.inputs[0].prev_txid.bytes.fill(number);
  if (with_witness) transaction.inputs[0].witness = {base::Bytes{number}};
  transaction.outputs = {{bitcoin::Sats{1000}, base::Bytes{0x51}}};
  return transaction;
}

// Regtest's difficulty: every other nonce will do.
void grind(Block& block) {
  const auto target = bitcoin::Target256::from_compact(block.header.nbits);
  REQUIRE(target);
  while (!target->admits(block.header.hash().bytes)) ++block.header.nonce;
}

void fit_root(Block& block) {
  std::vector<Hash256> txids;
  for (const Transaction& each : block.transactions) txids.push_back(Hash256{each.txid().bytes});
  block.header.merkle_root = bitcoin::merkle_root(std::move(txids));
  grind(block);
}

// A good block of five transactions, some with witnesses, as the pool makes them.
Block make_block() {
  Block block;
  block.header.nbits = 0x207fffff;
  std::vector<bitcoin::Wtxid> wtxids;
  block.transactions.resize(1);
  for (std::uint8_t i = 1; i <= 4; ++i) {
    block.transactions.push_back(spend(i, i % 2 == 0));
    wtxids.push_back(block.transactions.back().wtxid());
  }
  bitcoin::CoinbaseSpec spec;
  spec.height = 500;
  spec.outputs = {{bitcoin::Sats{5'000'000'000}, base::Bytes{0x51}}};
  spec.witness_commitment_script = bitcoin::witness_commitment_script(wtxids);
  const auto parts = bitcoin::build_coinbase(spec);
  REQUIRE(parts);
  const base::Bytes legacy = bitcoin::assemble_coinbase(*parts, base::Bytes(4), base::Bytes(8));
  block.transactions[0] = *Transaction::parse(bitcoin::coinbase_with_witness(legacy));
  fit_root(block);
  return block;
}

}  // namespace

TEST_CASE("a whole block has no flaw, and says its height and what it pays") {
  const Block block = make_block();
  CHECK_EQ(text_of(find_flaws(block)), "");
  CHECK(has_its_transactions(block));
  CHECK_EQ(bitcoin::coinbase_height(block.transactions[0]), 500);
  CHECK_EQ(bitcoin::output_sum(block.transactions[0]), bitcoin::Sats{5'000'000'000});
}

TEST_CASE("mainnet's block 0 has no flaw") {
  // Source: Bitcoin Core, kernel/chainparams.cpp. Its script happens to begin like a height.
  const auto bytes = base::from_hex(
      "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac7"
      "2c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c0101000000010000000000"
      "000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054"
      "696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e"
      "64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967"
      "f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d"
      "578a4c702b6bf11d5fac00000000");
  REQUIRE(bytes);
  const auto block = bitcoin::parse_block(*bytes);
  REQUIRE(block);
  CHECK_EQ(text_of(find_flaws(*block)), "");
}

TEST_CASE("each flaw is found, and only it") {
  struct Row {
    BlockFlaw flaw;
    std::function<void(Block&)> spoil;
  };
  const auto coinbase_script = [](Block& block, const base::Bytes& script) {
    block.transactions[0].inputs[0].script_sig = script;
    fit_root(block);
  };
  const Row rows[] = {
      {BlockFlaw::bad_bits, [](Block& b) { b.header.nbits = 0x04800001; }},
      {BlockFlaw::high_hash, [](Block& b) { b.header.nbits = 0x1d00ffff; }},
      {BlockFlaw::bad_merkle_root,
       [](Block& b) {
         b.transactions[1].inputs[0].sequence = 7;
         b.header.merkle_root = make_block().header.merkle_root;
         b.transactions[0] = make_block().transactions[0];
       }},
      {BlockFlaw::bad_merkle_root,
       [](Block& b) {
         b.header.merkle_root.bytes[0] ^= 1u;
         grind(b);
       }},
      {BlockFlaw::no_coinbase,
       [](Block& b) {
         b.transactions[0].inputs[0].prev_index = 0;
         fit_root(b);
       }},
      {BlockFlaw::no_height, [=](Block& b) { coinbase_script(b, {}); }},
      {BlockFlaw::no_height,
       [=](Block& b) {
         coinbase_script(b, {0x02, 0xf4});
       }},
      {BlockFlaw::no_height,
       [=](Block& b) {
         coinbase_script(b, {0x03, 0xf4, 0x01, 0x00});
       }},
      {BlockFlaw::bad_witness_reserved,
       [](Block& b) { b.transactions[0].inputs[0].witness.clear(); }},
      {BlockFlaw::bad_witness_reserved,
       [](Block& b) { b.transactions[0].inputs[0].witness[0].pop_back(); }},
      {BlockFlaw::bad_witness_commitment,
       [](Block& b) { b.transactions[0].inputs[0].witness[0][5] = 1; }},
      {BlockFlaw::bad_witness_commitment,
       [](Block& b) { b.transactions[2].inputs[0].witness[0][0] = 77; }},
      {BlockFlaw::unexpected_witness,
       [](Block& b) {
         b.transactions[0].outputs.pop_back();
         fit_root(b);
       }},
      {BlockFlaw::too_heavy, [](Block& b) { b.bytes = bitcoin::block_weight_max + 1; }},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(describe(row.flaw)));
    Block block = make_block();
    row.spoil(block);
    const std::string found = text_of(find_flaws(block));
    // Changing a transaction changes what the commitment is of as well.
    const bool first = found.rfind(std::string(describe(row.flaw)), 0) == 0;
    CHECK_MESSAGE(first, found);
    CHECK_EQ(has_its_transactions(block), row.flaw != BlockFlaw::bad_merkle_root);
  }
  Block heaviest = make_block();
  heaviest.bytes = bitcoin::block_weight_max;
  CHECK_EQ(text_of(find_flaws(heaviest)), "");
}

TEST_CASE("a second coinbase, and a tree that repeats itself") {
  Block two = make_block();
  two.transactions.push_back(two.transactions[0]);
  fit_root(two);
  CHECK_NE(text_of(find_flaws(two)).find("more than one coinbase"), std::string::npos);

  // Six transactions and the same with the last two once more have one root (CVE-2012-2459).
  Block repeated = make_block();
  repeated.transactions.push_back(spend(9, false));
  const std::size_t six = repeated.transactions.size();
  fit_root(repeated);
  const Hash256 root = repeated.header.merkle_root;
  repeated.transactions.push_back(repeated.transactions[six - 2]);
  repeated.transactions.push_back(repeated.transactions[six - 1]);
  CHECK(has_its_transactions(repeated));
  CHECK_EQ(repeated.header.merkle_root, root);
  CHECK_NE(text_of(find_flaws(repeated)).find("twice"), std::string::npos);
}

TEST_CASE("the height is read as the push that BIP34 demands, and nothing else") {
  for (const std::uint32_t height : {1u, 16u, 17u, 127u, 128u, 255u, 256u, 32767u, 32768u, 840000u,
                                     8388607u, 8388608u, 0x7fffffffu}) {
    CAPTURE(height);
    Transaction coinbase = spend(0, false);
    coinbase.inputs[0].script_sig = bitcoin::bip34_height_push(height);
    coinbase.inputs[0].script_sig.push_back(0xaa);
    CHECK_EQ(bitcoin::coinbase_height(coinbase), height);
  }
}
