#include "pool/payout/wallet_answers.h"

#include "pool/core/btc_amount.h"

#include <rapidjson/document.h>

#include <charconv>
#include <set>

namespace pool {
namespace {

using rapidjson::Value;

// Numbers stay the digits they are. Not the recursive parser: how deep an answer is nested is the
// node's choice.
bool parse(rapidjson::Document& document, std::string_view json) {
  constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
  return !document.Parse<flags>(json.data(), json.size()).HasParseError();
}

const Value* member(const Value& object, const char* name) {
  if (!object.IsObject()) return nullptr;
  const auto at = object.FindMember(name);
  return at == object.MemberEnd() ? nullptr : &at->value;
}

std::string_view text_of(const Value* value) {
  if (value == nullptr || !value->IsString()) return {};
  return {value->GetString(), value->GetStringLength()};
}

std::optional<std::int64_t> integer_of(const Value* value) {
  const std::string_view text = text_of(value);
  std::int64_t out = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || failed != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return out;
}

std::optional<base::Bytes> bytes_of(const Value* value) {
  const std::string_view text = text_of(value);
  auto bytes = base::from_hex(text);
  if (text.empty() || !bytes) return std::nullopt;
  return std::move(*bytes);
}

template <class Hash>
std::optional<Hash> hash_of(const Value* value) {
  auto hash = Hash::from_display_hex(text_of(value));
  if (!hash) return std::nullopt;
  return *hash;
}

bool is_true(const Value* value) { return value != nullptr && value->IsTrue(); }

}  // namespace

std::optional<std::string> parse_string(std::string_view json) {
  rapidjson::Document document;  // in which a number stays one: it is no string
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError() || !document.IsString()) return std::nullopt;
  return std::string(text_of(&document));
}

std::optional<base::Bytes> parse_funded(std::string_view json) {
  rapidjson::Document document;
  if (!parse(document, json)) return std::nullopt;
  return bytes_of(member(document, "hex"));
}

std::optional<SignedAnswer> parse_signed(std::string_view json) {
  rapidjson::Document document;
  if (!parse(document, json)) return std::nullopt;
  auto bytes = bytes_of(member(document, "hex"));
  if (!bytes) return std::nullopt;
  SignedAnswer out{std::move(*bytes), is_true(member(document, "complete")), {}};
  const Value* errors = member(document, "errors");
  if (errors != nullptr && errors->IsArray() && !errors->Empty()) {
    out.error = text_of(member((*errors)[0], "error"));
  }
  return out;
}

std::optional<AcceptanceAnswer> parse_acceptance(std::string_view json) {
  rapidjson::Document document;
  if (!parse(document, json) || !document.IsArray() || document.Size() != 1) return std::nullopt;
  const Value* allowed = member(document[0], "allowed");
  if (allowed == nullptr || !allowed->IsBool()) return std::nullopt;
  return AcceptanceAnswer{allowed->GetBool(),
                          std::string(text_of(member(document[0], "reject-reason")))};
}

std::optional<TxOutAnswer> parse_tx_out(std::string_view json) {
  rapidjson::Document document;
  if (!parse(document, json)) return std::nullopt;
  const auto value = parse_btc(text_of(member(document, "value")));
  const auto confirmations = integer_of(member(document, "confirmations"));
  if (!value || !confirmations) return std::nullopt;
  return TxOutAnswer{*value, *confirmations};
}

std::optional<std::vector<Outpoint>> parse_outpoints(std::string_view json) {
  rapidjson::Document document;
  if (!parse(document, json) || !document.IsArray()) return std::nullopt;
  std::vector<Outpoint> out;
  for (const Value& entry : document.GetArray()) {
    const auto txid = hash_of<bitcoin::Txid>(member(entry, "txid"));
    const auto index = integer_of(member(entry, "vout"));
    if (!txid || !index || *index < 0 || *index > UINT32_MAX) return std::nullopt;
    out.push_back({*txid, static_cast<std::uint32_t>(*index)});
  }
  return out;
}

std::optional<WalletFunds> parse_funds(std::string_view json) {
  rapidjson::Document document;
  if (!parse(document, json)) return std::nullopt;
  const Value* mine = member(document, "mine");
  if (mine == nullptr) return std::nullopt;
  const auto available = parse_btc(text_of(member(*mine, "trusted")));
  const auto immature = parse_btc(text_of(member(*mine, "immature")));
  if (!available) return std::nullopt;
  return WalletFunds{*available, immature.value_or(bitcoin::Sats{})};
}

std::optional<WalletTransaction> parse_wallet_transaction(std::string_view json) {
  rapidjson::Document document;
  if (!parse(document, json)) return std::nullopt;
  auto bytes = bytes_of(member(document, "hex"));
  const auto confirmations = integer_of(member(document, "confirmations"));
  if (!bytes || !confirmations) return std::nullopt;
  WalletTransaction out;
  out.transaction = std::move(*bytes);
  out.confirmations = *confirmations;
  out.block = hash_of<bitcoin::BlockHash>(member(document, "blockhash"));
  if (const auto fee = parse_btc(text_of(member(document, "fee")))) {
    out.fee = bitcoin::Sats(-fee->value);
  }
  if (out.fee && out.fee->value < 0) return std::nullopt;
  const Value* conflicts = member(document, "walletconflicts");
  if (conflicts != nullptr && conflicts->IsArray()) {
    for (const Value& entry : conflicts->GetArray()) {
      if (const auto txid = hash_of<bitcoin::Txid>(&entry)) out.conflicts.push_back(*txid);
    }
  }
  return out;
}

std::optional<std::vector<bitcoin::Txid>> parse_sent_since(std::string_view json) {
  rapidjson::Document document;
  if (!parse(document, json)) return std::nullopt;
  const Value* transactions = member(document, "transactions");
  if (transactions == nullptr || !transactions->IsArray()) return std::nullopt;
  std::set<bitcoin::Txid> seen;
  std::vector<bitcoin::Txid> out;
  for (const Value& entry : transactions->GetArray()) {
    if (text_of(member(entry, "category")) != "send") continue;
    const auto txid = hash_of<bitcoin::Txid>(member(entry, "txid"));
    if (txid && seen.insert(*txid).second) out.push_back(*txid);
  }
  return out;
}

std::optional<bool> parse_is_mine(std::string_view json) {
  rapidjson::Document document;
  if (!parse(document, json)) return std::nullopt;
  const Value* mine = member(document, "ismine");
  if (mine == nullptr || !mine->IsBool()) return std::nullopt;
  return mine->GetBool();
}

}  // namespace pool
