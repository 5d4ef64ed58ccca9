#include "pool/core/payment_check.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace pool {
namespace {

base::Result<bitcoin::Sats, std::string> sum_of_inputs(const bitcoin::Transaction& funded,
                                                       const std::vector<PaymentInput>& inputs) {
  if (funded.inputs.empty() || inputs.size() != funded.inputs.size()) {
    return base::err(std::string("it has no inputs, or others than were looked up"));
  }
  std::set<Outpoint> seen;
  bitcoin::Sats sum;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Outpoint spent{funded.inputs[i].prev_txid, funded.inputs[i].prev_index};
    if (inputs[i].outpoint != spent) {
      return base::err(fmt::format("its input {} is not the one that was looked up", i));
    }
    if (!seen.insert(spent).second) {
      return base::err(fmt::format("it spends {} twice", outpoint_text(spent)));
    }
    if (inputs[i].value.value < 0 || inputs[i].value > bitcoin::max_money) {
      return base::err(
          fmt::format("{} is worth {} sats", outpoint_text(spent), inputs[i].value.value));
    }
    sum.value += inputs[i].value.value;
  }
  return sum;
}

// The output that is none of the payment's, where there is one.
base::Result<std::optional<std::size_t>, std::string> find_change(
    const std::vector<PaymentOutput>& outputs, const bitcoin::Transaction& funded) {
  std::multimap<base::Bytes, const PaymentOutput*> wanted;
  for (const PaymentOutput& output : outputs) wanted.emplace(output.script_pubkey, &output);
  std::optional<std::size_t> change;
  for (std::size_t i = 0; i < funded.outputs.size(); ++i) {
    const bitcoin::TxOut& out = funded.outputs[i];
    const auto [first, last] = wanted.equal_range(out.script_pubkey);
    const auto at = std::find_if(
        first, last, [&](const auto& entry) { return entry.second->amount == out.value; });
    if (at != last) {
      wanted.erase(at);
    } else if (!change) {
      change = i;
    } else {
      return base::err(fmt::format("its outputs {} and {} are none of the payment's", *change, i));
    }
  }
  if (!wanted.empty()) {
    const PaymentOutput& missing = *wanted.begin()->second;
    return base::err(
        fmt::format("it does not pay {} sats to {}", missing.amount.value, missing.address));
  }
  return change;
}

}  // namespace

base::Result<FundedFacts, std::string> check_funded(const std::vector<PaymentOutput>& outputs,
                                                    const bitcoin::Transaction& funded,
                                                    const std::vector<PaymentInput>& inputs,
                                                    bitcoin::Sats fee_max) {
  const auto in = sum_of_inputs(funded, inputs);
  if (!in) return base::err(in.error());
  const auto change = find_change(outputs, funded);
  if (!change) return base::err(change.error());
  bitcoin::Sats fee = *in;
  for (const bitcoin::TxOut& out : funded.outputs) {
    if (out.value.value < 0 || out.value > bitcoin::max_money) {
      return base::err(fmt::format("an output of {} sats", out.value.value));
    }
    fee.value -= out.value.value;
  }
  if (fee.value < 0) return base::err(std::string("its outputs are more than its inputs"));
  if (fee > fee_max) {
    return base::err(fmt::format("its fee would be {} sats, and at most {} are allowed", fee.value,
                                 fee_max.value));
  }
  return FundedFacts{fee, *change};
}

base::Result<void, std::string> check_signed(const bitcoin::Transaction& funded,
                                             const bitcoin::Transaction& signed_transaction) {
  bitcoin::Transaction bare = signed_transaction;
  for (std::size_t i = 0; i < bare.inputs.size(); ++i) {
    bitcoin::TxIn& input = bare.inputs[i];
    if (input.script_sig.empty() && input.witness.empty()) {
      return base::err(fmt::format("its input {} is not signed", i));
    }
    input.script_sig.clear();
    input.witness.clear();
  }
  bitcoin::Transaction expected = funded;
  for (bitcoin::TxIn& input : expected.inputs) {
    input.script_sig.clear();
    input.witness.clear();
  }
  if (bare != expected) {
    return base::err(std::string("what was signed is not what was recorded: not sent"));
  }
  return {};
}

}  // namespace pool
