// Who is paid how much: balances that reach the minimum, cut into payments of a few hundred
// outputs.
//
// The order is fixed (the largest balance first, then by address), so that the same balances give
// the same plan. A balance is paid whole or not at all.
//
// Thread: pure functions.
#pragma once

#include "common/bitcoin/address.h"
#include "pool/core/payment.h"

#include <cstdint>
#include <string>
#include <vector>

namespace pool {

struct MinerBalance {
  std::int64_t miner_id = 0;
  std::string address;
  bitcoin::Sats balance;
};

struct PlanOptions {
  bitcoin::Network network = bitcoin::Network::mainnet;
  bitcoin::Sats minimum;
  std::size_t outputs_max = 500;       // of one payment
  std::vector<std::string> addresses;  // only these; empty: everybody's
};

struct PayoutPlan {
  std::vector<std::vector<PaymentOutput>> payments;
  struct LeftOut {
    MinerBalance balance;
    std::string why;
  };
  std::vector<LeftOut> left_out;     // that reach the minimum, and can't be paid
  std::size_t below_minimum = 0;     // miners
  bitcoin::Sats below_minimum_sats;  // that are carried on
  std::vector<std::string> unknown;  // of `addresses`, those that nothing is owed to
  bitcoin::Sats total() const;
  std::size_t outputs() const;
};

// REQUIRES: outputs_max > 0.
PayoutPlan make_plan(std::vector<MinerBalance> balances, const PlanOptions& options);

// The least output that nodes relay. Source: Bitcoin Core, policy/policy.cpp GetDustThreshold, with
// the default of -dustrelayfee, 3000 sats for 1000 bytes.
bitcoin::Sats dust_threshold(const base::Bytes& script_pubkey);

}  // namespace pool
