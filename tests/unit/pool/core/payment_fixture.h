// Payments and transactions for the tests of what is decided about them.
#pragma once

#include "pool/core/payment.h"

#include <vector>

namespace payment_test {

inline bitcoin::Txid txid_of(std::uint8_t n) {
  bitcoin::Txid txid;
  txid.bytes.fill(n);
  return txid;
}

inline base::Bytes script_of(std::uint8_t n) {
  base::Bytes script{0x00, 0x14};
  script.resize(22, n);
  return script;
}

inline pool::PaymentOutput output(std::uint8_t n, std::int64_t sats) {
  return {n, "miner " + std::to_string(n), script_of(n), bitcoin::Sats(sats)};
}

inline pool::PaymentInput input(std::uint8_t n, std::int64_t sats) {
  return {{txid_of(n), n}, bitcoin::Sats(sats)};
}

inline bitcoin::Transaction transaction(const std::vector<pool::PaymentInput>& inputs,
                                        const std::vector<pool::PaymentOutput>& outputs,
                                        std::int64_t change = 0) {
  bitcoin::Transaction out;
  for (const auto& each : inputs) {
    bitcoin::TxIn in;
    in.prev_txid = each.outpoint.txid;
    in.prev_index = each.outpoint.index;
    out.inputs.push_back(in);
  }
  for (const auto& each : outputs) out.outputs.push_back({each.amount, each.script_pubkey});
  if (change != 0) out.outputs.push_back({bitcoin::Sats(change), script_of(200)});
  return out;
}

// 30 and 70 to miners 1 and 2, from inputs 10 and 11 of 60 each, fee 5, change 15.
inline pool::Payment payment(pool::PaymentState state) {
  pool::Payment made;
  made.id = 7;
  made.state = state;
  made.amount = bitcoin::Sats(100);
  made.outputs = {output(1, 30), output(2, 70)};
  if (state == pool::PaymentState::planned) return made;
  made.inputs = {input(10, 60), input(11, 60)};
  made.fee = bitcoin::Sats(5);
  bitcoin::Transaction tx = transaction(made.inputs, made.outputs, 15);
  made.funded_tx = tx.serialize_legacy();
  if (state == pool::PaymentState::funded) return made;
  for (auto& in : tx.inputs) in.script_sig = {1, 0xaa};
  made.signed_tx = tx.serialize_witness();
  made.txid = tx.txid();
  if (state == pool::PaymentState::settled) {
    made.settled_txid = made.txid;
    made.settled_fee = made.fee;
  }
  return made;
}

inline pool::Spend spend(const bitcoin::Transaction& tx, std::int64_t confirmations) {
  pool::Spend made;
  made.transaction = tx;
  made.txid = tx.txid();
  made.confirmations = confirmations;
  made.fee = bitcoin::Sats(9);
  return made;
}

// The recorded transaction itself.
inline pool::Spend own(const pool::Payment& payment, std::int64_t confirmations) {
  return spend(*bitcoin::Transaction::parse(payment.signed_tx), confirmations);
}

}  // namespace payment_test
