#include "pool/payout/payout_text.h"

#include <doctest/doctest.h>

namespace pool {
namespace {

bool has(const std::string& text, std::string_view part) {
  CAPTURE(text);
  CAPTURE(part);
  return text.find(part) != std::string::npos;
}

PlanReport plan() {
  PlanReport report;
  report.plan.payments = {
      {{1, "bcrt1a", {}, bitcoin::Sats(70)}, {2, "bcrt1b", {}, bitcoin::Sats(30)}}};
  report.plan.left_out = {{{3, "bcrt1c", bitcoin::Sats(5)}, "dust"}};
  report.plan.below_minimum = 2;
  report.plan.below_minimum_sats = bitcoin::Sats(11);
  report.minimum = bitcoin::Sats(20);
  report.minimum_from = "of the scheme in force";
  report.wallet = "my \"payouts\"";
  report.funds = WalletFunds{bitcoin::Sats(1000), bitcoin::Sats(0)};
  return report;
}

ShownPayment settled() {
  ShownPayment shown;
  Payment& payment = shown.row.payment;
  payment.id = 7;
  payment.state = PaymentState::settled;
  payment.amount = bitcoin::Sats(100);
  payment.fee = bitcoin::Sats(3);
  payment.settled_fee = bitcoin::Sats(4);
  payment.funded_tx = payment.signed_tx = {1};
  payment.txid.bytes.fill(0xaa);
  payment.settled_txid = bitcoin::Txid{};
  payment.settled_txid->bytes.fill(0xbb);
  payment.inputs = {{{payment.txid, 1}, bitcoin::Sats(104)}};
  payment.outputs = {{1, "bcrt1a", {}, bitcoin::Sats(100)}};
  shown.row.state_since = "2031-05-01T00:00:00Z";
  shown.steps = {{"2031-05-01T00:00:00Z", "settled", "6 confirmations"}};
  shown.chain = "settled, 8 confirmations";
  return shown;
}

TEST_CASE("a plan tells who gets what, who does not and why, and that nothing is recorded") {
  const std::string text = plan_text(plan());
  for (const char* part :
       {"minimum     20 sats", "1000 sats available", "(not recorded): 100 sats to 2 miners",
        "70  bcrt1a", "bcrt1c: 5 sats: dust", "11 sats of 2 miners", "total       100 sats",
        "--commit does that"}) {
    CHECK(has(text, part));
  }
  const std::string json = plan_json(plan());
  for (const char* part :
       {R"("committed":false)", R"("id":null)", R"("name":"my \"payouts\"")",
        R"({"miner_id":2,"address":"bcrt1b","amount_sats":30})", R"("carried_sats":11)"}) {
    CHECK(has(json, part));
  }
}

TEST_CASE("a recorded plan has ids") {
  PlanReport report = plan();
  report.ids = {42};
  CHECK(has(plan_text(report), "payment     42: 100 sats"));
  CHECK_FALSE(has(plan_text(report), "--commit"));
  CHECK(has(plan_json(report), R"("id":42)"));
}

TEST_CASE("a payment's page has its fee in the chain, what replaced it, and its steps") {
  const std::string text = payment_text(settled());
  for (const std::string& part :
       {std::string("payment     7: settled"), std::string("fee         4 sats"),
        "txid        " + std::string(64, 'a'), "replaced by " + std::string(64, 'b'),
        std::string("chain       settled, 8"), std::string("settled: 6 confirmations")}) {
    CHECK(has(text, part));
  }
  const std::string json = payments_json({settled()});
  CHECK(has(json, R"("fee_sats":4)"));
  CHECK(has(json, R"("settled_txid":")" + std::string(64, 'b')));
  const std::string list = list_text({settled()});
  CHECK(has(list, std::string(64, 'b')));
  CHECK(has(list_text({}), "no payments yet"));
}

TEST_CASE("of hundreds of inputs a page shows the first ones, and JSON all") {
  ShownPayment shown = settled();
  PaymentInput input = shown.row.payment.inputs[0];
  shown.row.payment.inputs.assign(445, input);
  CHECK(has(payment_text(shown), "and 435 more; --json lists all"));
  shown.row.payment.inputs.assign(10, input);
  CHECK_FALSE(has(payment_text(shown), "more; --json"));
}

TEST_CASE("what came of a command") {
  PayerOutcome outcome{3, PaymentState::sent, false, "would be settled: 5 sats"};
  CHECK_EQ(outcome_text(outcome, false),
           "payment 3: sent: would be settled: 5 sats (--commit does it)\n");
  outcome.text = "done";
  CHECK_EQ(outcome_text(outcome, true), "payment 3: sent: done\n");
  const PayoutError error{payout_refused, "no", false};
  CHECK_EQ(outcomes_json({outcome}, true, &error),
           R"({"committed":true,"payments":[{"id":3,"state":"sent","changed":false,)"
           R"("text":"done"}],"error":"no","exit_code":3})"
           "\n");
  CHECK_EQ(error_json(error), "{\"error\":\"no\",\"exit_code\":3}\n");
}

}  // namespace
}  // namespace pool
