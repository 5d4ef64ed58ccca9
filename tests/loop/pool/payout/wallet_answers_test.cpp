#include "pool/payout/wallet_answers.h"

#include <doctest/doctest.h>

namespace pool {
namespace {

const std::string txid_a(64, 'a');
const std::string txid_b(64, 'b');

TEST_CASE("what Bitcoin Core answers, as it is") {
  CHECK_EQ(parse_string("\"abc\""), "abc");
  CHECK_EQ(parse_funded(R"({"hex":"0200","fee":0.00000282,"changepos":1})"),
           base::Bytes{0x02, 0x00});
  const auto made = parse_signed(R"({"hex":"02ff","complete":true})");
  REQUIRE(made.has_value());
  CHECK(made->complete);
  const auto failed = parse_signed(
      R"({"hex":"02ff","complete":false,"errors":[{"txid":"a","vout":0,"error":"no key"}]})");
  REQUIRE(failed.has_value());
  CHECK_FALSE(failed->complete);
  CHECK_EQ(failed->error, "no key");
  CHECK(parse_acceptance(R"([{"txid":"a","wtxid":"b","allowed":true,"vsize":10}])")->allowed);
  const auto refused =
      parse_acceptance(R"([{"txid":"a","allowed":false,"reject-reason":"min relay fee not met"}])");
  CHECK_FALSE(refused->allowed);
  CHECK_EQ(refused->reason, "min relay fee not met");
  const auto out = parse_tx_out(R"({"bestblock":"a","confirmations":7,"value":49.99998595})");
  CHECK_EQ(out->value.value, 4'999'998'595);
  CHECK_EQ(out->confirmations, 7);
  const auto funds = parse_funds(
      R"({"mine":{"trusted":500.00000000,"untrusted_pending":0E-8,"immature":5000.00000000}})");
  CHECK_EQ(funds->available.value, 50'000'000'000);
  CHECK_EQ(funds->immature.value, 500'000'000'000);
  CHECK_EQ(parse_is_mine(R"({"ismine":true})"), true);
  CHECK_EQ(parse_is_mine(R"({"ismine":false})"), false);
}

TEST_CASE("locked outputs, each with its number") {
  const auto locked = parse_outpoints(R"([{"txid":")" + txid_a + R"(","vout":4294967295}])");
  REQUIRE(locked.has_value());
  REQUIRE_EQ(locked->size(), 1);
  CHECK_EQ((*locked)[0].txid.display_hex(), txid_a);
  CHECK_EQ((*locked)[0].index, 4'294'967'295);
  CHECK(parse_outpoints("[]")->empty());
  CHECK_FALSE(parse_outpoints(R"([{"txid":")" + txid_a + R"(","vout":-1}])").has_value());
  CHECK_FALSE(parse_outpoints(R"([{"txid":")" + txid_a + R"(","vout":4294967296}])").has_value());
  CHECK_FALSE(parse_outpoints(R"([{"txid":"aa","vout":1}])").has_value());
}

TEST_CASE("a wallet's transaction, in the chain and beside it") {
  const auto found = parse_wallet_transaction(
      R"({"amount":-0.1,"fee":-0.00000282,"confirmations":3,"blockhash":")" + txid_b +
      R"(","walletconflicts":[")" + txid_a + R"("],"hex":"02ff"})");
  REQUIRE(found.has_value());
  CHECK_EQ(found->confirmations, 3);
  CHECK_EQ(found->fee->value, 282);
  CHECK_EQ(found->block->display_hex(), txid_b);
  REQUIRE_EQ(found->conflicts.size(), 1);
  CHECK_EQ(found->transaction, base::Bytes{0x02, 0xff});
  const auto lost = parse_wallet_transaction(R"({"confirmations":-100,"hex":"02"})");
  REQUIRE(lost.has_value());
  CHECK_EQ(lost->confirmations, -100);
  CHECK_FALSE(lost->fee.has_value());
  CHECK_FALSE(lost->block.has_value());
  CHECK_FALSE(parse_wallet_transaction(R"({"fee":0.1,"confirmations":1,"hex":"02"})").has_value());
}

TEST_CASE("what the wallet sent is listed once, what it received not") {
  const std::string entry = R"({"category":"send","txid":")";
  const auto sent = parse_sent_since(
      R"({"transactions":[)" + entry + txid_a + "\"}," + entry + txid_b + "\"}," + entry + txid_a +
      R"("},{"category":"receive","txid":")" + std::string(64, 'c') + R"("}],"lastblock":"x"})");
  REQUIRE(sent.has_value());
  CHECK_EQ(sent->size(), 2);
}

TEST_CASE("an answer of another shape is none") {
  for (const char* json :
       {"", "null", "7", "[]", "{}", "{", "[[[[", R"({"hex":""})", R"({"hex":"0g"})",
        R"({"hex":7})", R"({"mine":{"trusted":1e8}})", R"({"value":1,"confirmations":1.5})",
        R"({"ismine":1})", R"([{"allowed":1}])", R"([{},{}])", R"({"transactions":{}})"}) {
    CAPTURE(json);
    CHECK_FALSE(parse_string(json).has_value());
    CHECK_FALSE(parse_funded(json).has_value());
    CHECK_FALSE(parse_signed(json).has_value());
    CHECK_FALSE(parse_acceptance(json).has_value());
    CHECK_FALSE(parse_tx_out(json).has_value());
    CHECK_FALSE(parse_funds(json).has_value());
    CHECK_FALSE(parse_wallet_transaction(json).has_value());
    CHECK_FALSE(parse_sent_since(json).has_value());
    CHECK_FALSE(parse_is_mine(json).has_value());
  }
}

}  // namespace
}  // namespace pool
