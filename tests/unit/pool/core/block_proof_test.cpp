#include "pool/core/block_proof.h"

#include "tests/unit/pool/core/block_proofs.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

using pool::BlockProof;
using pool::BlockProofVerdict;
using proof_test::finder;
using proof_test::Found;
using proof_test::replaced;

namespace {

BlockProof parsed(const std::string& json) {
  auto proof = pool::parse_block_proof(json);
  REQUIRE_MESSAGE(proof.has_value(), (proof ? "" : proof.error()));
  return *proof;
}

std::string flaws_of(const BlockProof& proof) {
  std::string text;
  for (const std::string& flaw : pool::judge_block_proof(proof).flaws) text += flaw + "\n";
  return text;
}

// Mainnet's block 1, from before heights stood in coinbases: the push that is there now reads as
// one.
constexpr std::string_view block_one = R"({
  "type": "block_proof", "version": 1, "network": "mainnet", "height": 486604799, "time_us": 0,
  "hash": "00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048",
  "header": "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299",
  "target": "00000000ffff0000000000000000000000000000000000000000000000000000",
  "coinbase": "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff0704ffff001d0104ffffffff0100f2052a0100000043410496b538e853519c726a2c91e61ec11600ae1390813a627c66fb8be7947be63c52da7589379515d4e0a604f8141781e62294721166bf621e73a82cbf2342c858eeac00000000",
  "merkle_branch": [], "reward_sats": 5000000000,
  "address": "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "worker": ""})";

}  // namespace

TEST_CASE("a real block: known answers") {
  const BlockProofVerdict verdict = pool::judge_block_proof(parsed(std::string(block_one)));
  CHECK(verdict.flaws.empty());
  CHECK(verdict.difficulty == 1);
  REQUIRE(verdict.outputs.size() == 1);
  CHECK(verdict.outputs[0].value.value == 5'000'000'000);
  CHECK(verdict.outputs[0].to.starts_with("script 410496b538"));
  CHECK(flaws_of(
            parsed(replaced(std::string(block_one), "\"height\": 486604799", "\"height\": 1"))) ==
        "height is 1, but the coinbase says 486604799\n");
}

TEST_CASE("a block of several transactions, and what it pays") {
  const BlockProof proof = parsed(Found().work().json());
  CHECK(proof.network == bitcoin::Network::regtest);
  CHECK(proof.height == 101);
  CHECK(proof.time_us == 1'700'000'000'123'456);
  CHECK(proof.address == finder);
  CHECK(proof.worker == "rig1");
  CHECK(flaws_of(proof).empty());
  const auto outputs = pool::judge_block_proof(proof).outputs;
  REQUIRE(outputs.size() == 3);
  CHECK(outputs[0].to == "bcrt1qqurswpc8qurswpc8qurswpc8qurswpc8dxm0gk");
  CHECK(outputs[1].value.value == 1'000'000);
  CHECK(outputs[1].to.starts_with("m"));
  CHECK(outputs[2].to == "data 6a02abcd");
}

TEST_CASE("each thing that was changed is named, with what was expected") {
  const Found good = Found().work();
  const std::string hash = good.header.hash().display_hex();
  const std::string other(64, '1');
  struct Row {
    const char* why;
    std::function<void(BlockProof&)> change;
    std::string expected;  // the one flaw, or how it begins
  };
  const Row rows[] = {
      {"hash", [](BlockProof& p) { p.hash.bytes.fill(0x11); },
       "hash is " + other + ", but the header hashes to " + hash + "\n"},
      {"target", [](BlockProof& p) { p.target = base::U256{1}; },
       "target is " + std::string(63, '0') + "1, but the header's nbits 207fffff stand for 7fffff" +
           std::string(58, '0') + "\n"},
      {"branch", [](BlockProof& p) { p.merkle_branch[1].bytes[31] ^= 1; },
       "coinbase and merkle_branch lead to the root "},
      {"shorter branch", [](BlockProof& p) { p.merkle_branch.pop_back(); },
       "coinbase and merkle_branch lead to the root "},
      {"height", [](BlockProof& p) { p.height = 102; },
       "height is 102, but the coinbase says 101\n"},
      {"reward", [](BlockProof& p) { p.reward.value += 1; },
       "reward_sats is 5000000001, but the coinbase pays 5000000000\n"},
      {"address", [](BlockProof& p) { p.address.back() = 'q'; },
       "address is bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt08q, expected one of regtest: its "
       "checksum "
       "does not match\n"},
      {"network", [](BlockProof& p) { p.network = bitcoin::Network::mainnet; },
       "header has nbits 207fffff, a target of 7fffff" + std::string(58, '0') +
           ", expected at most 00000000" + std::string(56, 'f') + ", the easiest of mainnet\n"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    BlockProof proof = parsed(good.json());
    REQUIRE(flaws_of(proof).empty());
    row.change(proof);
    CHECK(flaws_of(proof).substr(0, row.expected.size()) == row.expected);
  }
}

TEST_CASE("a header or a coinbase of which one bit was changed never passes") {
  const BlockProof good = parsed(Found().work().json());
  for (std::size_t bit = 0; bit < 8 * good.header.size(); ++bit) {
    CAPTURE(bit);
    BlockProof proof = good;
    proof.header.at(bit / 8) = static_cast<std::uint8_t>(proof.header.at(bit / 8) ^ 1U << bit % 8);
    CHECK(flaws_of(proof).starts_with("hash is "));
  }
  for (std::size_t bit = 0; bit < 8 * good.coinbase.size(); ++bit) {
    CAPTURE(bit);
    BlockProof proof = good;
    proof.coinbase[bit / 8] = static_cast<std::uint8_t>(proof.coinbase[bit / 8] ^ 1U << bit % 8);
    CHECK(flaws_of(proof).find("lead to the root") != std::string::npos);
  }
}

TEST_CASE("a header that commits to something else, though its work was done") {
  const auto flaws = [](const std::function<void(Found&)>& change) {
    Found found;
    change(found);
    return flaws_of(parsed(found.work().json()));
  };
  CHECK(flaws([](Found&) {}).empty());
  CHECK(
      flaws([](Found& f) { f.coinbase.inputs[0].prev_index = 0; }).starts_with("coinbase spends"));
  CHECK(flaws([](Found& f) { f.coinbase.inputs.resize(2); }) ==
        "coinbase has 2 inputs, expected 1\n");
  CHECK(flaws([](Found& f) { f.coinbase.inputs[0].script_sig.resize(101); }) ==
        "coinbase has a script of 101 bytes, expected 2 to 100\n");
  CHECK(flaws([](Found& f) {
          f.coinbase.inputs[0].script_sig = {0x00, 0x01};
        }) == "coinbase begins with no height, expected one (BIP34)\n");
  CHECK(flaws([](Found& f) { f.coinbase.outputs[0].value.value = -1; }) ==
        "coinbase pays more than there is in output 0, of -1 sats\n");
  CHECK(flaws([](Found& f) { f.coinbase.outputs[1].value.value = bitcoin::max_money.value; }) ==
        "coinbase pays more than there is in output 1, of 2100000000000000 sats\n");
  CHECK(flaws([](Found& f) {
          f.coinbase.outputs[0].value.value = std::numeric_limits<std::int64_t>::max();
        }) == "coinbase pays more than there is in output 0, of 9223372036854775807 sats\n");
  // Its witness does not enter the root: the record is to have the bytes that are hashed.
  const std::string with_witness =
      flaws([](Found& f) { f.coinbase.inputs[0].witness = {base::Bytes(32)}; });
  CHECK(with_witness.find("coinbase has a witness\n") != std::string::npos);
}

TEST_CASE("a header without work") {
  Found found = Found().work();
  const auto target = bitcoin::Target256::from_compact(found.header.nbits);
  REQUIRE(target);
  while (target->admits(found.header.hash().bytes)) ++found.header.nonce;
  CHECK(flaws_of(parsed(found.json())).starts_with("header hashes to "));
  found.header.nbits = 0;
  CHECK(flaws_of(parsed(found.json())) ==
        "header has nbits 00000000, expected those of a target\n");
}

TEST_CASE("what is no record says which member is wrong, what it is, and what was expected") {
  const std::string good = Found().work().json();
  struct Row {
    std::string from;
    std::string to;
    std::string expected;
  };
  const Row rows[] = {
      {R"("type":"block_proof")", R"("type":"coherence")",
       R"(type is "coherence", not "block_proof")"},
      {R"("type":"block_proof",)", "", R"(type is missing, not "block_proof")"},
      {R"("version":1)", R"("version":2)", "version is 2, not an integer of at most 1"},
      {R"("version":1)", R"("version":0)", "version is 0, not 1"},
      {R"("network":"regtest")", R"("network":"test")",
       R"(network is "test", not mainnet, testnet, testnet4, signet or regtest)"},
      {R"("height":101)", R"("height":"101")",
       R"(height is "101", not an integer of at most 2147483647)"},
      {R"("height":101)", R"("height":2147483648)",
       "height is 2147483648, not an integer of at most 2147483647"},
      {R"("reward_sats":5000000000)", R"("reward_sats":-1)",
       "reward_sats is -1, not an integer of at most 2100000000000000"},
      {R"("reward_sats":5000000000)", R"("reward_sats":5e9)",
       "reward_sats is 5e9, not an integer of at most 2100000000000000"},
      {R"("merkle_branch":[")", R"("merkle_branch":["00)",
       "merkle_branch is [\"00111111111111111111111111111111111111..., not 64 hex digits at index "
       "0"},
      {R"("merkle_branch":[)", R"("merkle_branch":[7,)", "merkle_branch is [7,\"1111"},
      {R"("coinbase":")", R"("coinbase":"0)", "coinbase is \"00"},
      {R"("worker":"rig1")", R"("worker":null)",
       "worker is null, not a string of at most 1024 bytes"},
      {R"("header":")", R"("header":"zz)", "header is \"zz"},
      {R"("target":")", R"("target":"00)", "target is \"00"},
      {R"("hash":")", R"("hash":"0)", "hash is \"0"},
      {R"("time_us":)", R"("time_us":-)", "time_us is -1700000000123456, not an integer"},
      {"{", "[", "it is [\"type\":\"block_proof\",\"version\":1,\"netwo..., not a JSON object"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.to);
    const auto proof = pool::parse_block_proof(replaced(good, row.from, row.to));
    REQUIRE(!proof.has_value());
    CHECK(proof.error().substr(0, row.expected.size()) == row.expected);
  }
  CHECK(pool::parse_block_proof("").error() == "it is , not a JSON object");
  CHECK(pool::parse_block_proof(std::string(pool::block_proof_bytes_max + 1, ' ')).error() ==
        "it has 2016385 bytes, expected at most 2016384");
  std::string hashes;
  for (int n = 0; n < 14; ++n) hashes += '"' + std::string(64, '0') + "\",";
  CHECK(pool::parse_block_proof(
            replaced(good, R"("merkle_branch":[)", R"("merkle_branch":[)" + hashes))
            .error()
            .ends_with("not a list of at most 15"));
}
