#include "pool/payout/wallet.h"

#include "common/base/percent.h"
#include "common/base/test_faults.h"
#include "common/node/answers.h"
#include "pool/core/btc_amount.h"
#include "pool/core/limits.h"
#include "pool/node/node_asker.h"
#include "pool/node/node_words.h"
#include "pool/tools/exam_answers.h"

#include <utility>

#include <fmt/format.h>

namespace pool {
namespace {

using Kind = rpc::RpcError::Kind;

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string hex_params(base::ByteSpan transaction, std::string_view more = {}) {
  return fmt::format(R"(["{}"{}])", base::to_hex(transaction), more);
}

std::string outpoints_json(const std::vector<Outpoint>& outpoints) {
  std::string out = "[";
  for (const Outpoint& each : outpoints) {
    out += fmt::format(R"({}{{"txid":"{}","vout":{}}})", out.size() > 1 ? "," : "",
                       each.txid.display_hex(), each.index);
  }
  return out + "]";
}

// Addresses were parsed before: they hold nothing that JSON would want escaped.
std::string create_params(const std::vector<PaymentOutput>& outputs) {
  std::string list;
  for (const PaymentOutput& output : outputs) {
    list += fmt::format(R"({}{{"{}":"{}"}})", list.empty() ? "" : ",", output.address,
                        btc_text(output.amount));
  }
  return fmt::format("[[],[{}]]", list);
}

std::string fund_params(const std::string& created_hex, const FeeChoice& fee) {
  const std::string rate = fee.rate_sat_vb.empty()
                               ? fmt::format(R"("conf_target":{})", fee.target_blocks)
                               : fmt::format(R"("fee_rate":"{}")", fee.rate_sat_vb);
  return fmt::format(
      R"(["{}",{{"add_inputs":true,"include_unsafe":false,"minconf":{},"lockUnspents":false,)"
      R"("replaceable":true,{}}},false])",
      created_hex, fee.input_confirmations_min, rate);
}

// What fundrawtransaction's refusals (all of code -4) mean to the operator.
std::string_view fund_remedy(std::string_view message) {
  if (contains(message, "Insufficient funds")) {
    return "the wallet has not enough that is confirmed, unlocked and mature: send it coins, wait, "
           "or cancel and plan with --max-outputs; --input-confirmations takes younger coins";
  }
  if (contains(message, "Fee estimation failed")) return "give --fee-rate in sat/vB";
  if (contains(message, "Fee exceeds maximum")) {
    return "the node's own -maxtxfee forbids it: give a lower --fee-rate";
  }
  if (contains(message, "too small")) {
    return "an output is dust: cancel, and plan with a higher --minimum";
  }
  if (contains(message, "too large")) return "cancel, and plan with fewer --max-outputs";
  return {};
}

}  // namespace

Wallet::Wallet(rpc::RpcEndpoint node, std::string name)
    : endpoint_(std::move(node)), name_(std::move(name)) {
  endpoint_.path = "/wallet/" + base::percent_encoded(name_);
}

rpc::RpcClient::Answer Wallet::ask(std::string_view method, std::string params_json) {
  base::kill_point("payout_before_rpc");
  NodeAsker asker(endpoint_, limits::payment_rpc_deadline);
  auto answer = asker.ask(method, std::move(params_json));
  base::kill_point("payout_after_rpc");
  return answer;
}

PayoutError Wallet::failure(const rpc::RpcError& error) const {
  if (error.kind == Kind::node_error) {
    if (error.code == node::rpc_wallet_not_found) {
      return {payout_world,
              fmt::format("the node has no wallet \"{}\" loaded: bitcoin-cli loadwallet \"{}\" (or "
                          "createwallet)",
                          name_, name_)};
    }
    if (error.code == node::rpc_wallet_unlock_needed) {
      return {payout_world, wallet_objection({.locked = true}, name_), false};
    }
    if (error.code == node::rpc_method_not_found) {
      return {payout_world,
              fmt::format("node {}: the node has no wallets (-disablewallet), or is older than "
                          "Bitcoin Core 25",
                          error.message)};
    }
  }
  return {payout_world, describe_failure(error, endpoint_)};
}

template <class Parse>
auto Wallet::asked(std::string_view method, std::string params_json, Parse parse)
    -> PayoutResult<typename decltype(parse(std::string_view{}))::value_type> {
  const auto answer = ask(method, std::move(params_json));
  if (!answer) return base::err(failure(answer.error()));
  auto parsed = parse(std::string_view(*answer));
  if (!parsed) {
    return payout_err(payout_world,
                      fmt::format("{}'s answer is not what Bitcoin Core gives", method));
  }
  return std::move(*parsed);
}

PayoutResult<void> Wallet::check(bitcoin::Network network, bool can_sign) {
  const auto chain = ask("getblockchaininfo", "[]");
  if (!chain) return base::err(failure(chain.error()));
  const auto info = node::parse_chain_info(*chain);
  const std::string node = fmt::format("node {}:{}", endpoint_.host, endpoint_.port);
  if (!info) return payout_err(payout_world, fmt::format("{}: {}", node, info.error()));
  if (const std::string objection = chain_objection(*info, network); !objection.empty()) {
    return payout_err(payout_world, fmt::format("{} {}", node, objection));
  }
  const auto wallet = asked("getwalletinfo", "[]", parse_wallet_info);
  if (!wallet) return base::err(wallet.error());
  if (!can_sign) return {};
  const std::string objection = wallet_objection(*wallet, name_);
  if (!objection.empty()) return payout_err(payout_world, objection);
  return {};
}

PayoutResult<WalletFunds> Wallet::funds() { return asked("getbalances", "[]", parse_funds); }

PayoutResult<bitcoin::BlockHash> Wallet::tip() {
  const auto answer = ask("getbestblockhash", "[]");
  if (!answer) return base::err(failure(answer.error()));
  const auto hash = node::parse_best_block(*answer);
  if (!hash) return payout_err(payout_world, hash.error());
  return *hash;
}

PayoutResult<base::Bytes> Wallet::fund(const std::vector<PaymentOutput>& outputs,
                                       const FeeChoice& fee) {
  const auto created = asked("createrawtransaction", create_params(outputs), parse_string);
  if (!created) return base::err(created.error());
  const auto answer = ask("fundrawtransaction", fund_params(*created, fee));
  if (!answer) {
    PayoutError error = failure(answer.error());
    if (answer.error().code == node::rpc_wallet_error) {
      const std::string_view remedy = fund_remedy(error.why);
      if (!remedy.empty()) error.why += fmt::format(": {}", remedy);
    }
    return base::err(std::move(error));
  }
  auto funded = parse_funded(*answer);
  if (!funded) return payout_err(payout_world, "fundrawtransaction's answer has no \"hex\"");
  return std::move(*funded);
}

PayoutResult<std::optional<TxOutAnswer>> Wallet::unspent(const Outpoint& outpoint,
                                                         bool with_mempool) {
  const auto answer = ask("gettxout", fmt::format(R"(["{}",{},{}])", outpoint.txid.display_hex(),
                                                  outpoint.index, with_mempool));
  if (!answer) return base::err(failure(answer.error()));
  if (*answer == "null") return std::optional<TxOutAnswer>{};
  auto found = parse_tx_out(*answer);
  if (!found) return payout_err(payout_world, "gettxout's answer is not what Bitcoin Core gives");
  return std::optional<TxOutAnswer>(*found);
}

PayoutResult<std::vector<Outpoint>> Wallet::locked() {
  return asked("listlockunspent", "[]", parse_outpoints);
}

// Persistent: the locks outlast a restart of the node, which Core can from 23 on; an older one
// complains of the third argument.
PayoutResult<void> Wallet::lock(const std::vector<Outpoint>& outpoints, IfSpent if_spent) {
  const std::string list = outpoints_json(outpoints);
  auto answer = ask("lockunspent", fmt::format("[false,{},true]", list));
  if (!answer && (answer.error().code == node::rpc_misc_error ||
                  answer.error().code == node::rpc_type_error)) {
    answer = ask("lockunspent", fmt::format("[false,{}]", list));
  }
  if (!answer && if_spent == IfSpent::ignore &&
      answer.error().code == node::rpc_invalid_parameter) {
    return {};
  }
  if (!answer) return base::err(failure(answer.error()));
  return {};
}

PayoutResult<void> Wallet::unlock(const std::vector<Outpoint>& outpoints) {
  const auto answer = ask("lockunspent", fmt::format("[true,{}]", outpoints_json(outpoints)));
  // Not locked, or spent meanwhile: then there is nothing to take off.
  if (!answer && answer.error().code != node::rpc_invalid_parameter) {
    return base::err(failure(answer.error()));
  }
  return {};
}

PayoutResult<bool> Wallet::is_mine(const std::string& address) {
  return asked("getaddressinfo", fmt::format(R"(["{}"])", address), parse_is_mine);
}

PayoutResult<SignedAnswer> Wallet::sign(base::ByteSpan funded) {
  return asked("signrawtransactionwithwallet", hex_params(funded), parse_signed);
}

// A rate of 0 is no bound: what the fee may be was settled before it was signed.
PayoutResult<AcceptanceAnswer> Wallet::would_accept(base::ByteSpan signed_transaction) {
  return asked("testmempoolaccept", fmt::format(R"([["{}"],0])", base::to_hex(signed_transaction)),
               parse_acceptance);
}

PayoutResult<Wallet::Broadcast> Wallet::broadcast(base::ByteSpan signed_transaction,
                                                  const bitcoin::Txid& txid) {
  const auto answer = ask("sendrawtransaction", hex_params(signed_transaction, ",0"));
  if (!answer) {
    const rpc::RpcError& error = answer.error();
    if (error.code == node::rpc_verify_already_in_chain ||
        contains(error.message, "txn-already-known") ||
        contains(error.message, "txn-already-in-mempool")) {
      return Broadcast{true, "the node had it already"};
    }
    if (error.code == node::rpc_verify_rejected || error.code == node::rpc_verify_error) {
      return Broadcast{false, error.message};
    }
    return base::err(failure(error));
  }
  const auto said = parse_string(*answer);
  if (!said || *said != txid.display_hex()) {
    return payout_err(payout_world, "sendrawtransaction names another txid than the recorded one");
  }
  return Broadcast{true, {}};
}

PayoutResult<bool> Wallet::in_mempool(const bitcoin::Txid& txid) {
  const auto answer = ask("getmempoolentry", fmt::format(R"(["{}"])", txid.display_hex()));
  if (answer) return true;
  if (answer.error().code == node::rpc_invalid_address_or_key) return false;
  return base::err(failure(answer.error()));
}

PayoutResult<std::optional<WalletTransaction>> Wallet::transaction(const bitcoin::Txid& txid) {
  const auto answer = ask("gettransaction", fmt::format(R"(["{}"])", txid.display_hex()));
  if (!answer) {
    if (answer.error().code == node::rpc_invalid_address_or_key)
      return std::optional<WalletTransaction>{};
    return base::err(failure(answer.error()));
  }
  auto found = parse_wallet_transaction(*answer);
  if (!found) {
    return payout_err(payout_world, "gettransaction's answer is not what Bitcoin Core gives");
  }
  return std::optional<WalletTransaction>(std::move(*found));
}

PayoutResult<std::vector<bitcoin::Txid>> Wallet::sent_since(const bitcoin::BlockHash& block) {
  const auto answer = ask("listsinceblock", fmt::format(R"(["{}"])", block.display_hex()));
  if (!answer && answer.error().code == node::rpc_invalid_address_or_key) {
    return asked("listsinceblock", "[]", parse_sent_since);  // this node never saw that block
  }
  if (!answer) return base::err(failure(answer.error()));
  auto sent = parse_sent_since(*answer);
  if (!sent) {
    return payout_err(payout_world, "listsinceblock's answer is not what Bitcoin Core gives");
  }
  return std::move(*sent);
}

PayoutResult<std::int64_t> Wallet::block_confirmations(const bitcoin::BlockHash& block) {
  return asked("getblockheader", fmt::format(R"(["{}"])", block.display_hex()),
               node::parse_confirmations);
}

}  // namespace pool
