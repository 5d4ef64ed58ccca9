#include "pool/store/payment_store.h"

#include "tests/loop/pool/store/store_fixture.h"

#include <doctest/doctest.h>

#include <functional>

using namespace store_test;
using bitcoin::Sats;
using pool::PaymentState;
using pool::PaymentStore;
using pool::PaymentStoreError;
using Kind = pool::PaymentStoreError::Kind;

namespace {

bitcoin::Txid txid_of(std::uint8_t n) {
  bitcoin::Txid txid;
  txid.bytes.fill(n);
  txid.bytes[0] = 1;  // so that its order shows
  return txid;
}

pool::Spend spend_of(std::uint8_t n, std::int64_t confirmations) {
  pool::Spend spend;
  spend.txid = txid_of(n);
  spend.confirmations = confirmations;
  spend.block.bytes.fill(n);
  return spend;
}

const base::Bytes funded_tx{1, 2, 3};
const base::Bytes signed_tx{1, 2, 3, 4};
const std::vector<pool::PaymentInput> inputs{{{txid_of(9), 4'000'000'000u}, Sats(70'000)},
                                             {{txid_of(8), 0}, Sats(50'000)}};

// A migrated database with miners 1 and 2, to whom 70000 and 30000 are owed.
struct World {
  World() {
    ask("INSERT INTO miners (address, first_seen) VALUES ('bcrt1a', now()), ('bcrt1b', now())");
    owe(1, 70'000);
    owe(2, 30'000);
    REQUIRE(store.has_value());
  }
  std::string ask(const std::string& sql) const { return store_test::ask(database, sql); }
  void owe(int miner, int sats) const {
    const std::string amount = std::to_string(sats);
    ask("SELECT post_to_ledger('adjustment', NULL, NULL, 'test', ARRAY['rewards', 'miners'],"
        " ARRAY[NULL, " +
        std::to_string(miner) + "]::bigint[], ARRAY[-" + amount + ", " + amount + "]::bigint[])");
  }
  // "owed transit paid" of a miner.
  std::string balance(int miner) const {
    return ask(
        "SELECT concat_ws(' ', balance_sats, in_transit_sats, paid_sats) FROM"
        " miner_balances WHERE miner_id = " +
        std::to_string(miner));
  }
  std::int64_t plan() {
    const auto ids = store->plan("w", "n:1", {{output(1, 70'000), output(2, 30'000)}});
    if (!ids) FAIL(ids.error().message);
    return ids->front();
  }
  static pool::PaymentOutput output(std::int64_t miner, std::int64_t sats) {
    return {miner, "", {}, Sats(sats)};
  }
  // Brought as far as `state`.
  std::int64_t payment(PaymentState state) {
    const std::int64_t id = plan();
    if (state == PaymentState::planned) return id;
    REQUIRE(store->funded(id, funded_tx, {}, inputs, Sats(500)).has_value());
    if (state == PaymentState::funded) return id;
    REQUIRE(store->signed_as(id, signed_tx, txid_of(5)).has_value());
    if (state == PaymentState::signed_) return id;
    REQUIRE(store->sent(id, "").has_value());
    if (state == PaymentState::settled) {
      REQUIRE(store->settled(id, spend_of(5, 6), Sats(500)).has_value());
    } else if (state == PaymentState::cancelled) {
      const pool::Spend by = spend_of(6, 100);
      REQUIRE(store->cancelled(id, &by, "test").has_value());
    }
    return id;
  }

  std::string database = migrated_database();
  PaymentStore::Outcome<PaymentStore> store = PaymentStore::open(database);
};

template <class T>
void check_refused(const PaymentStore::Outcome<T>& outcome, const std::string& part) {
  REQUIRE_FALSE(outcome.has_value());
  CAPTURE(outcome.error().message);
  CHECK_EQ(outcome.error().kind, Kind::refused);
  CHECK_NE(outcome.error().message.find(part), std::string::npos);
  CHECK_EQ(outcome.error().message.find("CONTEXT"), std::string::npos);
}

}  // namespace

TEST_CASE("a payment's way, as it reads back at each step, with the ledger beside it") {
  World world;
  CHECK_EQ(world.store->balances()->size(), 2);
  CHECK_FALSE(world.store->minimum_in_force()->has_value());
  const std::int64_t id = world.plan();
  CHECK_EQ(world.balance(1), "0 70000 0");
  CHECK_EQ(world.store->balances()->size(), 0);
  CHECK_EQ(world.store->set_aside()->value, 100'000);
  auto row = world.store->load(id);
  REQUIRE(row.has_value());
  CHECK_EQ(row->payment.state, PaymentState::planned);
  CHECK_EQ(row->payment.wallet, "w");
  CHECK_EQ(row->node, "n:1");
  CHECK_EQ(row->payment.amount.value, 100'000);
  REQUIRE_EQ(row->payment.outputs.size(), 2);
  CHECK_EQ(row->payment.outputs[0].address, "bcrt1a");
  CHECK_EQ(row->payment.outputs[1].amount.value, 30'000);
  CHECK(row->payment.inputs.empty());

  bitcoin::BlockHash tip;
  tip.bytes[31] = 7;
  REQUIRE(world.store->funded(id, funded_tx, tip, inputs, Sats(500)).has_value());
  CHECK_EQ(world.store->set_aside()->value, 100'500);
  row = world.store->load(id);
  CHECK_EQ(row->payment.state, PaymentState::funded);
  CHECK_EQ(row->payment.funded_tx, funded_tx);
  CHECK_EQ(row->payment.funded_tip, tip);
  CHECK_EQ(row->payment.fee.value, 500);
  REQUIRE_EQ(row->payment.inputs.size(), 2);
  CHECK_EQ(row->payment.inputs[0].outpoint, inputs[0].outpoint);
  CHECK_EQ(row->payment.inputs[1].value.value, 50'000);
  CHECK_FALSE(row->payment.is_signed());

  REQUIRE(world.store->note(id, "locked", "2 inputs\x01").has_value());
  REQUIRE(world.store->signed_as(id, signed_tx, txid_of(5)).has_value());
  row = world.store->load(id);
  CHECK_EQ(row->payment.state, PaymentState::signed_);
  CHECK_EQ(row->payment.signed_tx, signed_tx);
  CHECK_EQ(row->payment.txid, txid_of(5));
  CHECK_EQ(world.ask("SELECT encode(txid, 'hex') FROM payments"), txid_of(5).display_hex());
  CHECK(*world.store->is_of_another(id + 1, txid_of(5)));
  CHECK_FALSE(*world.store->is_of_another(id, txid_of(5)));

  REQUIRE(world.store->sent(id, "x").has_value());
  CHECK_EQ(world.store->set_aside()->value, 0);  // the wallet's balance shows it
  CHECK_EQ(world.store->ids(true, 10)->size(), 1);
  REQUIRE(world.store->settled(id, spend_of(5, 6), Sats(500)).has_value());
  row = world.store->load(id);
  CHECK_EQ(row->payment.state, PaymentState::settled);
  CHECK_EQ(*row->payment.settled_txid, txid_of(5));
  CHECK_EQ(world.balance(1), "0 0 70000");
  CHECK_EQ(world.ask("SELECT string_agg(account || ' ' || balance_sats, ', ' ORDER BY account)"
                     " FROM account_balances WHERE miner_id IS NULL"),
           "network_fees 500, reserve -500, rewards -100000");
  CHECK(world.store->ids(true, 10)->empty());
  CHECK_EQ(world.store->ids(false, 10)->size(), 1);
  std::string steps;
  const auto done = world.store->steps(id);
  for (const auto& step : *done) steps += step.step + ",";
  CHECK_EQ(steps, "planned,funded,locked,signed,sent,settled,");
}

TEST_CASE("nobody is planned more than is owed, and a wrong plan leaves nothing behind") {
  World world;
  const auto& output = World::output;
  check_refused(world.store->plan("w", "n", {{output(1, 70'001)}}), "70000 sats are owed");
  check_refused(world.store->plan("w", "n", {{output(3, 1)}}), "0 sats are owed");
  check_refused(world.store->plan("w", "n", {{output(1, 0)}}), "0 sats");
  check_refused(world.store->plan("w", "n", {{output(1, -5)}}), "-5 sats");
  check_refused(world.store->plan("w", "n", {{}}), "needs miners");
  // Each of two is in order, both together are not.
  check_refused(world.store->plan("w", "n", {{output(1, 70'000)}, {output(1, 1)}}), "owed");
  CHECK_EQ(world.ask("SELECT count(*) FROM payments"), "0");
  CHECK_EQ(world.balance(1), "70000 0 0");
  REQUIRE_EQ(world.store->plan("w", "n", {{output(1, 70'000)}, {output(2, 30'000)}})->size(), 2);
}

TEST_CASE("from each state only the known ways lead on") {
  struct Act {
    const char* name;
    std::function<PaymentStore::Outcome<void>(PaymentStore&, std::int64_t)> act;
    std::string from;  // initials of the states it is allowed in
  };
  const pool::Spend own = spend_of(5, 6);
  const pool::Spend conflict = spend_of(6, 100);
  const Act acts[] = {
      {"funded", [](auto& s, auto id) { return s.funded(id, funded_tx, {}, inputs, Sats(500)); },
       "p"},
      {"taken back", [](auto& s, auto id) { return s.taken_back(id, "why"); }, "f"},
      {"signed", [](auto& s, auto id) { return s.signed_as(id, signed_tx, txid_of(7)); }, "f"},
      {"sent", [](auto& s, auto id) { return s.sent(id, ""); }, "s"},
      {"settled", [&](auto& s, auto id) { return s.settled(id, own, Sats(500)); }, "sS"},
      {"cancelled", [](auto& s, auto id) { return s.cancelled(id, nullptr, "why"); }, "pf"},
      {"cancelled by a conflict",
       [&](auto& s, auto id) { return s.cancelled(id, &conflict, "why"); }, "pfsS"},
  };
  const std::pair<PaymentState, char> states[] = {
      {PaymentState::planned, 'p'}, {PaymentState::funded, 'f'},  {PaymentState::signed_, 's'},
      {PaymentState::sent, 'S'},    {PaymentState::settled, 'x'}, {PaymentState::cancelled, 'c'}};
  for (const auto& entry : states) {
    const PaymentState state = entry.first;
    const char initial = entry.second;
    for (const Act& act : acts) {
      CAPTURE(initial);
      CAPTURE(act.name);
      World world;
      const std::int64_t id = world.payment(state);
      const std::string before = world.ask("SELECT payments::text FROM payments");
      const auto done = act.act(*world.store, id);
      CHECK_EQ(done.has_value(), act.from.find(initial) != std::string::npos);
      if (!done) {
        CHECK_EQ(done.error().kind, Kind::refused);
        CHECK_EQ(world.ask("SELECT payments::text FROM payments"), before);
      }
      CHECK_EQ(world.ask("SELECT sum(amount_sats) FROM ledger"), "0");
    }
  }
}

TEST_CASE("a signed payment is given back only against a conflict of 100 confirmations") {
  World world;
  const std::int64_t id = world.payment(PaymentState::signed_);
  const pool::Spend shallow = spend_of(6, 99);
  const pool::Spend itself = spend_of(5, 100);
  const pool::Spend deep = spend_of(6, 100);
  check_refused(world.store->cancelled(id, nullptr, "why"), "may still be mined");
  check_refused(world.store->cancelled(id, &shallow, "why"), "may still be mined");
  check_refused(world.store->cancelled(id, &itself, "why"), "may still be mined");
  CHECK_EQ(world.balance(2), "0 30000 0");
  REQUIRE(world.store->cancelled(id, &deep, "why").has_value());
  CHECK_EQ(world.balance(2), "30000 0 0");
  CHECK_EQ(*world.store->load(id)->payment.conflict_txid, txid_of(6));
}

TEST_CASE("what was signed, paid and done stays as it is, in psql too") {
  World world;
  const std::int64_t id = world.payment(PaymentState::signed_);
  const char* const changes[] = {
      "UPDATE payments SET state = 'sent', signed_tx = '\\x00'",
      "UPDATE payments SET state = 'sent', txid = txid, inputs = '[]'",
      "UPDATE payments SET state = 'sent', amount_sats = 1",
      "UPDATE payments SET state = 'planned', signed_tx = NULL, txid = NULL",
      "UPDATE payments SET state = 'signed'",
      "DELETE FROM payments",
      "TRUNCATE payments CASCADE",
      "UPDATE payment_outputs SET amount_sats = 1",
      "DELETE FROM payment_outputs",
      "UPDATE payment_steps SET detail = ''",
      "DELETE FROM payment_steps",
  };
  for (const char* change : changes) {
    CAPTURE(change);
    CHECK_THROWS_AS(world.ask(change), pqxx::sql_error);
  }
  // Nothing forbids another row; it is noticed before anything else happens.
  world.ask("INSERT INTO miners (address, first_seen) VALUES ('bcrt1c', now())");
  world.ask("INSERT INTO payment_outputs VALUES (" + std::to_string(id) + ", 3, 'bcrt1c', 5)");
  check_refused(world.store->sent(id, ""), "its outputs are 100005 sats");
}

TEST_CASE("the fee of the recorded transaction is what was recorded") {
  World world;
  const std::int64_t id = world.payment(PaymentState::sent);
  check_refused(world.store->settled(id, spend_of(5, 6), Sats(501)), "a fee of 501");
  check_refused(world.store->settled(id, spend_of(6, 6), Sats(-1)), "a fee of -1");
  REQUIRE(world.store->settled(id, spend_of(6, 6), Sats(900)).has_value());  // a replacement
  CHECK_EQ(world.store->load(id)->payment.settled_fee->value, 900);
}

TEST_CASE("one transaction settles one payment") {
  World world;
  const std::int64_t first = world.payment(PaymentState::settled);
  world.owe(1, 70'000);
  world.owe(2, 30'000);
  const std::int64_t second = world.plan();
  REQUIRE(world.store->funded(second, funded_tx, {}, inputs, Sats(500)).has_value());
  CHECK_FALSE(world.store->signed_as(second, signed_tx, txid_of(5)).has_value());
  REQUIRE(world.store->signed_as(second, signed_tx, txid_of(7)).has_value());
  CHECK_FALSE(world.store->settled(second, spend_of(5, 6), Sats(500)).has_value());
  CHECK(*world.store->is_of_another(second, txid_of(5)));
  CHECK_EQ(world.store->load(first)->payment.state, PaymentState::settled);
}

TEST_CASE("an unknown payment, a second session, and a database without the schema") {
  World world;
  check_refused(world.store->load(99), "no payment 99");
  check_refused(world.store->sent(99, ""), "no payment 99");
  REQUIRE(world.store->lock().has_value());
  {
    auto second = PaymentStore::open(world.database);
    REQUIRE(second.has_value());
    const auto refused = second->lock();
    REQUIRE_FALSE(refused.has_value());
    CHECK_EQ(refused.error().kind, Kind::busy);
  }
  const auto empty = PaymentStore::open(PrivatePostgres::instance().make_database());
  REQUIRE_FALSE(empty.has_value());
  CHECK_EQ(empty.error().kind, Kind::schema);
  CHECK_NE(empty.error().message.find("phasepool migrate"), std::string::npos);
  const auto away = PaymentStore::open("postgresql:///nowhere?host=/nowhere&password=secret");
  REQUIRE_FALSE(away.has_value());
  CHECK_EQ(away.error().kind, Kind::lost);
  CHECK_EQ(away.error().message.find("secret"), std::string::npos);
}

TEST_CASE("the role for payouts can do all of it, and the pool's own nothing") {
  World world;
  const auto as_role = [&](const std::string& role) {
    return world.database + " options='-c role=" + role + "'";
  };
  auto payouts = PaymentStore::open(as_role("phasepool_payouts"));
  if (!payouts) FAIL(payouts.error().message);
  world.store = std::move(payouts);
  world.payment(PaymentState::settled);
  CHECK_EQ(world.balance(1), "0 0 70000");
  auto own = PaymentStore::open(as_role("phasepool"));
  REQUIRE(own.has_value());
  const auto refused = own->plan("w", "n", {{World::output(1, 1)}});
  REQUIRE_FALSE(refused.has_value());
  CHECK_EQ(refused.error().kind, Kind::schema);
  CHECK_NE(refused.error().message.find("phasepool_payouts"), std::string::npos);
}
