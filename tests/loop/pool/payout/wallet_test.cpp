#include "pool/payout/wallet.h"

#include "tests/loop/pool/payout/payout_fixture.h"

#include <doctest/doctest.h>

namespace pool {
namespace {

using payout_test::Node;

// What `act` comes to at a node that answers so.
template <class Act>
auto outcome(Node& node, Act act) -> std::invoke_result_t<Act, Wallet&> {
  std::optional<std::invoke_result_t<Act, Wallet&>> out;
  node.serve([&](const rpc::RpcEndpoint& endpoint) {
    Wallet wallet(endpoint, "my payouts");
    out.emplace(act(wallet));
  });
  return std::move(*out);
}

template <class Outcome>
void check_says(const Outcome& outcome, std::string_view part) {
  REQUIRE_FALSE(outcome.has_value());
  CAPTURE(outcome.error().why);
  CHECK_EQ(outcome.error().exit_code, payout_world);
  CHECK_NE(outcome.error().why.find(part), std::string::npos);
}

const std::vector<PaymentOutput> outputs{
    {1, payout_test::miner_address, {}, bitcoin::Sats(50'000)}};

TEST_CASE("a node and a wallet that can't pay say why, and what to do") {
  struct Row {
    const char* method;
    const char* answer;
    const char* says;
  };
  const Row rows[] = {
      {"getblockchaininfo", "-28 Loading block index", "starting up"},
      {"getblockchaininfo", "{}", "getblockchaininfo"},
      {"getblockchaininfo",
       R"({"chain":"main","blocks":1,"headers":1,"bestblockhash":"1111111111111111111111111111111111111111111111111111111111111111"})",
       "on chain \"main\""},
      {"getwalletinfo", "-18 Requested wallet does not exist", "loadwallet \"my payouts\""},
      {"getwalletinfo", "-32601 Method not found", "-disablewallet"},
      {"getwalletinfo", R"({"unlocked_until":0})", "walletpassphrase"},
      {"getwalletinfo", R"({"private_keys_enabled":false})", "only watches"},
      {"getwalletinfo", R"({"scanning":{"duration":1}})", "wait"},
      {"getwalletinfo", "7", "not what Bitcoin Core gives"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.answer);
    Node node;
    node.answers = {{"getblockchaininfo", payout_test::healthy_chain()}, {"getwalletinfo", "{}"}};
    node.answers[row.method] = row.answer;
    check_says(outcome(node, [](Wallet& w) { return w.check(bitcoin::Network::regtest, true); }),
               row.says);
  }
  Node locked;
  locked.answers = {{"getblockchaininfo", payout_test::healthy_chain()},
                    {"getwalletinfo", R"({"unlocked_until":0})"}};
  const auto look = [](Wallet& w) { return w.check(bitcoin::Network::regtest, false); };
  CHECK(outcome(locked, look).has_value());
}

TEST_CASE("why a transaction can't be funded") {
  const std::pair<const char*, const char*> rows[] = {
      {"-4 Insufficient funds", "send it coins"},
      {"-4 Fee estimation failed. Fallbackfee is disabled.", "--fee-rate"},
      {"-4 Fee exceeds maximum configured by user", "-maxtxfee"},
      {"-4 Transaction amount too small", "dust"},
      {"-4 Transaction too large", "--max-outputs"},
      {"-8 something else", "something else"},
  };
  for (const auto& [answer, says] : rows) {
    Node node;
    node.answers = {{"createrawtransaction", "\"00\""}, {"fundrawtransaction", answer}};
    check_says(outcome(node, [](Wallet& w) { return w.fund(outputs, {}); }), says);
  }
  Node good;
  good.answers = {{"createrawtransaction", "\"00\""}, {"fundrawtransaction", R"({"hex":"02"})"}};
  CHECK_EQ(*outcome(good, [](Wallet& w) { return w.fund(outputs, {}); }), base::Bytes{2});
}

TEST_CASE("locking, with and without a node that keeps locks, and of what is spent") {
  const auto lock = [](Wallet::IfSpent if_spent) {
    return [if_spent](Wallet& w) { return w.lock({payout_test::input().outpoint}, if_spent); };
  };
  Node node;
  node.answers = {{"lockunspent", "true"}};
  CHECK(outcome(node, lock(Wallet::IfSpent::fail)).has_value());
  CHECK_EQ(node.asked.size(), 1);
  Node old;  // asked again without the third argument
  old.answers = {{"lockunspent", "-1 lockunspent unlock ([{...}])"}};
  CHECK_FALSE(outcome(old, lock(Wallet::IfSpent::fail)).has_value());
  CHECK_EQ(old.asked.size(), 2);
  Node spent;
  spent.answers = {{"lockunspent", "-8 Invalid parameter, expected unspent output"}};
  check_says(outcome(spent, lock(Wallet::IfSpent::fail)), "expected unspent");
  CHECK(outcome(spent, lock(Wallet::IfSpent::ignore)).has_value());
  CHECK(outcome(spent, [](Wallet& w) {
          return w.unlock({payout_test::input().outpoint});
        }).has_value());
}

TEST_CASE("sent is what the node takes, and what it has already") {
  const bitcoin::Txid txid = payout_test::input().outpoint.txid;
  const auto send = [&](const std::string& answer) {
    Node node;
    node.answers = {{"sendrawtransaction", answer}};
    return outcome(node, [&](Wallet& w) { return w.broadcast(base::Bytes{2}, txid); });
  };
  CHECK(send("\"" + txid.display_hex() + "\"")->taken);
  CHECK(send("-27 Transaction outputs already in utxo set")->taken);
  CHECK(send("-26 txn-already-known")->taken);
  CHECK(send("-26 txn-already-in-mempool")->taken);
  const auto refused = send("-26 mempool full");
  REQUIRE(refused.has_value());
  CHECK_FALSE(refused->taken);
  CHECK_NE(refused->reason.find("mempool full"), std::string::npos);
  CHECK_FALSE(send("-25 bad-txns-inputs-missingorspent")->taken);
  check_says(send("\"" + std::string(64, '0') + "\""), "another txid");
  check_says(send("-28 Loading"), "starting up");
}

TEST_CASE("what is not there is an answer, not a failure") {
  const bitcoin::Txid txid;
  Node node;
  node.answers = {{"getmempoolentry", "-5 Transaction not in mempool"},
                  {"gettransaction", "-5 Invalid or non-wallet transaction id"}};
  CHECK_FALSE(*outcome(node, [&](Wallet& w) { return w.in_mempool(txid); }));
  CHECK_FALSE(outcome(node, [&](Wallet& w) { return w.transaction(txid); })->has_value());
  const Outpoint spent = payout_test::input().outpoint;
  CHECK_FALSE(outcome(node, [&](Wallet& w) { return w.unspent(spent, true); })->has_value());
  node.answers = {{"getmempoolentry", "-28 Loading"}, {"gettransaction", "{}"}, {"gettxout", "7"}};
  check_says(outcome(node, [&](Wallet& w) { return w.in_mempool(txid); }), "starting up");
  check_says(outcome(node, [&](Wallet& w) { return w.transaction(txid); }), "gettransaction");
  check_says(outcome(node, [&](Wallet& w) { return w.unspent(spent, true); }), "gettxout");
}

TEST_CASE("the wallet's transactions are asked for from the first where the block is unknown") {
  Node node;
  node.answers = {{"listsinceblock", "-5 Block not found"}};
  CHECK_FALSE(outcome(node, [](Wallet& w) { return w.sent_since({}); }).has_value());
  CHECK_EQ(node.asked.size(), 2);
}

}  // namespace
}  // namespace pool
