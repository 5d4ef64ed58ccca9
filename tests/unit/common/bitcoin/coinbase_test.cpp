#include "common/bitcoin/coinbase.h"

#include "common/bitcoin/script.h"
#include "common/crypto/sha256.h"
#include "tests/unit/vectors.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using base::Bytes;
using bitcoin::CoinbaseError;
using bitcoin::CoinbaseParts;
using bitcoin::CoinbaseSpec;
using bitcoin::Sats;
using bitcoin::Transaction;
using bitcoin::TxOut;
using bitcoin::Wtxid;

namespace {

CoinbaseSpec ordinary_spec() {
  CoinbaseSpec spec;
  spec.height = 881423;
  spec.unique = 0x0807060504030201;
  spec.extranonce_bytes = 12;
  spec.tag = "/phasepool/";
  spec.outputs = {TxOut{Sats{312'500'000}, bitcoin::witness_script(0, Bytes(20, 0x11))}};
  spec.witness_commitment_script = bitcoin::witness_commitment_script({});
  return spec;
}

const Bytes extranonce1 = {0xa1, 0xa2, 0xa3, 0xa4};
const Bytes extranonce2 = {0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8};

Bytes assembled(const CoinbaseSpec& spec) {
  const auto parts = bitcoin::build_coinbase(spec);
  REQUIRE(parts);
  return bitcoin::assemble_coinbase(*parts, extranonce1, extranonce2);
}

Bytes bytes_of(const char* hex) {
  auto bytes = base::from_hex(hex);
  REQUIRE(bytes);
  return std::move(*bytes);
}

}  // namespace

TEST_CASE("a coinbase, byte by byte") {
  const std::string commitment = base::to_hex(bitcoin::witness_commitment_script({}));
  const std::string expected = std::string("02000000") +      // version
                               "01" + std::string(64, '0') +  // one input, of nothing
                               "ffffffff" +                   //
                               "26" +                         // 38 bytes of scriptSig:
                               "030f730d" +                   // height 881423
                               "080102030405060708" +         // unique
                               "0c" + "a1a2a3a4" + "b1b2b3b4b5b6b7b8" + "0b" +
                               base::to_hex(base::as_bytes("/phasepool/")) +
                               "ffffffff" +  // sequence
                               "02" +        // outputs
                               "205fa01200000000" + "160014" + std::string(40, '1') +
                               "0000000000000000" + "26" + commitment + "00000000";  // lock_time
  CHECK_EQ(base::to_hex(assembled(ordinary_spec())), expected);
}

TEST_CASE("a coinbase parses to what was asked for") {
  CoinbaseSpec spec = ordinary_spec();
  spec.outputs.push_back(TxOut{Sats{1}, bitcoin::p2pkh_script(Bytes(20, 0x22))});
  spec.extra_push = Bytes(40, 0xee);
  const Bytes legacy = assembled(spec);
  const auto transaction = Transaction::parse(legacy);
  REQUIRE(transaction);
  CHECK_EQ(transaction->serialize_legacy(), legacy);
  REQUIRE_EQ(transaction->inputs.size(), 1);
  CHECK_EQ(transaction->inputs[0].prev_txid, bitcoin::Txid{});
  CHECK_EQ(transaction->inputs[0].prev_index, 0xffffffff);
  REQUIRE_EQ(transaction->outputs.size(), 3);
  CHECK_EQ(transaction->outputs[0], spec.outputs[0]);
  CHECK_EQ(transaction->outputs[1], spec.outputs[1]);
  CHECK_EQ(transaction->outputs[2], TxOut{Sats{0}, *spec.witness_commitment_script});

  Bytes script_sig = bitcoin::bip34_height_push(spec.height);
  base::Bytes unique;
  base::append_le64(unique, spec.unique);
  bitcoin::append_push(script_sig, unique);
  bitcoin::append_push(script_sig, spec.extra_push);
  Bytes extranonce = extranonce1;
  base::append(extranonce, extranonce2);
  bitcoin::append_push(script_sig, extranonce);
  bitcoin::append_push(script_sig, base::as_bytes(spec.tag));
  CHECK_EQ(transaction->inputs[0].script_sig, script_sig);
}

TEST_CASE("a coinbase without tag or commitment leaves them out") {
  CoinbaseSpec spec = ordinary_spec();
  spec.tag.clear();
  spec.witness_commitment_script.reset();
  const auto transaction = Transaction::parse(assembled(spec));
  REQUIRE(transaction);
  CHECK_EQ(transaction->outputs.size(), 1);
  CHECK_EQ(transaction->inputs[0].script_sig.size(), 4 + 9 + 13);
}

TEST_CASE("the extranonce is cut where it was asked to be, whatever its size") {
  for (std::size_t size : {1, 2, 8, 12, 16, 32}) {
    CAPTURE(size);
    CoinbaseSpec spec = ordinary_spec();
    spec.extranonce_bytes = size;
    const auto parts = bitcoin::build_coinbase(spec);
    REQUIRE(parts);
    CHECK_EQ(parts->coinb1.back(), size);
    const auto transaction =
        Transaction::parse(bitcoin::assemble_coinbase(*parts, Bytes(size, 0xcc), {}));
    REQUIRE(transaction);
    CHECK_EQ(transaction->inputs[0].script_sig.size(), 4 + 9 + 1 + size + 12);
  }
}

TEST_CASE("jobs that differ in `unique` alone have different coinbases") {
  CoinbaseSpec a = ordinary_spec();
  CoinbaseSpec b = a;
  b.unique += 1;
  CHECK_NE(assembled(a), assembled(b));
  CHECK_EQ(assembled(a), assembled(ordinary_spec()));
}

TEST_CASE("what can't be a coinbase is refused") {
  CoinbaseSpec spec = ordinary_spec();
  spec.height = 0;
  CHECK_EQ(bitcoin::build_coinbase(spec).error(), CoinbaseError::no_height);

  spec = ordinary_spec();
  spec.outputs.clear();
  CHECK_EQ(bitcoin::build_coinbase(spec).error(), CoinbaseError::no_output);

  // Height 4, unique 9, extranonce 13 and a push of 73 bytes are the 99 before the limit of 100.
  spec = ordinary_spec();
  spec.tag = std::string(73, 'x');
  const auto longest = bitcoin::build_coinbase(spec);
  REQUIRE(longest);
  CHECK_EQ(longest->coinb1[41], bitcoin::script_sig_bytes_max);
  for (std::size_t size : {74, 100, 101, 600}) {
    CAPTURE(size);
    spec.tag = std::string(size, 'x');
    CHECK_EQ(bitcoin::build_coinbase(spec).error(), CoinbaseError::script_sig_too_long);
  }
}

TEST_CASE("the longest tag fits at every height") {
  CoinbaseSpec spec = ordinary_spec();
  spec.tag = std::string(bitcoin::coinbase_tag_bytes_max, 'x');
  for (std::uint32_t height : {1u, 17u, 128u, 32768u, 8388608u, 0xffffffffu}) {
    CAPTURE(height);
    spec.height = height;
    CHECK(bitcoin::build_coinbase(spec));
  }
}

TEST_CASE("the witness form has the reserved value and the same txid") {
  const Bytes legacy = assembled(ordinary_spec());
  const Bytes full = bitcoin::coinbase_with_witness(legacy);
  const auto transaction = Transaction::parse(full);
  REQUIRE(transaction);
  CHECK_EQ(transaction->serialize_legacy(), legacy);
  CHECK_EQ(transaction->serialize_witness(), full);
  CHECK_EQ(transaction->inputs[0].witness, std::vector<Bytes>{Bytes(32, 0)});
}

TEST_CASE("the commitment to a template's witnesses is the node's") {
  const auto vectors = vectors::load("template_to_notify.json");
  for (const auto& row : vectors.GetArray()) {
    CAPTURE(row["name"].GetString());
    std::vector<Wtxid> wtxids;
    for (const auto& wtxid : row["wtxids"].GetArray()) {
      wtxids.push_back(Wtxid::from_display_hex(wtxid.GetString()).value());
    }
    CHECK_EQ(base::to_hex(bitcoin::witness_commitment_script(wtxids)),
             row["default_witness_commitment"].GetString());
  }
}

TEST_CASE("a block without other transactions commits to the zero wtxid") {
  // As Bitcoin Core gives it in every getblocktemplate of an empty mempool.
  CHECK_EQ(base::to_hex(bitcoin::witness_commitment_script({})),
           "6a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9");
}

TEST_CASE("other pools' halves assemble to the coinbase that their miners hashed") {
  const auto vectors = vectors::load("stratum_shares.json");
  for (const auto& row : vectors.GetArray()) {
    CAPTURE(row["name"].GetString());
    const auto& expect = row["expect"];
    const CoinbaseParts parts{bytes_of(row["notify_params"][2].GetString()),
                              bytes_of(row["notify_params"][3].GetString())};
    const Bytes coinbase =
        bitcoin::assemble_coinbase(parts, bytes_of(row["extranonce1"].GetString()),
                                   bytes_of(row["submit_params"][2].GetString()));
    CHECK_EQ(base::to_hex(coinbase), expect["coinbase"].GetString());
    CHECK_EQ(coinbase.size(), expect["coinbase_bytes"].GetUint());
    CHECK_EQ(base::to_hex(crypto::sha256d(coinbase)), expect["coinbase_hash_internal"].GetString());
    CHECK(Transaction::parse(coinbase));
  }
}
