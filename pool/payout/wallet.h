// Wallet: the node's wallet that payouts are sent from, a method for each question or order.
//
// A transaction is funded, locked, signed and sent by calls of their own, so that what one of them
// brought can be recorded before the next. Inputs are locked after they were recorded, not by
// fundrawtransaction itself: a lock that nobody has a record of would never be taken off.
//
// Errors: PayoutError, which says what to do.
// Thread: the caller's, which each call blocks for at most limits::payment_rpc_deadline.
// Source: Bitcoin Core 27, rpc help; rpc/protocol.h for the codes.
#pragma once

#include "common/bitcoin/address.h"
#include "common/rpc/rpc_client.h"
#include "pool/payout/payout_error.h"
#include "pool/payout/wallet_answers.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

struct FeeChoice {
  std::string rate_sat_vb;          // decimal text; empty: the node estimates
  std::uint32_t target_blocks = 6;  // for the estimate
  std::uint32_t input_confirmations_min = 6;
};

class Wallet {
 public:
  Wallet(rpc::RpcEndpoint node, std::string name);

  // The node is on this network and has caught up, and the wallet is there; `can_sign`: it is also
  // open and has keys.
  [[nodiscard]] PayoutResult<void> check(bitcoin::Network network, bool can_sign);
  [[nodiscard]] PayoutResult<WalletFunds> funds();
  [[nodiscard]] PayoutResult<bitcoin::BlockHash> tip();

  // createrawtransaction, then fundrawtransaction: not signed, nothing locked.
  [[nodiscard]] PayoutResult<base::Bytes> fund(const std::vector<PaymentOutput>& outputs,
                                               const FeeChoice& fee);
  // Unspent, also by what is in the mempool; nullopt: spent, or never there.
  [[nodiscard]] PayoutResult<std::optional<TxOutAnswer>> unspent(const Outpoint& outpoint,
                                                                 bool with_mempool);
  [[nodiscard]] PayoutResult<std::vector<Outpoint>> locked();
  enum class IfSpent { fail, ignore };  // by a transaction that the wallet remembers
  [[nodiscard]] PayoutResult<void> lock(const std::vector<Outpoint>& outpoints, IfSpent if_spent);
  [[nodiscard]] PayoutResult<void> unlock(const std::vector<Outpoint>& outpoints);
  [[nodiscard]] PayoutResult<bool> is_mine(const std::string& address);

  [[nodiscard]] PayoutResult<SignedAnswer> sign(base::ByteSpan funded);
  // Would the node take it? Nobody else hears of it.
  [[nodiscard]] PayoutResult<AcceptanceAnswer> would_accept(base::ByteSpan signed_transaction);
  // The node has it: taken now, or before. False: it refuses, for `reason`.
  struct Broadcast {
    bool taken = false;
    std::string reason;
  };
  [[nodiscard]] PayoutResult<Broadcast> broadcast(base::ByteSpan signed_transaction,
                                                  const bitcoin::Txid& txid);

  [[nodiscard]] PayoutResult<bool> in_mempool(const bitcoin::Txid& txid);
  // nullopt: the wallet does not know it.
  [[nodiscard]] PayoutResult<std::optional<WalletTransaction>> transaction(
      const bitcoin::Txid& txid);
  // What the wallet sent in blocks after this one, and in none.
  [[nodiscard]] PayoutResult<std::vector<bitcoin::Txid>> sent_since(
      const bitcoin::BlockHash& block);
  // 1 and more in the best chain, -1 beside it.
  [[nodiscard]] PayoutResult<std::int64_t> block_confirmations(const bitcoin::BlockHash& block);

 private:
  rpc::RpcClient::Answer ask(std::string_view method, std::string params_json);
  PayoutError failure(const rpc::RpcError& error) const;
  // The node's answer read by `parse`; an answer of another shape is an error.
  template <class Parse>
  auto asked(std::string_view method, std::string params_json, Parse parse)
      -> PayoutResult<typename decltype(parse(std::string_view{}))::value_type>;

  rpc::RpcEndpoint endpoint_;
  std::string name_;
};

}  // namespace pool
