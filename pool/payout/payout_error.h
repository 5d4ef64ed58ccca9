// Why a payout command did not do what it was asked: one line, and the exit code that goes with it.
#pragma once

#include "common/base/result.h"
#include "pool/store/payment_store.h"

#include <string>
#include <utility>

namespace pool {

// Exit codes of `phasepool payout`. After 1 the same command may simply be given again.
inline constexpr int payout_done = 0;
inline constexpr int payout_world = 1;    // node, wallet or database are not as they must be
inline constexpr int payout_usage = 2;    // wrong command line or configuration
inline constexpr int payout_refused = 3;  // the rules forbid it, or nothing is to be done

struct PayoutError {
  int exit_code = payout_world;
  std::string why;    // one line
  bool told = false;  // in the JSON document, which is printed already
};
template <class T>
using PayoutResult = base::Result<T, PayoutError>;

inline tl::unexpected<PayoutError> payout_err(int exit_code, std::string why) {
  return base::err(PayoutError{exit_code, std::move(why), false});
}
inline tl::unexpected<PayoutError> payout_err(PaymentStoreError error) {
  using Kind = PaymentStoreError::Kind;
  const bool refused = error.kind == Kind::refused || error.kind == Kind::busy;
  return payout_err(refused ? payout_refused : payout_world, std::move(error.message));
}

}  // namespace pool
