#include "pool/payout/payer.h"

#include "pool/core/limits.h"
#include "pool/core/payment_check.h"
#include "pool/payout/payment_look.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace pool {
namespace {

// `what` completes "payment 3: …".
tl::unexpected<PayoutError> about(const Payment& payment, int exit_code, std::string_view what) {
  return payout_err(exit_code, fmt::format("payment {}: {}", payment.id, what));
}

std::string_view would_do(SendStep step) {
  switch (step) {
    case SendStep::fund:
      return "would choose inputs and a fee, sign, and send";
    case SendStep::take_back:
      return "would choose other inputs, sign, and send";
    case SendStep::lock_inputs:
    case SendStep::sign:
    case SendStep::broadcast:
      return "would go on to send";
    case SendStep::note_sent:
      return "would note that the node has it";
    case SendStep::done:
    case SendStep::refuse:
      break;
  }
  return "nothing to do";
}

std::vector<Outpoint> free_inputs(const Payment& payment, const PaymentView& view) {
  std::vector<Outpoint> out;
  for (std::size_t i = 0; i < view.inputs.size(); ++i) {
    if (view.inputs[i] == InputState::free) out.push_back(payment.inputs[i].outpoint);
  }
  return out;
}

PayoutResult<bitcoin::Transaction> parsed(base::ByteSpan bytes, std::string_view what) {
  auto transaction = bitcoin::Transaction::parse(bytes);
  if (!transaction) {
    return payout_err(payout_world, fmt::format("{} is not a transaction", what));
  }
  return std::move(*transaction);
}

}  // namespace

Payer::Payer(PaymentStore& store, rpc::RpcEndpoint node, PayerOptions options)
    : store_(store), node_(std::move(node)), options_(std::move(options)) {}

PayoutResult<Payment> Payer::load(std::int64_t id) {
  auto row = store_.load(id);
  if (!row) return payout_err(row.error());
  Payment& payment = row->payment;
  if (auto resolved = resolve_scripts(payment, options_.network); !resolved) {
    return base::err(resolved.error());
  }
  return std::move(payment);
}

bitcoin::Sats Payer::fee_max(const Payment& payment) const {
  if (options_.fee_max) return *options_.fee_max;
  // At most 21e14 sats, so that the product fits.
  const std::int64_t part = payment.amount.value / 1000 * limits::payment_fee_ppm_max / 1000;
  return bitcoin::Sats(std::max(part, limits::payment_fee_sats_allowed));
}

PayoutResult<PayerOutcome> Payer::send(std::int64_t id) {
  PayerOutcome out{.id = id, .text = {}};
  for (int step = 0; step < limits::payment_steps_per_send_max; ++step) {
    const auto payment = load(id);
    if (!payment) return base::err(payment.error());
    out.state = payment->state;
    if (payment->state == PaymentState::cancelled) {
      return about(*payment, payout_refused, next_send_step(*payment, {}).why);
    }
    Wallet wallet(node_, payment->wallet);
    if (step == 0) {
      // An open wallet is wanted before anything is begun that would then wait for it.
      const auto fit = wallet.check(options_.network, !payment->is_signed());
      if (!fit) return base::err(fit.error());
    }
    const auto view = look_at(*payment, wallet, store_);
    if (!view) return base::err(view.error());
    const SendDecision decision = next_send_step(*payment, *view);
    if (decision.step == SendStep::refuse) return about(*payment, payout_refused, decision.why);
    if (decision.step == SendStep::done) {
      if (out.text.empty()) out.text = decision.why;
      return out;
    }
    if (!options_.commit) {
      out.text = would_do(decision.step);
      return out;
    }
    const auto more = take(decision, *payment, *view, wallet, out.text);
    if (!more) return base::err(more.error());
    out.changed = true;
    if (!*more) {
      out.state = PaymentState::sent;
      if (payment->state == PaymentState::settled) out.state = PaymentState::settled;
      return out;
    }
  }
  return payout_err(payout_world, fmt::format("payment {}: its inputs are taken away again and "
                                              "again: does another program spend from the wallet?",
                                              id));
}

PayoutResult<bool> Payer::take(const SendDecision& decision, const Payment& payment,
                               const PaymentView& view, Wallet& wallet, std::string& text) {
  const auto more = [](const PayoutResult<void>& done) -> PayoutResult<bool> {
    if (!done) return base::err(done.error());
    return true;
  };
  switch (decision.step) {
    case SendStep::fund:
      return more(fund(payment, wallet));
    case SendStep::take_back:
      return more(take_back(payment, decision.why, wallet));
    case SendStep::lock_inputs:
      return more(lock_inputs(payment, view, wallet));
    case SendStep::sign:
      return more(sign(payment, wallet));
    case SendStep::broadcast: {
      const auto sent = broadcast(payment, view, wallet, text);
      if (!sent) return base::err(sent.error());
      return false;
    }
    case SendStep::note_sent: {
      text = "the node had it already";
      const auto noted = store_.sent(payment.id, text);
      if (!noted) return payout_err(noted.error());
      return false;
    }
    case SendStep::done:
    case SendStep::refuse:
      break;
  }
  return false;
}

PayoutResult<void> Payer::fund(const Payment& payment, Wallet& wallet) {
  const auto tip = wallet.tip();
  if (!tip) return base::err(tip.error());
  const auto bytes = wallet.fund(payment.outputs, options_.fee);
  if (!bytes) return base::err(bytes.error());
  const auto funded = parsed(*bytes, "what fundrawtransaction made");
  if (!funded) return base::err(funded.error());
  std::vector<PaymentInput> inputs;
  for (const bitcoin::TxIn& in : funded->inputs) {
    const Outpoint outpoint{in.prev_txid, in.prev_index};
    const auto unspent = wallet.unspent(outpoint, true);
    if (!unspent) return base::err(unspent.error());
    if (!*unspent || (*unspent)->confirmations < options_.fee.input_confirmations_min) {
      return about(payment, payout_world,
                   fmt::format("the wallet chose the input {}, which is spent or has too few "
                               "confirmations: nothing was recorded, try again",
                               outpoint_text(outpoint)));
    }
    inputs.push_back({outpoint, (*unspent)->value});
  }
  const auto facts = check_funded(payment.outputs, *funded, inputs, fee_max(payment));
  if (!facts) {
    return about(payment, payout_world,
                 fmt::format("the transaction that the wallet made was not taken: {} (--fee-rate "
                             "and --max-fee-sats bound the fee)",
                             facts.error()));
  }
  if (facts->change) {
    auto mine = check_change(funded->outputs[*facts->change], wallet);
    if (!mine) return mine;
  }
  const auto recorded = store_.funded(payment.id, *bytes, *tip, inputs, facts->fee);
  if (!recorded) return payout_err(recorded.error());
  return {};
}

PayoutResult<void> Payer::check_change(const bitcoin::TxOut& change, Wallet& wallet) {
  const std::string address = bitcoin::address_of_script(change.script_pubkey, options_.network);
  const auto mine = address.empty() ? PayoutResult<bool>(false) : wallet.is_mine(address);
  if (!mine) return base::err(mine.error());
  if (!*mine) {
    return payout_err(payout_world,
                      fmt::format("{} sats of change would go to {}, which is not the wallet's: "
                                  "nothing was recorded",
                                  change.value.value, address.empty() ? "a bare script" : address));
  }
  return {};
}

PayoutResult<void> Payer::lock_inputs(const Payment& payment, const PaymentView& view,
                                      Wallet& wallet) {
  const std::vector<Outpoint> open = free_inputs(payment, view);
  if (auto done = wallet.lock(open, Wallet::IfSpent::fail); !done) return done;
  const auto noted = store_.note(payment.id, "locked", fmt::format("{} inputs", open.size()));
  if (!noted) return payout_err(noted.error());
  return {};
}

PayoutResult<void> Payer::sign(const Payment& payment, Wallet& wallet) {
  const auto funded = parsed(payment.funded_tx, "what is recorded as funded");
  if (!funded) return base::err(funded.error());
  const auto answer = wallet.sign(payment.funded_tx);
  if (!answer) return base::err(answer.error());
  if (!answer->complete) {
    return about(payment, payout_world,
                 fmt::format("the wallet \"{}\" can't sign all of it: {}", payment.wallet,
                             answer->error.empty() ? "it has not all the keys" : answer->error));
  }
  const auto made = parsed(answer->transaction, "what the wallet signed");
  if (!made) return base::err(made.error());
  if (auto same = check_signed(*funded, *made); !same) {
    return about(payment, payout_world, same.error());
  }
  // Once it is recorded as signed there is no other way than these bytes, so it is asked before.
  const auto fit = wallet.would_accept(answer->transaction);
  if (!fit) return base::err(fit.error());
  if (!fit->allowed) {
    const std::string why = fmt::format("the node would not take it: {}", fit->reason);
    if (auto done = take_back(payment, why, wallet); !done) return done;
    return about(payment, payout_world,
                 fmt::format("{}; nothing was recorded as signed: send it again, with another "
                             "--fee-rate if that is the reason",
                             why));
  }
  const auto recorded = store_.signed_as(payment.id, answer->transaction, made->txid());
  if (!recorded) return payout_err(recorded.error());
  return {};
}

PayoutResult<void> Payer::take_back(const Payment& payment, const std::string& why,
                                    Wallet& wallet) {
  // First the locks: after the record nobody would know of them.
  if (auto done = unlock_inputs(payment, wallet); !done) return done;
  const auto recorded = store_.taken_back(payment.id, why);
  if (!recorded) return payout_err(recorded.error());
  return {};
}

PayoutResult<void> Payer::unlock_inputs(const Payment& payment, Wallet& wallet) {
  if (payment.inputs.empty()) return {};
  const auto locked = wallet.locked();
  if (!locked) return base::err(locked.error());
  for (const PaymentInput& input : payment.inputs) {
    if (std::find(locked->begin(), locked->end(), input.outpoint) == locked->end()) continue;
    if (auto done = wallet.unlock({input.outpoint}); !done) return done;
  }
  return {};
}

PayoutResult<void> Payer::broadcast(const Payment& payment, const PaymentView& view, Wallet& wallet,
                                    std::string& text) {
  // Locks do not outlast everything: an abandoned transaction has none. Where the wallet refuses,
  // it counts them as spent by these very bytes, which keeps them as well.
  for (const Outpoint& each : free_inputs(payment, view)) {
    auto locked = wallet.lock({each}, Wallet::IfSpent::ignore);
    if (!locked) return locked;
  }
  const auto said = wallet.broadcast(payment.signed_tx, payment.txid);
  if (!said) return base::err(said.error());
  if (!said->taken) {
    return about(payment, payout_world,
                 fmt::format("it stays {}; the node does not take it: {}; send it again later",
                             payment_state_name(payment.state), said->reason));
  }
  const bool first = payment.state == PaymentState::signed_;
  text = fmt::format("{} {}", first ? "sent" : "sent again", payment.txid.display_hex());
  const auto recorded = first ? store_.sent(payment.id, said->reason)
                              : store_.note(payment.id, "sent again", said->reason);
  if (!recorded) return payout_err(recorded.error());
  return {};
}

PayoutResult<PayerOutcome> Payer::settle(std::int64_t id) {
  const auto payment = load(id);
  if (!payment) return base::err(payment.error());
  PayerOutcome out{.id = id, .state = payment->state, .text = {}};
  if (payment->state != PaymentState::signed_ && payment->state != PaymentState::sent) {
    return about(*payment, payout_refused, judge_settle(*payment, {}, 1).why);
  }
  Wallet wallet(node_, payment->wallet);
  if (auto fit = wallet.check(options_.network, false); !fit) return base::err(fit.error());
  const auto view = look_at(*payment, wallet, store_);
  if (!view) return base::err(view.error());
  const SettleDecision decision = judge_settle(*payment, *view, options_.confirmations_min);
  if (decision.step == SettleStep::refuse) return about(*payment, payout_refused, decision.why);
  if (decision.step == SettleStep::wait) {
    out.text = decision.why;
    return out;
  }
  const std::string what =
      fmt::format("{} sats paid by {}, fee {} sats, {} confirmations", payment->amount.value,
                  decision.by->txid.display_hex(), decision.fee.value, decision.confirmations);
  if (!options_.commit) {
    out.text = "would be settled: " + what;
    return out;
  }
  const auto recorded = store_.settled(id, *decision.by, decision.fee);
  if (!recorded) return payout_err(recorded.error());
  out.state = PaymentState::settled;
  out.changed = true;
  out.text = what;
  return out;
}

PayoutResult<PayerOutcome> Payer::cancel(std::int64_t id) {
  const auto payment = load(id);
  if (!payment) return base::err(payment.error());
  PayerOutcome out{.id = id, .state = payment->state, .text = {}};
  Wallet wallet(node_, payment->wallet);
  PaymentView view;
  const bool over =
      payment->state == PaymentState::settled || payment->state == PaymentState::cancelled;
  if (!over && !payment->inputs.empty()) {
    if (auto fit = wallet.check(options_.network, false); !fit) return base::err(fit.error());
    auto seen = look_at(*payment, wallet, store_);
    if (!seen) return base::err(seen.error());
    view = std::move(*seen);
  }
  const CancelDecision decision = judge_cancel(*payment, view);
  if (!decision.allowed) return about(*payment, payout_refused, decision.why);
  if (!options_.commit) {
    out.text = fmt::format("would be cancelled: {}", decision.why);
    return out;
  }
  if (auto done = unlock_inputs(*payment, wallet); !done) return base::err(done.error());
  const auto recorded = store_.cancelled(id, decision.by, decision.why);
  if (!recorded) return payout_err(recorded.error());
  out.state = PaymentState::cancelled;
  out.changed = true;
  out.text = fmt::format("{} sats given back: {}", payment->amount.value, decision.why);
  return out;
}

}  // namespace pool
