#include "pool/core/payment.h"

#include "pool/core/limits.h"
#include "tests/unit/pool/core/payment_fixture.h"

#include <doctest/doctest.h>

using namespace payment_test;
using pool::InputState;
using pool::Payment;
using pool::PaymentState;
using pool::PaymentView;
using pool::SendStep;
using pool::SettleStep;
using pool::SpendKind;

namespace {

constexpr PaymentState all_states[] = {PaymentState::planned, PaymentState::funded,
                                       PaymentState::signed_, PaymentState::sent,
                                       PaymentState::settled, PaymentState::cancelled};

PaymentView inputs(InputState a, InputState b) {
  PaymentView view;
  view.inputs = {a, b};
  return view;
}

SendStep step(PaymentState state, const PaymentView& view) {
  return pool::next_send_step(payment(state), view).step;
}

// The same inputs to miners in full, with less change; to one of them with less; to nobody.
pool::Spend replacement(std::int64_t confirmations) {
  const Payment p = payment(PaymentState::sent);
  return spend(transaction(p.inputs, p.outputs, 11), confirmations);
}
pool::Spend partial(std::int64_t confirmations) {
  const Payment p = payment(PaymentState::sent);
  return spend(transaction({p.inputs[1]}, {output(1, 30), output(2, 69)}), confirmations);
}
pool::Spend other(std::int64_t confirmations) {
  const Payment p = payment(PaymentState::sent);
  return spend(transaction({p.inputs[1]}, {output(99, 50)}), confirmations);
}

PaymentView with(std::initializer_list<pool::Spend> spends) {
  PaymentView view;
  view.spends = spends;
  return view;
}

}  // namespace

TEST_CASE("states have the database's names") {
  for (const PaymentState state : all_states) {
    CHECK_EQ(pool::payment_state_from_name(pool::payment_state_name(state)), state);
  }
  CHECK_EQ(pool::payment_state_name(PaymentState::signed_), "signed");
  CHECK_FALSE(pool::payment_state_from_name("signed_").has_value());
  CHECK_FALSE(pool::payment_state_from_name("").has_value());
}

TEST_CASE("a spend is the payment's own, a replacement, a part of it, or another") {
  const Payment p = payment(PaymentState::sent);
  CHECK_EQ(pool::classify_spend(p, own(p, 1)), SpendKind::own);
  CHECK_EQ(pool::classify_spend(p, replacement(1)), SpendKind::replacement);
  CHECK_EQ(pool::classify_spend(p, partial(1)), SpendKind::partial);
  CHECK_EQ(pool::classify_spend(p, other(1)), SpendKind::other);
  // One output can't pay two of the same script and amount.
  Payment twins = p;
  twins.outputs = {output(1, 30), output(1, 30)};
  CHECK_EQ(pool::classify_spend(twins, spend(transaction(p.inputs, {output(1, 30)}), 1)),
           SpendKind::partial);
  // What pays another payment's debts does not pay this one's.
  pool::Spend foreign = replacement(1);
  foreign.of_another_payment = true;
  CHECK_EQ(pool::classify_spend(p, foreign), SpendKind::other);
  CHECK(pool::spends_input_of(p, other(0).transaction));
  CHECK_FALSE(pool::spends_input_of(p, transaction({input(12, 60)}, p.outputs)));
  pool::PaymentInput same_txid = p.inputs[0];
  same_txid.outpoint.index += 1;
  CHECK_FALSE(pool::spends_input_of(p, transaction({same_txid}, p.outputs)));
}

TEST_CASE("sending goes fund, lock, sign, broadcast, and on from wherever it was left") {
  using enum InputState;
  CHECK_EQ(step(PaymentState::planned, {}), SendStep::fund);
  CHECK_EQ(step(PaymentState::funded, inputs(free, locked)), SendStep::lock_inputs);
  CHECK_EQ(step(PaymentState::funded, inputs(locked, locked)), SendStep::sign);
  CHECK_EQ(step(PaymentState::funded, inputs(locked, spent)), SendStep::take_back);
  CHECK_EQ(step(PaymentState::funded, inputs(free, spent)), SendStep::take_back);
  CHECK_EQ(step(PaymentState::signed_, inputs(locked, locked)), SendStep::broadcast);
  CHECK_EQ(step(PaymentState::signed_, inputs(free, spent)), SendStep::broadcast);
  CHECK_EQ(step(PaymentState::sent, inputs(free, free)), SendStep::broadcast);
  CHECK_EQ(step(PaymentState::cancelled, {}), SendStep::refuse);
}

TEST_CASE("what the node has is not sent again") {
  PaymentView view;
  view.in_mempool = true;
  CHECK_EQ(step(PaymentState::signed_, view), SendStep::note_sent);
  CHECK_EQ(step(PaymentState::sent, view), SendStep::done);
  for (const PaymentState state : {PaymentState::signed_, PaymentState::sent}) {
    const auto wanted = state == PaymentState::signed_ ? SendStep::note_sent : SendStep::done;
    CHECK_EQ(step(state, with({own(payment(state), 1)})), wanted);
  }
}

TEST_CASE("after it is signed there is never another transaction, whatever the node says") {
  using enum InputState;
  for (const PaymentState state :
       {PaymentState::signed_, PaymentState::sent, PaymentState::settled}) {
    for (const InputState a : {free, locked, spent}) {
      for (const InputState b : {free, locked, spent}) {
        for (const bool in_mempool : {false, true}) {
          for (const std::int64_t confirmations : {-100, -1, 0, 1, 100}) {
            for (const auto& spends : {with({}), with({own(payment(state), confirmations)}),
                                       with({other(confirmations)}), with({partial(confirmations)}),
                                       with({replacement(confirmations), other(confirmations)})}) {
              PaymentView view = spends;
              view.inputs = {a, b};
              view.in_mempool = in_mempool;
              const SendStep next = step(state, view);
              CHECK_NE(next, SendStep::fund);
              CHECK_NE(next, SendStep::sign);
              CHECK_NE(next, SendStep::take_back);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("a conflict in the chain ends the sending") {
  CHECK_EQ(step(PaymentState::sent, with({other(1)})), SendStep::refuse);
  CHECK_EQ(step(PaymentState::sent, with({replacement(1)})), SendStep::refuse);
  CHECK_EQ(step(PaymentState::sent, with({other(0)})), SendStep::broadcast);  // not in the chain
  CHECK_EQ(step(PaymentState::sent, with({own(payment(PaymentState::sent), -3), other(3)})),
           SendStep::refuse);
}

TEST_CASE("a settled payment that the chain has lost is sent again, by the same bytes") {
  const Payment p = payment(PaymentState::settled);
  CHECK_EQ(pool::next_send_step(p, with({own(p, 3)})).step, SendStep::done);
  CHECK_EQ(pool::next_send_step(p, with({own(p, 0)})).step, SendStep::broadcast);
  Payment replaced = p;
  replaced.settled_txid = replacement(1).txid;
  CHECK_EQ(pool::next_send_step(replaced, with({replacement(9)})).step, SendStep::done);
  CHECK_EQ(pool::next_send_step(replaced, with({replacement(0)})).step, SendStep::refuse);
}

TEST_CASE("a payment is settled at the wanted depth, by itself or by what replaced it") {
  const Payment p = payment(PaymentState::sent);
  const auto settle = [&](const PaymentView& view) { return pool::judge_settle(p, view, 6); };
  CHECK_EQ(settle({}).step, SettleStep::wait);
  CHECK_EQ(settle(with({own(p, 0)})).step, SettleStep::wait);
  CHECK_EQ(settle(with({own(p, 5)})).step, SettleStep::wait);
  const PaymentView deep = with({own(p, 6)});
  const auto settled = settle(deep);
  REQUIRE_EQ(settled.step, SettleStep::settle);
  CHECK_EQ(settled.by, &deep.spends[0]);
  CHECK_EQ(settled.fee.value, 5);
  const PaymentView bumped = with({own(p, -6), replacement(6)});
  const auto by_other = settle(bumped);
  REQUIRE_EQ(by_other.step, SettleStep::settle);
  CHECK_EQ(by_other.by, &bumped.spends[1]);
  CHECK_EQ(by_other.fee.value, 9);  // the replacement's own
  PaymentView fee_unknown = with({replacement(6)});
  fee_unknown.spends[0].fee.reset();
  CHECK_EQ(settle(fee_unknown).step, SettleStep::refuse);
  CHECK_EQ(settle(with({other(100)})).step, SettleStep::refuse);
  CHECK_EQ(settle(with({partial(100)})).step, SettleStep::refuse);
  // A payment is worth more than the deeper conflict beside it.
  CHECK_EQ(settle(with({other(100), replacement(6)})).step, SettleStep::settle);
  pool::Spend foreign = replacement(6);
  foreign.of_another_payment = true;
  CHECK_EQ(settle(with({foreign})).step, SettleStep::refuse);
  for (const PaymentState state : {PaymentState::planned, PaymentState::funded,
                                   PaymentState::settled, PaymentState::cancelled}) {
    CHECK_EQ(pool::judge_settle(payment(state), deep, 6).step, SettleStep::refuse);
  }
}

TEST_CASE("cancelling is free before the signature, and after it takes a conflict 100 deep") {
  CHECK(pool::judge_cancel(payment(PaymentState::planned), {}).allowed);
  CHECK(pool::judge_cancel(payment(PaymentState::funded), {}).allowed);
  CHECK_FALSE(pool::judge_cancel(payment(PaymentState::settled), {}).allowed);
  CHECK_FALSE(pool::judge_cancel(payment(PaymentState::cancelled), {}).allowed);
  for (const PaymentState state : {PaymentState::signed_, PaymentState::sent}) {
    const Payment p = payment(state);
    const auto allowed = [&](const PaymentView& view) {
      return pool::judge_cancel(p, view).allowed;
    };
    CHECK_FALSE(allowed({}));
    CHECK_FALSE(allowed(with({other(0)})));
    CHECK_FALSE(allowed(with({other(99)})));
    const PaymentView deep = with({own(p, -100), other(100)});
    CHECK(allowed(deep));
    CHECK_EQ(pool::judge_cancel(p, deep).by, &deep.spends[1]);
    CHECK_FALSE(allowed(with({own(p, 100)})));
    CHECK_FALSE(allowed(with({replacement(1000)})));  // paid, by another transaction
    CHECK_FALSE(allowed(with({partial(1000)})));
    CHECK_FALSE(allowed(with({other(100), replacement(1)})));
    CHECK_FALSE(allowed(with({other(100), partial(1)})));
    CHECK_FALSE(allowed(with({other(100), replacement(0)})));  // may yet be mined
    pool::Spend foreign = replacement(100);
    foreign.of_another_payment = true;
    CHECK(allowed(with({foreign})));
  }
  CHECK_EQ(pool::limits::payment_conflict_confirmations_min, 100);
}
