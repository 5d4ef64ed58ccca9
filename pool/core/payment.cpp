#include "pool/core/payment.h"

#include "pool/core/limits.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace pool {
namespace {

constexpr std::array<std::pair<PaymentState, std::string_view>, 6> state_names{{
    {PaymentState::planned, "planned"},
    {PaymentState::funded, "funded"},
    {PaymentState::signed_, "signed"},
    {PaymentState::sent, "sent"},
    {PaymentState::settled, "settled"},
    {PaymentState::cancelled, "cancelled"},
}};

const Spend* find_spend(const PaymentView& view, const bitcoin::Txid& txid) {
  const auto at = std::find_if(view.spends.begin(), view.spends.end(),
                               [&](const Spend& spend) { return spend.txid == txid; });
  return at == view.spends.end() ? nullptr : &*at;
}

std::int64_t own_confirmations(const Payment& payment, const PaymentView& view) {
  const Spend* own = find_spend(view, payment.txid);
  return own == nullptr ? 0 : own->confirmations;
}

// Of the spends in the chain the one that says most: the chain may hold another one for each input.
// A payment is worth more than a conflict, then the deeper one counts.
const Spend* spend_in_chain(const Payment& payment, const PaymentView& view) {
  const Spend* best = nullptr;
  const auto rank = [&](const Spend& spend) {
    return std::pair(-static_cast<int>(classify_spend(payment, spend)), spend.confirmations);
  };
  for (const Spend& spend : view.spends) {
    if (spend.confirmations <= 0) continue;
    if (best == nullptr || rank(spend) > rank(*best)) best = &spend;
  }
  return best;
}

bool any(const PaymentView& view, InputState state) {
  return std::find(view.inputs.begin(), view.inputs.end(), state) != view.inputs.end();
}

SendDecision next_unsigned_step(const PaymentView& view) {
  if (any(view, InputState::spent)) {
    return {SendStep::take_back, "an input was spent by another transaction before it was signed"};
  }
  if (any(view, InputState::free)) return {SendStep::lock_inputs, {}};
  return {SendStep::sign, {}};
}

std::string conflict_text(const Payment& payment, const Spend& spend) {
  switch (classify_spend(payment, spend)) {
    case SpendKind::own:
      break;
    case SpendKind::replacement:
      return fmt::format(
          "it was replaced by {}, which pays the same outputs and has {} confirmations: settle it",
          spend.txid.display_hex(), spend.confirmations);
    case SpendKind::partial:
      return fmt::format(
          "an input was spent by {}, which pays some of its addresses, but not all in full: no "
          "command can tell what is still owed; settle this with the miners by hand",
          spend.txid.display_hex());
    case SpendKind::other:
      return fmt::format(
          "an input was spent by {}, which pays nobody of it and has {} confirmations: from {} on "
          "it can be cancelled",
          spend.txid.display_hex(), spend.confirmations,
          limits::payment_conflict_confirmations_min);
  }
  return {};
}

SendDecision next_signed_step(const Payment& payment, const PaymentView& view) {
  const std::int64_t confirmations = own_confirmations(payment, view);
  if (confirmations > 0 || view.in_mempool) {
    if (payment.state == PaymentState::signed_) return {SendStep::note_sent, {}};
    return {SendStep::done, confirmations > 0 ? fmt::format("{} confirmations", confirmations)
                                              : std::string("in the node's mempool")};
  }
  if (const Spend* other = spend_in_chain(payment, view)) {
    return {SendStep::refuse, conflict_text(payment, *other)};
  }
  return {SendStep::broadcast, {}};
}

}  // namespace

std::string_view payment_state_name(PaymentState state) {
  for (const auto& [known, name] : state_names) {
    if (known == state) return name;
  }
  return {};
}

std::optional<PaymentState> payment_state_from_name(std::string_view name) {
  for (const auto& [state, known] : state_names) {
    if (known == name) return state;
  }
  return std::nullopt;
}

std::string outpoint_text(const Outpoint& outpoint) {
  return fmt::format("{}:{}", outpoint.txid.display_hex(), outpoint.index);
}

bool spends_input_of(const Payment& payment, const bitcoin::Transaction& transaction) {
  std::set<Outpoint> ours;
  for (const PaymentInput& input : payment.inputs) ours.insert(input.outpoint);
  return std::any_of(transaction.inputs.begin(), transaction.inputs.end(),
                     [&](const bitcoin::TxIn& in) {
                       return ours.contains({in.prev_txid, in.prev_index});
                     });
}

// Each output there counts once, whoever shares a script with whom.
SpendKind classify_spend(const Payment& payment, const Spend& spend) {
  if (payment.is_signed() && spend.txid == payment.txid) return SpendKind::own;
  if (spend.of_another_payment) return SpendKind::other;
  std::multiset<std::pair<base::Bytes, bitcoin::Sats>> there;
  std::set<base::Bytes> scripts;
  for (const bitcoin::TxOut& out : spend.transaction.outputs) {
    there.emplace(out.script_pubkey, out.value);
    scripts.insert(out.script_pubkey);
  }
  bool all = true;
  bool none = true;
  for (const PaymentOutput& output : payment.outputs) {
    none = none && !scripts.contains(output.script_pubkey);
    const auto at = there.find({output.script_pubkey, output.amount});
    if (at == there.end()) {
      all = false;
    } else {
      there.erase(at);
    }
  }
  if (all) return SpendKind::replacement;
  return none ? SpendKind::other : SpendKind::partial;
}

SendDecision next_send_step(const Payment& payment, const PaymentView& view) {
  switch (payment.state) {
    case PaymentState::planned:
      return {SendStep::fund, {}};
    case PaymentState::funded:
      return next_unsigned_step(view);
    case PaymentState::signed_:
    case PaymentState::sent:
      return next_signed_step(payment, view);
    case PaymentState::settled:
      // A chain can lose any block; the debt stays paid by these bytes alone.
      if (const Spend* spend = spend_in_chain(payment, view)) {
        return {SendStep::done, fmt::format("settled, {} confirmations", spend->confirmations)};
      }
      if (payment.settled_txid != payment.txid) {
        return {SendStep::refuse,
                "it was settled by a replacement, which the chain has lost: send that one again "
                "from the wallet"};
      }
      return next_signed_step(payment, view);
    case PaymentState::cancelled:
      return {SendStep::refuse, "it was cancelled: plan another one"};
  }
  return {};
}

SettleDecision judge_settle(const Payment& payment, const PaymentView& view,
                            std::int64_t confirmations_min) {
  SettleDecision out;
  if (payment.state != PaymentState::signed_ && payment.state != PaymentState::sent) {
    out.why = fmt::format("it is {}: only what was sent can be settled",
                          payment_state_name(payment.state));
    return out;
  }
  const Spend* spend = spend_in_chain(payment, view);
  if (spend == nullptr) {
    out.step = SettleStep::wait;
    out.why = view.in_mempool ? "in the node's mempool, not in a block yet"
                              : "neither in the chain nor in the mempool: send it again";
    return out;
  }
  out.confirmations = spend->confirmations;
  const SpendKind kind = classify_spend(payment, *spend);
  if (kind == SpendKind::partial || kind == SpendKind::other) {
    out.why = conflict_text(payment, *spend);
    return out;
  }
  if (spend->confirmations < confirmations_min) {
    out.step = SettleStep::wait;
    out.why = fmt::format("{} of {} confirmations", spend->confirmations, confirmations_min);
    return out;
  }
  if (kind == SpendKind::replacement && !spend->fee) {
    out.why = fmt::format("it was replaced by {}, of which the wallet doesn't tell the fee",
                          spend->txid.display_hex());
    return out;
  }
  out.step = SettleStep::settle;
  out.by = spend;
  out.fee = kind == SpendKind::own ? payment.fee : *spend->fee;
  return out;
}

CancelDecision judge_cancel(const Payment& payment, const PaymentView& view) {
  CancelDecision out;
  if (payment.state == PaymentState::settled || payment.state == PaymentState::cancelled) {
    out.why = fmt::format("it is {} already", payment_state_name(payment.state));
    return out;
  }
  if (!payment.is_signed()) {
    out.allowed = true;
    out.why = "nothing was signed";
    return out;
  }
  const Spend* spend = spend_in_chain(payment, view);
  if (spend == nullptr) {
    out.why = fmt::format(
        "it is signed, and whoever has its bytes can still have it mined: spend one of its inputs "
        "in another transaction, and wait for {} confirmations of that",
        limits::payment_conflict_confirmations_min);
    return out;
  }
  const SpendKind kind = classify_spend(payment, *spend);
  if (kind == SpendKind::own) {
    out.why =
        fmt::format("it is in the chain, with {} confirmations: settle it", spend->confirmations);
    return out;
  }
  const auto pays = std::find_if(view.spends.begin(), view.spends.end(), [&](const Spend& each) {
    return each.confirmations == 0 && classify_spend(payment, each) != SpendKind::other;
  });
  out.allowed = kind == SpendKind::other && pays == view.spends.end() &&
                spend->confirmations >= limits::payment_conflict_confirmations_min;
  if (!out.allowed) {
    out.why = conflict_text(payment, pays == view.spends.end() ? *spend : *pays);
    return out;
  }
  out.by = spend;
  out.why = fmt::format("{} spent an input and has {} confirmations", spend->txid.display_hex(),
                        spend->confirmations);
  return out;
}

}  // namespace pool
