// What `phasepool payout` prints: lines for people, or a JSON document for machines.
//
// Units:  satoshis, as integers, in both; times are UTC.
// Thread: pure functions.
#pragma once

#include "pool/core/payment_plan.h"
#include "pool/payout/payer.h"
#include "pool/payout/payout_error.h"
#include "pool/payout/wallet_answers.h"
#include "pool/store/payment_store.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pool {

struct PlanReport {
  PayoutPlan plan;
  std::vector<std::int64_t> ids;  // of what was recorded; empty: nothing was
  bitcoin::Sats minimum;
  std::string minimum_from;  // "the scheme in force"
  std::string wallet;
  std::optional<WalletFunds> funds;  // none: `wallet_problem`
  bitcoin::Sats set_aside;           // for payments that the wallet has not sent yet
  std::string problem;               // why it can't be committed; empty: it can
};
std::string plan_text(const PlanReport& report);
std::string plan_json(const PlanReport& report);

struct ShownPayment {
  PaymentRow row;
  std::vector<PaymentStepRow> steps;  // only where one payment is shown
  std::string chain;                  // where its transaction is now; empty: not asked
};
std::string list_text(const std::vector<ShownPayment>& payments);
std::string payment_text(const ShownPayment& payment);
std::string payments_json(const std::vector<ShownPayment>& payments);

std::string outcome_text(const PayerOutcome& outcome, bool commit);
std::string outcomes_json(const std::vector<PayerOutcome>& outcomes, bool commit,
                          const PayoutError* error);
std::string error_json(const PayoutError& error);

}  // namespace pool
