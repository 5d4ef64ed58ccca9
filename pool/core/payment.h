// A payment as it is recorded, and what is to be done with it next. Pure: what is recorded and what
// the node says go in, the next step comes out; pool/payout carries it out.
//
// What keeps anybody from being paid twice: of all transactions that were ever signed for a payment
// at most one is recorded, before any node has seen it, and only recorded bytes are ever sent. What
// keeps anybody from being left out: a payment that is not settled keeps its amounts set aside
// until it is cancelled, and once it is signed that takes another transaction, 100 blocks deep,
// which spends what it would have spent and pays none of its outputs.
//
// Thread: pure functions.
#pragma once

#include "common/base/bytes.h"
#include "common/bitcoin/hash.h"
#include "common/bitcoin/sats.h"
#include "common/bitcoin/transaction.h"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

enum class PaymentState {
  planned,    // amounts are set aside
  funded,     // inputs and a fee are chosen
  signed_,    // the bytes are recorded; perhaps a node has them
  sent,       // a node took them
  settled,    // deep enough in the chain
  cancelled,  // the amounts went back
};

// "planned", "funded", "signed", …: as the database has it. nullopt: none of them.
std::string_view payment_state_name(PaymentState state);
std::optional<PaymentState> payment_state_from_name(std::string_view name);

struct PaymentOutput {
  std::int64_t miner_id = 0;
  std::string address;
  base::Bytes script_pubkey;
  bitcoin::Sats amount;
};

struct Outpoint {
  bitcoin::Txid txid;
  std::uint32_t index = 0;
  friend auto operator<=>(const Outpoint&, const Outpoint&) = default;
};
std::string outpoint_text(const Outpoint& outpoint);  // "txid:0"

struct PaymentInput {
  Outpoint outpoint;
  bitcoin::Sats value;
};

struct Payment {
  std::int64_t id = 0;
  PaymentState state = PaymentState::planned;
  std::string wallet;
  bitcoin::Sats amount;
  std::vector<PaymentOutput> outputs;
  // From funded on.
  base::Bytes funded_tx;
  bitcoin::BlockHash funded_tip;
  std::vector<PaymentInput> inputs;
  bitcoin::Sats fee;
  // From signed on.
  base::Bytes signed_tx;
  bitcoin::Txid txid;
  // Once settled, and for one cancelled after it was signed.
  std::optional<bitcoin::Txid> settled_txid;
  std::optional<bitcoin::Sats> settled_fee;
  std::optional<bitcoin::Txid> conflict_txid;

  bool is_signed() const { return !signed_tx.empty(); }
};

// A transaction in the chain or the mempool that spends at least one of a payment's inputs.
struct Spend {
  bitcoin::Txid txid;
  bitcoin::Transaction transaction;
  std::int64_t confirmations = 0;  // 0: in the mempool or nowhere; below: conflicts with the chain
  std::optional<bitcoin::Sats> fee;  // where the wallet paid all of it
  bitcoin::BlockHash block;          // with confirmations > 0
  bool of_another_payment = false;   // recorded as such: it pays that one's debts, not this one's
};

enum class SpendKind {
  own,          // the recorded transaction
  replacement,  // another one that pays every output in full: a fee that was bumped
  partial,      // pays some of the payment's addresses, but not all that it should
  other,        // pays none of them
};
// REQUIRES: it spends an input of the payment.
SpendKind classify_spend(const Payment& payment, const Spend& spend);
bool spends_input_of(const Payment& payment, const bitcoin::Transaction& transaction);

enum class InputState {
  free,    // unspent, and the wallet may choose it for something else
  locked,  // unspent, and kept for us
  spent,   // by a transaction in the chain or the mempool, or gone with the one that made it
};

// What the node and the wallet say of a payment now.
struct PaymentView {
  std::vector<InputState> inputs;  // in the payment's order; empty before it is funded
  bool in_mempool = false;         // the recorded transaction
  std::vector<Spend> spends;       // the recorded transaction among them, where it is known
};

enum class SendStep {
  fund,
  take_back,    // nothing was signed, and an input is gone: fund anew
  lock_inputs,  // those that are free
  sign,
  broadcast,
  note_sent,  // a node has it already
  done,
  refuse,
};
struct SendDecision {
  SendStep step = SendStep::refuse;
  std::string why;  // of take_back, done and refuse; for the operator
};
SendDecision next_send_step(const Payment& payment, const PaymentView& view);

enum class SettleStep { settle, wait, refuse };
struct SettleDecision {
  SettleStep step = SettleStep::refuse;
  std::string why;                 // of wait and refuse
  const Spend* by = nullptr;       // of settle: one of the view's
  bitcoin::Sats fee;               // of settle
  std::int64_t confirmations = 0;  // of what is in the chain, so far
};
SettleDecision judge_settle(const Payment& payment, const PaymentView& view,
                            std::int64_t confirmations_min);

struct CancelDecision {
  bool allowed = false;
  std::string why;            // not allowed: why not, and what to do; allowed: on what grounds
  const Spend* by = nullptr;  // of one that was signed: one of the view's, which rules it out
};
CancelDecision judge_cancel(const Payment& payment, const PaymentView& view);

}  // namespace pool
