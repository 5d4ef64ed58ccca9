// Is a transaction that the wallet made what the payment says? Asked before it is recorded, and
// again of what was signed: the wallet's word is not taken for it.
//
// Errors: one line that says what differs.
// Thread: pure functions.
#pragma once

#include "common/base/result.h"
#include "pool/core/payment.h"

#include <optional>
#include <string>
#include <vector>

namespace pool {

struct FundedFacts {
  bitcoin::Sats fee;
  std::optional<std::size_t> change;  // which output it is; whose it is, the wallet must say
};

// Every output of the payment once and in full, at most one further one, and a fee within bounds.
// `inputs` are the transaction's, in order, with what they are worth.
[[nodiscard]] base::Result<FundedFacts, std::string> check_funded(
    const std::vector<PaymentOutput>& outputs, const bitcoin::Transaction& funded,
    const std::vector<PaymentInput>& inputs, bitcoin::Sats fee_max);

// The same transaction but for scripts and witnesses, of which each input has some.
[[nodiscard]] base::Result<void, std::string> check_signed(
    const bitcoin::Transaction& funded, const bitcoin::Transaction& signed_transaction);

}  // namespace pool
