// Proof records for tests: one that is true, and what it takes to make another one so.
#pragma once

#include "common/bitcoin/coinbase.h"
#include "common/bitcoin/header.h"
#include "common/bitcoin/merkle.h"
#include "common/bitcoin/script.h"
#include "common/bitcoin/target.h"
#include "common/bitcoin/transaction.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace proof_test {

inline constexpr std::string_view finder = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

// What a record is made of.
struct Found {
  bitcoin::Transaction coinbase;
  std::vector<bitcoin::Hash256> branch = std::vector<bitcoin::Hash256>(2);
  bitcoin::Header header;
  std::uint32_t height = 101;
  std::int64_t reward = 5'000'000'000;
  std::string network = "regtest";

  // A block of four transactions at regtest's difficulty, whose root does not fit yet.
  Found() {
    coinbase.inputs.resize(1);
    coinbase.inputs[0].prev_index = 0xffffffff;
    coinbase.inputs[0].script_sig = bitcoin::bip34_height_push(height);
    base::append(coinbase.inputs[0].script_sig, base::as_bytes("/phasepool/"));
    const std::vector<std::uint8_t> program(20, 7);
    coinbase.outputs = {{bitcoin::Sats{4'999'000'000}, bitcoin::witness_script(0, program)},
                        {bitcoin::Sats{1'000'000}, bitcoin::p2pkh_script(program)},
                        {bitcoin::Sats{0}, {0x6a, 0x02, 0xab, 0xcd}}};
    branch[0].bytes.fill(0x11);
    branch[1].bytes.fill(0x22);
    header.version = 0x20000000;
    header.prev_hash.bytes.fill(0x33);
    header.ntime = 1'700'000'000;
    header.nbits = 0x207fffff;
  }

  // The header commits to all else, and its hash meets its target.
  Found& work() {
    const bitcoin::Hash256 leaf{coinbase.txid().bytes};
    header.merkle_root = bitcoin::fold_merkle_branch(leaf, branch);
    const auto target = bitcoin::Target256::from_compact(header.nbits);
    REQUIRE(target);
    while (!target->admits(header.hash().bytes)) ++header.nonce;
    return *this;
  }

  std::string json() const {
    std::string hashes;
    for (const bitcoin::Hash256& hash : branch) {
      hashes += fmt::format("{}\"{}\"", hashes.empty() ? "" : ",", base::to_hex(hash.bytes));
    }
    const auto target = bitcoin::Target256::from_compact(header.nbits);
    return fmt::format(
        R"({{"type":"block_proof","version":1,"network":"{}","hash":"{}","height":{},)"
        R"("time_us":1700000000123456,"header":"{}","target":"{}","coinbase":"{}",)"
        R"("merkle_branch":[{}],"reward_sats":{},"address":"{}","worker":"rig1"}})",
        network, header.hash().display_hex(), height, base::to_hex(header.serialize()),
        target ? target->display_hex() : std::string(64, '0'),
        base::to_hex(coinbase.serialize_witness()), hashes, reward, finder);
  }
};

}  // namespace proof_test
