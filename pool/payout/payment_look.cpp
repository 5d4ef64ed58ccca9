#include "pool/payout/payment_look.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace pool {
namespace {

// Gathers a view; ends at the first answer that fails.
class Look {
 public:
  Look(const Payment& payment, Wallet& wallet, PaymentStore& store)
      : payment_(payment), wallet_(wallet), store_(store) {}

  PayoutResult<PaymentView> view() {
    if (payment_.is_signed()) {
      if (auto done = look_at_own(); !done) return base::err(done.error());
      const bool in_chain = !view_.spends.empty() && view_.spends.front().confirmations > 0;
      if (in_chain || view_.in_mempool) return std::move(view_);
      if (auto done = look_at_others(); !done) return base::err(done.error());
    }
    if (auto done = look_at_inputs(); !done) return base::err(done.error());
    return std::move(view_);
  }

 private:
  PayoutResult<void> look_at_own();
  PayoutResult<void> look_at_others();
  PayoutResult<void> look_at_inputs();
  PayoutResult<void> add_spend(const bitcoin::Txid& txid);
  PayoutResult<void> add_spend(const bitcoin::Txid& txid, const WalletTransaction& found);
  PayoutResult<void> confirm_spent(const bitcoin::Txid& txid, const bitcoin::Transaction& spender);

  const Payment& payment_;
  Wallet& wallet_;
  PaymentStore& store_;
  PaymentView view_;
  std::vector<bitcoin::Txid> conflicts_;
};

PayoutResult<void> Look::look_at_own() {
  const auto own = wallet_.transaction(payment_.txid);
  if (!own) return base::err(own.error());
  if (*own) {
    conflicts_ = (*own)->conflicts;
    if (auto added = add_spend(payment_.txid, **own); !added) return added;
  }
  const auto in_mempool = wallet_.in_mempool(payment_.txid);
  if (!in_mempool) return base::err(in_mempool.error());
  view_.in_mempool = *in_mempool;
  return {};
}

// All that may have taken our inputs: the wallet owns them, so it knows whoever spent one. It lists
// conflicts only with what it has seen; what was never sent has none there.
PayoutResult<void> Look::look_at_others() {
  const auto sent = wallet_.sent_since(payment_.funded_tip);
  if (!sent) return base::err(sent.error());
  std::set<bitcoin::Txid> candidates(sent->begin(), sent->end());
  candidates.insert(conflicts_.begin(), conflicts_.end());
  if (payment_.settled_txid) candidates.insert(*payment_.settled_txid);
  candidates.erase(payment_.txid);
  for (const bitcoin::Txid& txid : candidates) {
    if (auto added = add_spend(txid); !added) return added;
  }
  return {};
}

PayoutResult<void> Look::look_at_inputs() {
  if (payment_.inputs.empty()) return {};
  const auto locked = wallet_.locked();
  if (!locked) return base::err(locked.error());
  for (const PaymentInput& input : payment_.inputs) {
    const auto unspent = wallet_.unspent(input.outpoint, true);
    if (!unspent) return base::err(unspent.error());
    const bool is_locked =
        std::find(locked->begin(), locked->end(), input.outpoint) != locked->end();
    view_.inputs.push_back(!*unspent   ? InputState::spent
                           : is_locked ? InputState::locked
                                       : InputState::free);
  }
  return {};
}

PayoutResult<void> Look::add_spend(const bitcoin::Txid& txid) {
  const auto found = wallet_.transaction(txid);
  if (!found) return base::err(found.error());
  if (!*found) return {};
  return add_spend(txid, **found);
}

PayoutResult<void> Look::add_spend(const bitcoin::Txid& txid, const WalletTransaction& found) {
  auto transaction = bitcoin::Transaction::parse(found.transaction);
  if (!transaction || transaction->txid() != txid) {
    return payout_err(payout_world, fmt::format("the wallet's transaction {} is not what its txid "
                                                "says",
                                                txid.display_hex()));
  }
  if (!spends_input_of(payment_, *transaction)) return {};
  Spend spend;
  spend.txid = txid;
  spend.transaction = *transaction;
  spend.confirmations = found.confirmations;
  spend.fee = found.fee;
  if (spend.confirmations > 0) {
    if (!found.block) return payout_err(payout_world, "gettransaction names no block");
    const auto depth = wallet_.block_confirmations(*found.block);
    if (!depth) return base::err(depth.error());
    // The wallet may lag behind the chain, by a reorganisation too.
    spend.confirmations = *depth > 0 ? std::min(*depth, spend.confirmations) : 0;
    spend.block = *found.block;
  }
  if (spend.confirmations > 0) {
    if (auto spent = confirm_spent(txid, spend.transaction); !spent) return spent;
  }
  const auto other = store_.is_of_another(payment_.id, txid);
  if (!other) return payout_err(other.error());
  spend.of_another_payment = *other;
  view_.spends.push_back(std::move(spend));
  return {};
}

// The chain's own word: what the transaction spends is there no longer.
PayoutResult<void> Look::confirm_spent(const bitcoin::Txid& txid,
                                       const bitcoin::Transaction& spender) {
  for (const PaymentInput& input : payment_.inputs) {
    const bool shared =
        std::any_of(spender.inputs.begin(), spender.inputs.end(), [&](const bitcoin::TxIn& in) {
          return Outpoint{in.prev_txid, in.prev_index} == input.outpoint;
        });
    if (!shared) continue;
    const auto unspent = wallet_.unspent(input.outpoint, false);
    if (!unspent) return base::err(unspent.error());
    if (*unspent) {
      return payout_err(payout_world,
                        fmt::format("the wallet says that {} spent {}, the chain says that nobody "
                                    "did: wait, or rescan the wallet",
                                    txid.display_hex(), outpoint_text(input.outpoint)));
    }
  }
  return {};
}

}  // namespace

PayoutResult<void> resolve_scripts(Payment& payment, bitcoin::Network network) {
  for (PaymentOutput& output : payment.outputs) {
    const auto address = bitcoin::parse_address(output.address, network);
    if (!address) {
      return payout_err(payout_refused,
                        fmt::format("payment {}: the address {} is not valid on {}: {}", payment.id,
                                    output.address, bitcoin::network_name(network),
                                    bitcoin::describe(address.error())));
    }
    output.script_pubkey = address->script_pubkey;
  }
  return {};
}

PayoutResult<PaymentView> look_at(const Payment& payment, Wallet& wallet, PaymentStore& store) {
  return Look(payment, wallet, store).view();
}

}  // namespace pool
