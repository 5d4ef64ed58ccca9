// Payer: brings payments forward, a recorded step at a time. What the next step is, pool/core
// decides from what is recorded and what the node says; each step's outcome is in the database
// before the next begins, so that a Payer that dies anywhere is continued by the next one.
//
// Unless told to commit it only says what it would do.
//
// Errors: PayoutError; what was recorded before it stays.
// Thread: the caller's, which it blocks.
#pragma once

#include "common/bitcoin/address.h"
#include "pool/core/payment.h"
#include "pool/payout/payout_error.h"
#include "pool/payout/wallet.h"
#include "pool/store/payment_store.h"

#include <cstdint>
#include <optional>
#include <string>

namespace pool {

struct PayerOptions {
  bitcoin::Network network = bitcoin::Network::mainnet;
  bool commit = false;
  FeeChoice fee;
  std::optional<bitcoin::Sats> fee_max;  // none: limits::payment_fee_ppm_max, or a little
  std::int64_t confirmations_min = 6;    // to settle
};

// What came of one payment.
struct PayerOutcome {
  std::int64_t id = 0;
  PaymentState state = PaymentState::planned;  // as it is recorded now
  bool changed = false;
  std::string text;  // for the operator: what was done, would be done, or is waited for
};

class Payer {
 public:
  // `node`: where the wallets are; each payment names its own.
  Payer(PaymentStore& store, rpc::RpcEndpoint node, PayerOptions options);

  [[nodiscard]] PayoutResult<PayerOutcome> send(std::int64_t id);
  [[nodiscard]] PayoutResult<PayerOutcome> settle(std::int64_t id);
  [[nodiscard]] PayoutResult<PayerOutcome> cancel(std::int64_t id);

 private:
  PayoutResult<Payment> load(std::int64_t id);
  // True: there is more to do.
  PayoutResult<bool> take(const SendDecision& decision, const Payment& payment,
                          const PaymentView& view, Wallet& wallet, std::string& text);
  PayoutResult<void> fund(const Payment& payment, Wallet& wallet);
  PayoutResult<void> check_change(const bitcoin::TxOut& change, Wallet& wallet);
  PayoutResult<void> lock_inputs(const Payment& payment, const PaymentView& view, Wallet& wallet);
  PayoutResult<void> sign(const Payment& payment, Wallet& wallet);
  PayoutResult<void> take_back(const Payment& payment, const std::string& why, Wallet& wallet);
  PayoutResult<void> broadcast(const Payment& payment, const PaymentView& view, Wallet& wallet,
                               std::string& text);
  static PayoutResult<void> unlock_inputs(const Payment& payment, Wallet& wallet);
  bitcoin::Sats fee_max(const Payment& payment) const;

  PaymentStore& store_;
  const rpc::RpcEndpoint node_;
  const PayerOptions options_;
};

}  // namespace pool
