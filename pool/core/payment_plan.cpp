#include "pool/core/payment_plan.h"

#include "common/base/assert.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace pool {
namespace {

constexpr std::int64_t dust_sats_per_byte = 3;
// What spending an output takes: outpoint, sequence, and a script; a witness counts a quarter.
constexpr std::int64_t spend_bytes = 32 + 4 + 1 + 107 + 4;
constexpr std::int64_t witness_spend_bytes = 32 + 4 + 1 + 107 / 4 + 4;

bool is_witness_program(const base::Bytes& script) {
  constexpr std::uint8_t op_1 = 0x51;
  constexpr std::uint8_t op_16 = 0x60;
  if (script.size() < 4 || script.size() > 42) return false;
  const bool version = script[0] == 0 || (script[0] >= op_1 && script[0] <= op_16);
  return version && script[1] + std::size_t{2} == script.size();
}

void keep_only(std::vector<MinerBalance>& balances, const PlanOptions& options, PayoutPlan& plan) {
  if (options.addresses.empty()) return;
  const auto wanted = [&](const std::string& address) {
    return std::find(options.addresses.begin(), options.addresses.end(), address) !=
           options.addresses.end();
  };
  for (const std::string& address : options.addresses) {
    const bool owed = std::any_of(balances.begin(), balances.end(), [&](const MinerBalance& each) {
      return each.address == address;
    });
    if (!owed) plan.unknown.push_back(address);
  }
  std::erase_if(balances, [&](const MinerBalance& each) { return !wanted(each.address); });
}

// Empty: it can be paid.
std::string objection(const MinerBalance& balance, const PlanOptions& options,
                      std::map<base::Bytes, std::string>& scripts, base::Bytes& script) {
  const auto address = bitcoin::parse_address(balance.address, options.network);
  if (!address) {
    return fmt::format("the address is not valid on {}: {}", bitcoin::network_name(options.network),
                       bitcoin::describe(address.error()));
  }
  script = address->script_pubkey;
  if (balance.balance < dust_threshold(script)) {
    return fmt::format("dust: nodes relay no output of this kind below {} sats",
                       dust_threshold(script).value);
  }
  const auto [at, fresh] = scripts.emplace(script, balance.address);
  if (!fresh) return fmt::format("the same script as {}, in another spelling", at->second);
  return {};
}

}  // namespace

bitcoin::Sats dust_threshold(const base::Bytes& script_pubkey) {
  const auto size = static_cast<std::int64_t>(script_pubkey.size());
  const auto prefix = static_cast<std::int64_t>(bitcoin::compact_size_length(script_pubkey.size()));
  const std::int64_t spend = is_witness_program(script_pubkey) ? witness_spend_bytes : spend_bytes;
  return bitcoin::Sats((8 + prefix + size + spend) * dust_sats_per_byte);
}

bitcoin::Sats PayoutPlan::total() const {
  bitcoin::Sats sum;
  for (const auto& payment : payments) {
    for (const PaymentOutput& output : payment) sum.value += output.amount.value;
  }
  return sum;
}

std::size_t PayoutPlan::outputs() const {
  std::size_t count = 0;
  for (const auto& payment : payments) count += payment.size();
  return count;
}

PayoutPlan make_plan(std::vector<MinerBalance> balances, const PlanOptions& options) {
  ASSERT(options.outputs_max > 0);
  PayoutPlan plan;
  keep_only(balances, options, plan);
  std::sort(balances.begin(), balances.end(), [](const MinerBalance& a, const MinerBalance& b) {
    return a.balance != b.balance ? a.balance > b.balance : a.address < b.address;
  });
  std::map<base::Bytes, std::string> scripts;
  for (MinerBalance& balance : balances) {
    if (balance.balance.value <= 0) continue;
    if (balance.balance < options.minimum) {
      ++plan.below_minimum;
      plan.below_minimum_sats.value += balance.balance.value;
      continue;
    }
    base::Bytes script;
    std::string why = objection(balance, options, scripts, script);
    if (!why.empty()) {
      plan.left_out.push_back({std::move(balance), std::move(why)});
      continue;
    }
    if (plan.payments.empty() || plan.payments.back().size() == options.outputs_max) {
      plan.payments.emplace_back();
    }
    plan.payments.back().push_back(
        {balance.miner_id, balance.address, std::move(script), balance.balance});
  }
  return plan;
}

}  // namespace pool
