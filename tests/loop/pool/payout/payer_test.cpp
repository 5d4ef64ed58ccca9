// The payer's refusals, where a node misbehaves. Its way from plan to settled, and every step at
// which it can be killed, are in tests/functional/test_payout.py and test_payout_kill.py.
#include "pool/payout/payer.h"

#include "tests/loop/pool/payout/payout_fixture.h"

#include <doctest/doctest.h>

namespace pool {
namespace {

using payout_test::Database;
using payout_test::Node;

enum class What { send, settle, cancel };

PayoutResult<PayerOutcome> act(Node& node, PaymentStore& store, What what, std::int64_t id,
                               bool commit = true) {
  std::optional<PayoutResult<PayerOutcome>> out;
  node.serve([&](const rpc::RpcEndpoint& endpoint) {
    PayerOptions options;
    options.network = bitcoin::Network::regtest;
    options.commit = commit;
    Payer payer(store, endpoint, options);
    out.emplace(what == What::send     ? payer.send(id)
                : what == What::settle ? payer.settle(id)
                                       : payer.cancel(id));
  });
  return std::move(*out);
}

Node healthy() {
  Node node;
  node.answers = {{"getblockchaininfo", payout_test::healthy_chain()},
                  {"getwalletinfo", "{}"},
                  {"getbestblockhash", "\"" + std::string(64, '1') + "\""},
                  {"createrawtransaction", "\"00\""},
                  {"gettxout", R"({"value":0.00060000,"confirmations":7})"},
                  {"listlockunspent", "[]"},
                  {"getaddressinfo", R"({"ismine":true})"},
                  {"lockunspent", "-8 Invalid parameter, expected unspent output"}};
  return node;
}

std::string funded(const bitcoin::Transaction& tx) {
  return R"({"hex":")" + base::to_hex(tx.serialize_legacy()) + R"("})";
}

TEST_CASE("a dry run asks, and changes nothing") {
  Database database;
  PaymentStore store = database.open();
  const std::int64_t id = payout_test::planned(store);
  Node node = healthy();
  const auto outcome = act(node, store, What::send, id, false);
  REQUIRE(outcome.has_value());
  CHECK_FALSE(outcome->changed);
  CHECK(outcome->text.starts_with("would"));
  CHECK_FALSE(node.was_asked("fundrawtransaction"));
  const auto cancelled = act(node, store, What::cancel, id, false);
  REQUIRE(cancelled.has_value());
  CHECK(cancelled->text.starts_with("would"));
  CHECK_EQ(store.load(id)->payment.state, PaymentState::planned);
}

TEST_CASE("a funded transaction that is not the payment's is not recorded") {
  struct Row {
    const char* why;
    std::string fund;
    const char* method;  // whose answer is another than usual
    const char* answer;
    const char* says;
  };
  bitcoin::Transaction less = payout_test::transaction(9000);
  less.outputs[0].value.value -= 1;
  const Row rows[] = {
      {"not bytes of a transaction", R"({"hex":"02"})", "", "", "not a transaction"},
      {"the miner gets less", funded(less), "", "", "none of the payment's"},
      {"somebody else's change", funded(payout_test::transaction(9000)), "getaddressinfo",
       R"({"ismine":false})", "is not the wallet's"},
      {"an input that is spent", funded(payout_test::transaction(9000)), "gettxout", "null",
       "spent or has too few"},
      {"an input that is too young", funded(payout_test::transaction(9000)), "gettxout",
       R"({"value":0.00060000,"confirmations":5})", "spent or has too few"},
      {"an input that is worth less", funded(payout_test::transaction(9000)), "gettxout",
       R"({"value":0.00050000,"confirmations":7})", "more than its inputs"},
      {"a fee of a sixth", funded(payout_test::transaction(0)), "gettxout",
       R"({"value":0.00061000,"confirmations":7})", "at most 10000"},
  };
  Database database;
  PaymentStore store = database.open();
  const std::int64_t id = payout_test::planned(store);
  for (const Row& row : rows) {
    CAPTURE(row.why);
    Node node = healthy();
    node.answers["fundrawtransaction"] = row.fund;
    if (*row.method != '\0') node.answers[row.method] = row.answer;
    const auto outcome = act(node, store, What::send, id);
    REQUIRE_FALSE(outcome.has_value());
    CAPTURE(outcome.error().why);
    CHECK_NE(outcome.error().why.find(row.says), std::string::npos);
    CHECK_EQ(store.load(id)->payment.state, PaymentState::planned);
  }
}

TEST_CASE("inputs are locked only after they are recorded") {
  Database database;
  PaymentStore store = database.open();
  const std::int64_t id = payout_test::planned(store);
  Node node = healthy();
  node.answers["fundrawtransaction"] = funded(payout_test::transaction(9000));
  const auto outcome = act(node, store, What::send, id);
  REQUIRE_FALSE(outcome.has_value());  // this node's lock fails
  CHECK_NE(outcome.error().why.find("expected unspent"), std::string::npos);
  const auto row = store.load(id);
  CHECK_EQ(row->payment.state, PaymentState::funded);
  CHECK_EQ(row->payment.fee.value, 1000);
  CHECK_FALSE(node.was_asked("signrawtransactionwithwallet"));
}

TEST_CASE("a planned payment is cancelled without a node, and can't be settled") {
  Database database;
  PaymentStore store = database.open();
  const std::int64_t id = payout_test::planned(store);
  Node node;
  const auto early = act(node, store, What::settle, id);
  REQUIRE_FALSE(early.has_value());
  CHECK_EQ(early.error().exit_code, payout_refused);
  REQUIRE(act(node, store, What::cancel, id).has_value());
  CHECK(node.asked.empty());
  CHECK_EQ(database.ask("SELECT balance_sats FROM miner_balances"), "50000");
  for (const What what : {What::send, What::settle, What::cancel}) {
    const auto outcome = act(node, store, what, id);
    REQUIRE_FALSE(outcome.has_value());
    CHECK_EQ(outcome.error().exit_code, payout_refused);
  }
  const auto unknown = act(node, store, What::send, 99);
  REQUIRE_FALSE(unknown.has_value());
  CHECK_EQ(unknown.error().exit_code, payout_refused);
}

}  // namespace
}  // namespace pool
