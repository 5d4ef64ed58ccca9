#include "pool/core/payment_check.h"

#include "tests/unit/pool/core/payment_fixture.h"

#include <doctest/doctest.h>

#include <functional>

using namespace payment_test;
using pool::check_funded;
using pool::check_signed;

namespace {

const std::vector<pool::PaymentOutput> outputs{output(1, 30), output(2, 70)};
const std::vector<pool::PaymentInput> inputs{input(10, 60), input(11, 60)};

base::Result<pool::FundedFacts, std::string> funded(const bitcoin::Transaction& tx,
                                                    std::int64_t fee_max = 1000) {
  return check_funded(outputs, tx, inputs, bitcoin::Sats(fee_max));
}

}  // namespace

TEST_CASE("the payment's outputs, at most one more, and what is left is the fee") {
  const auto with_change = funded(transaction(inputs, outputs, 15));
  REQUIRE(with_change.has_value());
  CHECK_EQ(with_change->fee.value, 5);
  CHECK_EQ(with_change->change, 2);
  const auto without = funded(transaction(inputs, outputs));
  REQUIRE(without.has_value());
  CHECK_EQ(without->fee.value, 20);
  CHECK_FALSE(without->change.has_value());
  // In any order; the fee may be as much as allowed, or nothing.
  CHECK(funded(transaction(inputs, {outputs[1], outputs[0]}, 15), 5).has_value());
  CHECK_FALSE(funded(transaction(inputs, outputs, 15), 4).has_value());
  CHECK(funded(transaction(inputs, outputs, 20), 0).has_value());
}

TEST_CASE("anything else is refused, and says what") {
  struct Row {
    const char* why;
    bitcoin::Transaction tx;
    const char* says;
  };
  bitcoin::Transaction twice = transaction({inputs[0], inputs[0]}, outputs);
  bitcoin::Transaction negative = transaction(inputs, outputs, -1);
  const Row rows[] = {
      {"a miner gets less", transaction(inputs, {output(1, 29), outputs[1]}), "does not pay 30"},
      {"a miner gets more", transaction(inputs, {output(1, 31), outputs[1]}), "does not pay 30"},
      {"a miner gets nothing", transaction(inputs, {outputs[1]}), "does not pay 30"},
      {"to another script", transaction(inputs, {output(3, 30), outputs[1]}), "does not pay 30"},
      {"two outputs more", transaction(inputs, {outputs[0], outputs[1], output(9, 1)}, 2),
       "none of the payment's"},
      {"paid twice, and change", transaction(inputs, {outputs[0], outputs[0], outputs[1]}, 2),
       "none of the payment's"},
      {"another input", transaction({inputs[0], input(12, 60)}, outputs), "looked up"},
      {"an input less", transaction({inputs[0]}, outputs), "looked up"},
      {"no input", transaction({}, outputs), "no inputs"},
      {"more out than in", transaction(inputs, outputs, 21), "more than its inputs"},
      {"a negative output", negative, "-1 sats"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto checked = funded(row.tx);
    REQUIRE_FALSE(checked.has_value());
    CHECK_NE(checked.error().find(row.says), std::string::npos);
  }
  const auto doubled = check_funded(outputs, twice, {inputs[0], inputs[0]}, bitcoin::Sats(1000));
  REQUIRE_FALSE(doubled.has_value());
  CHECK_NE(doubled.error().find("twice"), std::string::npos);
  const auto worth = check_funded(outputs, transaction(inputs, outputs),
                                  {inputs[0], input(11, -60)}, bitcoin::Sats(1000));
  CHECK_FALSE(worth.has_value());
}

TEST_CASE("what is signed is what was recorded, and every input has a signature") {
  const bitcoin::Transaction bare = transaction(inputs, outputs, 15);
  bitcoin::Transaction whole = bare;
  whole.inputs[0].script_sig = {1, 2};
  CHECK_FALSE(check_signed(bare, whole).has_value());  // the second has none
  whole.inputs[1].witness = {{1}, {2}};
  CHECK(check_signed(bare, whole).has_value());
  CHECK_FALSE(check_signed(bare, bare).has_value());
  const std::function<void(bitcoin::Transaction&)> changes[] = {
      [](auto& tx) { tx.outputs[0].value.value -= 1; },
      [](auto& tx) { tx.outputs[2].script_pubkey = script_of(66); },
      [](auto& tx) { tx.outputs.pop_back(); },
      [](auto& tx) { std::swap(tx.outputs[0], tx.outputs[1]); },
      [](auto& tx) { tx.inputs[0].prev_index += 1; },
      [](auto& tx) { tx.inputs[0].prev_txid = txid_of(77); },
      [](auto& tx) { tx.inputs[0].sequence = 0; },
      [](auto& tx) { tx.inputs.push_back(tx.inputs[0]); },
      [](auto& tx) { tx.lock_time = 1; },
      [](auto& tx) { tx.version = 1; },
  };
  for (const auto& change : changes) {
    bitcoin::Transaction changed = whole;
    change(changed);
    CHECK_FALSE(check_signed(bare, changed).has_value());
  }
}
