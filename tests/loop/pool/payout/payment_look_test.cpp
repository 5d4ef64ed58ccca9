#include "pool/payout/payment_look.h"

#include "tests/loop/pool/payout/payout_fixture.h"

#include <doctest/doctest.h>

namespace pool {
namespace {

using payout_test::Database;
using payout_test::Node;

PayoutResult<PaymentView> look(Node& node, const Payment& payment, PaymentStore& store) {
  std::optional<PayoutResult<PaymentView>> out;
  node.serve([&](const rpc::RpcEndpoint& endpoint) {
    Wallet wallet(endpoint, "w");
    out.emplace(look_at(payment, wallet, store));
  });
  return std::move(*out);
}

Payment signed_payment() {
  Payment payment;
  payment.state = PaymentState::sent;
  payment.outputs = {{1, payout_test::miner_address, {}, bitcoin::Sats(50'000)}};
  payment.inputs = {payout_test::input()};
  bitcoin::Transaction tx = payout_test::transaction(9000);
  tx.inputs[0].script_sig = {1, 1};
  payment.signed_tx = tx.serialize_witness();
  payment.txid = tx.txid();
  return payment;
}

std::string wallet_answer(base::ByteSpan transaction, int confirmations) {
  return R"({"hex":")" + base::to_hex(transaction) + R"(","confirmations":)" +
         std::to_string(confirmations) + R"(,"blockhash":")" + std::string(64, '2') +
         R"(","walletconflicts":[]})";
}

TEST_CASE("scripts are those of the addresses, which must be of the network") {
  Payment payment = signed_payment();
  REQUIRE(resolve_scripts(payment, bitcoin::Network::regtest).has_value());
  CHECK_EQ(payment.outputs[0].script_pubkey.size(), 22);
  const auto other = resolve_scripts(payment, bitcoin::Network::mainnet);
  REQUIRE_FALSE(other.has_value());
  CHECK_EQ(other.error().exit_code, payout_refused);
  CHECK_NE(other.error().why.find("not valid on mainnet"), std::string::npos);
}

TEST_CASE("a planned payment needs no look, a funded one one at its inputs") {
  Database database;
  PaymentStore store = database.open();
  Payment payment;
  Node node;
  const auto view = look(node, payment, store);
  REQUIRE(view.has_value());
  CHECK(view->inputs.empty());
  CHECK(node.asked.empty());

  payment.state = PaymentState::funded;
  payment.inputs = {payout_test::input()};
  node.answers = {{"listlockunspent", "[]"}};
  CHECK_EQ(look(node, payment, store)->inputs.at(0), InputState::spent);
  node.answers["gettxout"] = R"({"value":0.00060000,"confirmations":7})";
  CHECK_EQ(look(node, payment, store)->inputs.at(0), InputState::free);
  node.answers["listlockunspent"] =
      R"([{"txid":")" + payout_test::input().outpoint.txid.display_hex() + R"(","vout":0}])";
  CHECK_EQ(look(node, payment, store)->inputs.at(0), InputState::locked);
  node.answers["gettxout"] = "-28 Loading";
  CHECK_FALSE(look(node, payment, store).has_value());
}

TEST_CASE("confirmations are what wallet and chain both say") {
  Database database;
  PaymentStore store = database.open();
  const Payment payment = signed_payment();
  Node node;
  node.answers = {{"gettransaction", wallet_answer(payment.signed_tx, 8)},
                  {"getmempoolentry", "-5 not there"},
                  {"getblockheader", R"({"confirmations":3})"}};
  auto view = look(node, payment, store);
  REQUIRE(view.has_value());
  REQUIRE_EQ(view->spends.size(), 1);
  CHECK_EQ(view->spends[0].confirmations, 3);
  CHECK_EQ(view->spends[0].txid, payment.txid);
  CHECK_FALSE(
      node.was_asked("listsinceblock"));  // it is in the chain: that is all there is to know

  // The block is in the best chain no more, and the wallet has not heard of that.
  node.answers["getblockheader"] = R"({"confirmations":-1})";
  node.answers["listsinceblock"] = R"({"transactions":[]})";
  node.answers["listlockunspent"] = "[]";
  view = look(node, payment, store);
  REQUIRE(view.has_value());
  CHECK_EQ(view->spends[0].confirmations, 0);

  // The chain says that nobody spent the input.
  node.answers["getblockheader"] = R"({"confirmations":3})";
  node.answers["gettxout"] = R"({"value":0.00060000,"confirmations":7})";
  const auto contradiction = look(node, payment, store);
  REQUIRE_FALSE(contradiction.has_value());
  CHECK_NE(contradiction.error().why.find("the chain says that nobody did"), std::string::npos);
}

TEST_CASE("bytes that are not what their txid says are nobody's transaction") {
  Database database;
  PaymentStore store = database.open();
  const Payment payment = signed_payment();
  Node node;
  node.answers = {
      {"gettransaction", wallet_answer(payout_test::transaction(1).serialize_legacy(), 1)}};
  CHECK_FALSE(look(node, payment, store).has_value());
}

}  // namespace
}  // namespace pool
