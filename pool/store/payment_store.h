// PaymentStore: payments as the database has them (sql/migrations/018_payments.sql). What may
// become of a payment is decided there once more, by the functions that change it.
//
// A session at a time: lock() takes an advisory lock that ends with the connection. A connection
// that was lost stays lost; the command ends, and the next one goes on from what was recorded.
//
// Errors: PaymentStoreError. After one of kind `lost` nobody knows whether the change was made.
// Thread: the caller's, which it blocks for the database's answer.
#pragma once

#include "common/base/result.h"
#include "pool/core/payment.h"
#include "pool/core/payment_plan.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pool {

struct PaymentStoreError {
  enum class Kind {
    lost,     // no connection, or no answer
    refused,  // by the rules: unknown id, wrong state, balances that have changed
    busy,     // another session holds the lock
    schema,   // not migrated, or no right to it
  };
  Kind kind = Kind::lost;
  std::string message;  // one line for the operator
};

struct PaymentRow {
  Payment payment;  // outputs without scripts: the database knows addresses
  std::string node;
  std::string created_at;   // UTC, to the second
  std::string state_since;  // likewise
};

struct PaymentStepRow {
  std::string time;  // UTC, to the second
  std::string step;
  std::string detail;
};

class PaymentStore {
 public:
  template <class T>
  using Outcome = base::Result<T, PaymentStoreError>;

  // Connects, and sees that the schema is this program's.
  [[nodiscard]] static Outcome<PaymentStore> open(const std::string& database);
  PaymentStore(PaymentStore&&) noexcept;
  PaymentStore& operator=(PaymentStore&&) noexcept;
  ~PaymentStore();

  [[nodiscard]] Outcome<void> lock();

  // Miners to whom something is owed.
  [[nodiscard]] Outcome<std::vector<MinerBalance>> balances();
  // Of the scheme in force; nullopt: there is none yet.
  [[nodiscard]] Outcome<std::optional<bitcoin::Sats>> minimum_in_force();
  // What the wallet must still have for payments that no transaction of its own shows yet.
  [[nodiscard]] Outcome<bitcoin::Sats> set_aside();

  [[nodiscard]] Outcome<PaymentRow> load(std::int64_t id);
  [[nodiscard]] Outcome<std::vector<PaymentStepRow>> steps(std::int64_t id);
  // The newest first; `open_only`: neither settled nor cancelled, the oldest first.
  [[nodiscard]] Outcome<std::vector<std::int64_t>> ids(bool open_only, std::size_t count_max);
  // Whether this is the transaction of another payment than `id`.
  [[nodiscard]] Outcome<bool> is_of_another(std::int64_t id, const bitcoin::Txid& txid);

  // All of them or none; their ids in order.
  [[nodiscard]] Outcome<std::vector<std::int64_t>> plan(
      const std::string& wallet, const std::string& node,
      const std::vector<std::vector<PaymentOutput>>& payments);
  [[nodiscard]] Outcome<void> funded(std::int64_t id, base::ByteSpan transaction,
                                     const bitcoin::BlockHash& tip,
                                     const std::vector<PaymentInput>& inputs, bitcoin::Sats fee);
  [[nodiscard]] Outcome<void> taken_back(std::int64_t id, const std::string& why);
  [[nodiscard]] Outcome<void> signed_as(std::int64_t id, base::ByteSpan transaction,
                                        const bitcoin::Txid& txid);
  [[nodiscard]] Outcome<void> sent(std::int64_t id, const std::string& detail);
  [[nodiscard]] Outcome<void> note(std::int64_t id, const std::string& step,
                                   const std::string& detail);
  [[nodiscard]] Outcome<void> settled(std::int64_t id, const Spend& by, bitcoin::Sats fee);
  // `by`: the conflicting spend, for one that was signed.
  [[nodiscard]] Outcome<void> cancelled(std::int64_t id, const Spend* by, const std::string& why);

 private:
  struct State;
  explicit PaymentStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pool
