// What a payout reads out of a node's and its wallet's answers. Amounts are read from their digits,
// never through a double.
//
// Errors: nullopt for an answer of another shape.
// Thread: pure functions.
// Source: Bitcoin Core 27, rpc help.
#pragma once

#include "pool/core/payment.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

// createrawtransaction, sendrawtransaction, getbestblockhash: a bare string.
std::optional<std::string> parse_string(std::string_view json);

// fundrawtransaction: "hex".
std::optional<base::Bytes> parse_funded(std::string_view json);

// signrawtransactionwithwallet.
struct SignedAnswer {
  base::Bytes transaction;
  bool complete = false;
  std::string error;  // the first one it names
};
std::optional<SignedAnswer> parse_signed(std::string_view json);

// testmempoolaccept, of one transaction.
struct AcceptanceAnswer {
  bool allowed = false;
  std::string reason;
};
std::optional<AcceptanceAnswer> parse_acceptance(std::string_view json);

// gettxout, where it is not null.
struct TxOutAnswer {
  bitcoin::Sats value;
  std::int64_t confirmations = 0;
};
std::optional<TxOutAnswer> parse_tx_out(std::string_view json);

// listlockunspent.
std::optional<std::vector<Outpoint>> parse_outpoints(std::string_view json);

// getbalances, of "mine".
struct WalletFunds {
  bitcoin::Sats available;  // "trusted"
  bitcoin::Sats immature;
};
std::optional<WalletFunds> parse_funds(std::string_view json);

// gettransaction.
struct WalletTransaction {
  base::Bytes transaction;
  std::int64_t confirmations = 0;
  std::optional<bitcoin::Sats> fee;  // what the wallet paid; not negative
  std::optional<bitcoin::BlockHash> block;
  std::vector<bitcoin::Txid> conflicts;  // of the wallet's others
};
std::optional<WalletTransaction> parse_wallet_transaction(std::string_view json);

// listsinceblock: what the wallet sent, each once.
std::optional<std::vector<bitcoin::Txid>> parse_sent_since(std::string_view json);

// getaddressinfo: "ismine".
std::optional<bool> parse_is_mine(std::string_view json);

}  // namespace pool
