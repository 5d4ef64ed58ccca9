#include "pool/store/payment_store.h"

#include "common/base/test_faults.h"
#include "pool/store/database.h"
#include "pool/store/database_text.h"
#include "pool/store/migrate.h"
#include "pool/store/schema_version.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace pool {
namespace {

using Kind = PaymentStoreError::Kind;

constexpr std::string_view lock_not_available = "55P03";
constexpr std::size_t detail_bytes_max = 1024;
constexpr const char* utc = R"('YYYY-MM-DD"T"HH24:MI:SS"Z"')";

// "ERROR:  what HINT:  why CONTEXT:  where" without its headings; the function that raised it is no
// news for the operator.
std::string plain(std::string text) {
  constexpr std::string_view error = "ERROR:  ";
  constexpr std::string_view hint = " HINT:  ";
  if (text.starts_with(error)) text.erase(0, error.size());
  if (const std::size_t at = text.find(" CONTEXT:  "); at != std::string::npos) text.resize(at);
  if (const std::size_t at = text.find(hint); at != std::string::npos) {
    text.replace(at, hint.size(), ": ");
  }
  return text;
}

// PostgreSQL's classes: our own PH, 42501 insufficient privilege, 42xxx what isn't there.
PaymentStoreError translated(const DatabaseError& error) {
  const std::string& state = error.sqlstate;
  const bool ours = state.starts_with("PH");
  if (ours || error.kind == DatabaseFailure::refused_data)
    return {Kind::refused, plain(error.message)};
  if (state == "42501") {
    return {Kind::schema,
            error.message + " (this login needs the role phasepool_payouts: GRANT it)"};
  }
  if (state.starts_with("42")) return {Kind::schema, error.message};
  return {Kind::lost, "database: " + error.message};
}

base::Bytes bytes_of(const pqxx::field& hex) {
  if (hex.is_null()) return {};
  return base::from_hex(hex.as<std::string>()).value_or(base::Bytes{});
}

template <class Hash>
std::optional<Hash> hash_of(const pqxx::field& display_hex) {
  if (display_hex.is_null()) return std::nullopt;
  auto hash = Hash::from_display_hex(display_hex.as<std::string>());
  if (!hash) return std::nullopt;
  return *hash;
}

Payment payment_of(const pqxx::row& row) {
  Payment payment;
  payment.id = row["id"].as<std::int64_t>();
  // The column's constraint knows the same names.
  payment.state =
      payment_state_from_name(row["state"].as<std::string>()).value_or(PaymentState::cancelled);
  payment.wallet = row["wallet"].as<std::string>();
  payment.amount = bitcoin::Sats(row["amount_sats"].as<std::int64_t>());
  payment.funded_tx = bytes_of(row["funded_tx"]);
  payment.funded_tip =
      hash_of<bitcoin::BlockHash>(row["funded_tip"]).value_or(bitcoin::BlockHash{});
  payment.fee = bitcoin::Sats(row["fee_sats"].as<std::int64_t>(0));
  payment.signed_tx = bytes_of(row["signed_tx"]);
  payment.txid = hash_of<bitcoin::Txid>(row["txid"]).value_or(bitcoin::Txid{});
  payment.settled_txid = hash_of<bitcoin::Txid>(row["settled_txid"]);
  if (!row["settled_fee_sats"].is_null()) {
    payment.settled_fee = bitcoin::Sats(row["settled_fee_sats"].as<std::int64_t>());
  }
  payment.conflict_txid = hash_of<bitcoin::Txid>(row["conflict_txid"]);
  return payment;
}

std::string payment_query() {
  return fmt::format(
      "SELECT id, state, wallet, node, amount_sats, fee_sats, settled_fee_sats,"
      " encode(funded_tx, 'hex') AS funded_tx, encode(funded_tip, 'hex') AS funded_tip,"
      " encode(signed_tx, 'hex') AS signed_tx, encode(txid, 'hex') AS txid,"
      " encode(settled_txid, 'hex') AS settled_txid,"
      " encode(conflict_txid, 'hex') AS conflict_txid,"
      " to_char(created_at AT TIME ZONE 'UTC', {0}) AS created_at,"
      " to_char(state_since AT TIME ZONE 'UTC', {0}) AS state_since"
      " FROM payments WHERE id = $1",
      utc);
}

std::vector<PaymentOutput> outputs_of(pqxx::read_transaction& transaction, std::int64_t id) {
  std::vector<PaymentOutput> out;
  const auto rows = transaction.exec_params(
      "SELECT miner_id, address, amount_sats FROM payment_outputs WHERE payment_id = $1"
      " ORDER BY amount_sats DESC, address COLLATE \"C\"",
      id);
  for (const auto& row : rows) {
    out.push_back({row[0].as<std::int64_t>(),
                   row[1].as<std::string>(),
                   {},
                   bitcoin::Sats(row[2].as<std::int64_t>())});
  }
  return out;
}

std::vector<PaymentInput> inputs_of(pqxx::read_transaction& transaction, std::int64_t id) {
  std::vector<PaymentInput> out;
  const auto rows = transaction.exec_params(
      "SELECT e ->> 'txid', (e ->> 'vout')::bigint, (e ->> 'sats')::bigint"
      " FROM payments, jsonb_array_elements(inputs) WITH ORDINALITY AS t (e, n)"
      " WHERE id = $1 ORDER BY n",
      id);
  for (const auto& row : rows) {
    out.push_back({{hash_of<bitcoin::Txid>(row[0]).value_or(bitcoin::Txid{}),
                    static_cast<std::uint32_t>(row[1].as<std::int64_t>())},
                   bitcoin::Sats(row[2].as<std::int64_t>())});
  }
  return out;
}

std::string inputs_json(const std::vector<PaymentInput>& inputs) {
  std::string out = "[";
  for (const PaymentInput& input : inputs) {
    out += fmt::format(R"({}{{"txid":"{}","vout":{},"sats":{}}})", out.size() > 1 ? "," : "",
                       input.outpoint.txid.display_hex(), input.outpoint.index, input.value.value);
  }
  return out + "]";
}

std::string numbers_array(const std::vector<PaymentOutput>& outputs, bool amounts) {
  std::string out = "{";
  for (const PaymentOutput& output : outputs) {
    out += fmt::format("{}{}", out.size() > 1 ? "," : "",
                       amounts ? output.amount.value : output.miner_id);
  }
  return out + "}";
}

}  // namespace

struct PaymentStore::State {
  explicit State(const std::string& database) : connection(database, "phasepool_payout") {}

  // Runs `work(transaction)` and commits.
  template <class Work>
  Outcome<void> write(Work&& work) {
    const auto done = guarded([&] {
      pqxx::work transaction(connection.get());
      work(transaction);
      base::kill_point("payout_before_commit");
      transaction.commit();
      base::kill_point("payout_after_commit");
    });
    if (!done) return base::err(translated(done.error()));
    return {};
  }
  template <class Work>
  auto read(Work&& work) -> Outcome<std::invoke_result_t<Work, pqxx::read_transaction&>> {
    auto done = guarded([&] {
      pqxx::read_transaction transaction(connection.get());
      return work(transaction);
    });
    if (!done) return base::err(translated(done.error()));
    return std::move(*done);
  }

  DatabaseConnection connection;
};

PaymentStore::PaymentStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
PaymentStore::PaymentStore(PaymentStore&&) noexcept = default;
PaymentStore& PaymentStore::operator=(PaymentStore&&) noexcept = default;
PaymentStore::~PaymentStore() = default;

PaymentStore::Outcome<PaymentStore> PaymentStore::open(const std::string& database) {
  auto state = guarded([&] { return std::make_unique<State>(database); });
  if (!state) {
    return base::err(PaymentStoreError{
        Kind::lost, fmt::format("database {}: {}; start PostgreSQL, or correct \"database\" in the "
                                "config",
                                without_password(database), state.error().message)});
  }
  const auto version = guarded([&] { return schema_version_of((*state)->connection.get()); });
  if (!version) return base::err(translated(version.error()));
  if (const std::string complaint = schema_complaint(*version); !complaint.empty()) {
    return base::err(PaymentStoreError{Kind::schema, "database: " + complaint});
  }
  return PaymentStore(std::move(*state));
}

// The server may still be about to notice that a command was killed: its successor waits a moment.
PaymentStore::Outcome<void> PaymentStore::lock() {
  constexpr std::chrono::milliseconds wait{3000};
  const auto taken = guarded([&] {
    pqxx::nontransaction session(state_->connection.get());
    session.exec0(fmt::format("SET lock_timeout = {}", wait.count()));
    session.exec1("SELECT pg_advisory_lock(payments_lock_key())");
    session.exec0("RESET lock_timeout");
  });
  if (taken) return {};
  if (taken.error().sqlstate != lock_not_available) return base::err(translated(taken.error()));
  return base::err(PaymentStoreError{
      Kind::busy, "another payout command is at work on this database: wait until it ends"});
}

PaymentStore::Outcome<std::vector<MinerBalance>> PaymentStore::balances() {
  return state_->read([](pqxx::read_transaction& transaction) {
    std::vector<MinerBalance> out;
    const auto rows = transaction.exec(
        "SELECT miner_id, address, balance_sats FROM miner_balances WHERE balance_sats > 0");
    for (const auto& row : rows) {
      out.push_back({row[0].as<std::int64_t>(), row[1].as<std::string>(),
                     bitcoin::Sats(row[2].as<std::int64_t>())});
    }
    return out;
  });
}

PaymentStore::Outcome<std::optional<bitcoin::Sats>> PaymentStore::minimum_in_force() {
  return state_->read([](pqxx::read_transaction& transaction) -> std::optional<bitcoin::Sats> {
    const auto row = transaction.exec1("SELECT (scheme_at(now())).minimum_sats");
    if (row[0].is_null()) return std::nullopt;
    return bitcoin::Sats(row[0].as<std::int64_t>());
  });
}

PaymentStore::Outcome<bitcoin::Sats> PaymentStore::set_aside() {
  return state_->read([](pqxx::read_transaction& transaction) {
    return bitcoin::Sats(
        transaction
            .exec1("SELECT coalesce(sum(amount_sats + coalesce(fee_sats, 0)), 0)"
                   " FROM payments WHERE state IN ('planned', 'funded', 'signed')")[0]
            .as<std::int64_t>());
  });
}

PaymentStore::Outcome<PaymentRow> PaymentStore::load(std::int64_t id) {
  auto found = state_->read([&](pqxx::read_transaction& transaction) -> std::optional<PaymentRow> {
    const auto rows = transaction.exec_params(payment_query(), id);
    if (rows.empty()) return std::nullopt;
    PaymentRow out;
    out.payment = payment_of(rows[0]);
    out.payment.outputs = outputs_of(transaction, id);
    out.payment.inputs = inputs_of(transaction, id);
    out.node = rows[0]["node"].as<std::string>();
    out.created_at = rows[0]["created_at"].as<std::string>();
    out.state_since = rows[0]["state_since"].as<std::string>();
    return out;
  });
  if (!found) return base::err(found.error());
  if (!*found) {
    return base::err(PaymentStoreError{
        Kind::refused,
        fmt::format("there is no payment {}: `phasepool payout show` lists them", id)});
  }
  return std::move(**found);
}

PaymentStore::Outcome<std::vector<PaymentStepRow>> PaymentStore::steps(std::int64_t id) {
  return state_->read([&](pqxx::read_transaction& transaction) {
    std::vector<PaymentStepRow> out;
    const auto rows = transaction.exec_params(
        fmt::format("SELECT to_char(time AT TIME ZONE 'UTC', {}), step, detail FROM payment_steps"
                    " WHERE payment_id = $1 ORDER BY id",
                    utc),
        id);
    for (const auto& row : rows) {
      out.push_back({row[0].as<std::string>(), row[1].as<std::string>(), row[2].as<std::string>()});
    }
    return out;
  });
}

PaymentStore::Outcome<std::vector<std::int64_t>> PaymentStore::ids(bool open_only,
                                                                   std::size_t count_max) {
  return state_->read([&](pqxx::read_transaction& transaction) {
    std::vector<std::int64_t> out;
    const auto rows = transaction.exec_params(
        open_only ? "SELECT id FROM payments WHERE state NOT IN ('settled', 'cancelled')"
                    " ORDER BY id LIMIT $1"
                  : "SELECT id FROM payments ORDER BY id DESC LIMIT $1",
        static_cast<std::int64_t>(count_max));
    for (const auto& row : rows) out.push_back(row[0].as<std::int64_t>());
    return out;
  });
}

PaymentStore::Outcome<bool> PaymentStore::is_of_another(std::int64_t id,
                                                        const bitcoin::Txid& txid) {
  return state_->read([&](pqxx::read_transaction& transaction) {
    const auto row = transaction.exec_params1(
        "SELECT EXISTS (SELECT FROM payments WHERE id <> $1"
        " AND (txid = $2::bytea OR settled_txid = $2::bytea))",
        id, reversed_bytea_text(txid.bytes));
    return row[0].as<bool>();
  });
}

PaymentStore::Outcome<std::vector<std::int64_t>> PaymentStore::plan(
    const std::string& wallet, const std::string& node,
    const std::vector<std::vector<PaymentOutput>>& payments) {
  std::vector<std::int64_t> ids;
  const auto done = state_->write([&](pqxx::work& transaction) {
    for (const auto& outputs : payments) {
      const auto row = transaction.exec_params1(
          "SELECT plan_payment($1, $2, $3::bigint[], $4::bigint[])", wallet, node,
          numbers_array(outputs, false), numbers_array(outputs, true));
      ids.push_back(row[0].as<std::int64_t>());
    }
  });
  if (!done) return base::err(done.error());
  return ids;
}

PaymentStore::Outcome<void> PaymentStore::funded(std::int64_t id, base::ByteSpan transaction_bytes,
                                                 const bitcoin::BlockHash& tip,
                                                 const std::vector<PaymentInput>& inputs,
                                                 bitcoin::Sats fee) {
  return state_->write([&](pqxx::work& transaction) {
    transaction.exec_params("SELECT record_payment_funded($1, $2::bytea, $3::bytea, $4::jsonb, $5)",
                            id, bytea_text(transaction_bytes), reversed_bytea_text(tip.bytes),
                            inputs_json(inputs), fee.value);
  });
}

PaymentStore::Outcome<void> PaymentStore::taken_back(std::int64_t id, const std::string& why) {
  return state_->write([&](pqxx::work& transaction) {
    transaction.exec_params("SELECT take_back_payment_funding($1, $2)", id,
                            database_text(why, detail_bytes_max));
  });
}

PaymentStore::Outcome<void> PaymentStore::signed_as(std::int64_t id,
                                                    base::ByteSpan transaction_bytes,
                                                    const bitcoin::Txid& txid) {
  return state_->write([&](pqxx::work& transaction) {
    transaction.exec_params("SELECT record_payment_signed($1, $2::bytea, $3::bytea)", id,
                            bytea_text(transaction_bytes), reversed_bytea_text(txid.bytes));
  });
}

PaymentStore::Outcome<void> PaymentStore::sent(std::int64_t id, const std::string& detail) {
  return state_->write([&](pqxx::work& transaction) {
    transaction.exec_params("SELECT record_payment_sent($1, $2)", id,
                            database_text(detail, detail_bytes_max));
  });
}

PaymentStore::Outcome<void> PaymentStore::note(std::int64_t id, const std::string& step,
                                               const std::string& detail) {
  return state_->write([&](pqxx::work& transaction) {
    transaction.exec_params("SELECT note_payment_step($1, $2, $3)", id, step,
                            database_text(detail, detail_bytes_max));
  });
}

PaymentStore::Outcome<void> PaymentStore::settled(std::int64_t id, const Spend& by,
                                                  bitcoin::Sats fee) {
  return state_->write([&](pqxx::work& transaction) {
    transaction.exec_params("SELECT settle_payment($1, $2::bytea, $3, $4::bytea, $5)", id,
                            reversed_bytea_text(by.txid.bytes), fee.value,
                            reversed_bytea_text(by.block.bytes), by.confirmations);
  });
}

PaymentStore::Outcome<void> PaymentStore::cancelled(std::int64_t id, const Spend* by,
                                                    const std::string& why) {
  return state_->write([&](pqxx::work& transaction) {
    if (by == nullptr) {
      transaction.exec_params("SELECT cancel_payment($1, NULL, NULL, $2)", id,
                              database_text(why, detail_bytes_max));
    } else {
      transaction.exec_params("SELECT cancel_payment($1, $2::bytea, $3, $4)", id,
                              reversed_bytea_text(by->txid.bytes), by->confirmations,
                              database_text(why, detail_bytes_max));
    }
  });
}

}  // namespace pool
