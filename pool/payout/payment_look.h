// What the node and the wallet say of a payment now: the questions behind a PaymentView.
//
// Only what the next decision can depend on is asked: a transaction that is in the chain or the
// mempool answers for its inputs.
//
// Errors: PayoutError; also where wallet and chain contradict each other, since then neither
// counts. Thread: the caller's, which it blocks.
#pragma once

#include "common/bitcoin/address.h"
#include "pool/core/payment.h"
#include "pool/payout/payout_error.h"
#include "pool/payout/wallet.h"
#include "pool/store/payment_store.h"

namespace pool {

// The output scripts, which the database does not have. An address that is none on this network is
// an error.
[[nodiscard]] PayoutResult<void> resolve_scripts(Payment& payment, bitcoin::Network network);

[[nodiscard]] PayoutResult<PaymentView> look_at(const Payment& payment, Wallet& wallet,
                                                PaymentStore& store);

}  // namespace pool
