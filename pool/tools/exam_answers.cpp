#include "pool/tools/exam_answers.h"

#include <fmt/format.h>
#include <rapidjson/document.h>

namespace pool {

namespace {

bool parse(rapidjson::Document& document, std::string_view json) {
  // Not the recursive parser: how deep an answer is nested is the node's choice.
  return !document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size()).HasParseError();
}

std::string text_member(const rapidjson::Value& object, const char* name) {
  if (!object.IsObject() || !object.HasMember(name) || !object[name].IsString()) return {};
  return {object[name].GetString(), object[name].GetStringLength()};
}

}  // namespace

std::optional<std::vector<ZmqNotification>> parse_zmq_notifications(std::string_view json) {
  rapidjson::Document document;
  if (!parse(document, json) || !document.IsArray()) return std::nullopt;
  std::vector<ZmqNotification> out;
  for (const rapidjson::Value& entry : document.GetArray()) {
    constexpr std::string_view prefix = "pub";
    std::string topic = text_member(entry, "type");
    if (!topic.starts_with(prefix)) continue;
    out.push_back({topic.substr(prefix.size()), text_member(entry, "address")});
  }
  return out;
}

std::optional<WalletInfo> parse_wallet_info(std::string_view json) {
  rapidjson::Document document;
  if (!parse(document, json) || !document.IsObject()) return std::nullopt;
  WalletInfo info;
  // There only where the wallet is encrypted: until when it is open, 0 when it is not.
  if (document.HasMember("unlocked_until")) {
    const auto& until = document["unlocked_until"];
    info.locked = until.IsNumber() && until.GetDouble() == 0;
  }
  if (document.HasMember("private_keys_enabled")) {
    info.has_keys = !document["private_keys_enabled"].IsFalse();
  }
  // False, or an object that tells how far it is.
  if (document.HasMember("scanning")) info.scanning = document["scanning"].IsObject();
  return info;
}

std::string wallet_objection(const WalletInfo& info, const std::string& name) {
  if (!info.has_keys) {
    return fmt::format("wallet \"{}\" only watches, it has no keys: name one that can sign", name);
  }
  if (info.locked) {
    return fmt::format(
        "wallet \"{}\" is locked: bitcoin-cli -rpcwallet=\"{}\" walletpassphrase ...", name, name);
  }
  if (info.scanning) {
    return fmt::format("wallet \"{}\" is still looking for its transactions: wait", name);
  }
  return {};
}

}  // namespace pool
