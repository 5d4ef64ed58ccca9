#include "common/node/answers.h"

#include "common/mining/template_network.h"
#include "common/rpc/rpc_answer.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <rapidjson/document.h>

namespace node {

namespace {

constexpr std::size_t reason_bytes_max = 200;
constexpr std::size_t long_poll_id_bytes_max = 512;

bool parse(rapidjson::Document& document, std::string_view json) {
  // Not the recursive parser: how deep an answer is nested is the node's choice.
  return !document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size()).HasParseError();
}

const rapidjson::Value* member(const rapidjson::Value& object, const char* name) {
  if (!object.IsObject()) return nullptr;
  const auto found = object.FindMember(name);
  return found == object.MemberEnd() ? nullptr : &found->value;
}

std::string_view text_of(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

std::optional<bitcoin::BlockHash> hash_of(const rapidjson::Value* value) {
  if (value == nullptr || !value->IsString()) return std::nullopt;
  const auto hash = bitcoin::BlockHash::from_display_hex(text_of(*value));
  if (!hash) return std::nullopt;
  return *hash;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

base::Result<ChainInfo, std::string> parse_chain_info(std::string_view json) {
  const auto bad = [](const char* what) {
    return base::err(fmt::format("getblockchaininfo's answer {}", what));
  };
  rapidjson::Document document;
  if (!parse(document, json) || !document.IsObject()) return bad("is not an object");
  ChainInfo info;
  const auto* chain = member(document, "chain");
  if (chain == nullptr || !chain->IsString()) return bad("has no chain");
  info.chain = text_of(*chain);
  const auto* blocks = member(document, "blocks");
  if (blocks == nullptr || !blocks->IsUint()) return bad("has no block count");
  info.height = blocks->GetUint();
  info.headers = info.height;
  if (const auto* headers = member(document, "headers")) {
    if (headers->IsUint()) info.headers = std::max(info.height, headers->GetUint());
  }
  const auto tip = hash_of(member(document, "bestblockhash"));
  if (!tip) return bad("has no best block hash");
  info.tip = *tip;
  if (const auto* downloading = member(document, "initialblockdownload")) {
    info.initial_download = downloading->IsTrue();
  }
  if (const auto* progress = member(document, "verificationprogress")) {
    if (progress->IsNumber()) info.verification_progress = progress->GetDouble();
  }
  if (const auto* challenge = member(document, "signet_challenge")) {
    if (challenge->IsString()) info.signet_challenge = text_of(*challenge);
  }
  return info;
}

base::Result<bitcoin::BlockHash, std::string> parse_best_block(std::string_view json) {
  rapidjson::Document document;
  if (parse(document, json)) {
    if (const auto hash = hash_of(&document)) return *hash;
  }
  return base::err(std::string("getbestblockhash's answer is not a block hash"));
}

std::string parse_subversion(std::string_view json) {
  rapidjson::Document document;
  if (!parse(document, json)) return {};
  const auto* subversion = member(document, "subversion");
  if (subversion == nullptr || !subversion->IsString()) return {};
  return std::string(text_of(*subversion));
}

std::optional<double> parse_number(std::string_view json) {
  rapidjson::Document document;
  if (!parse(document, json) || !document.IsNumber()) return std::nullopt;
  return document.GetDouble();
}

std::optional<std::uint32_t> parse_header_height(std::string_view json) {
  rapidjson::Document document;
  if (!parse(document, json)) return std::nullopt;
  const auto* height = member(document, "height");
  if (height == nullptr || !height->IsUint()) return std::nullopt;
  return height->GetUint();
}

std::optional<std::int64_t> parse_confirmations(std::string_view json) {
  rapidjson::Document document;
  if (!parse(document, json)) return std::nullopt;
  const auto* confirmations = member(document, "confirmations");
  if (confirmations == nullptr || !confirmations->IsInt64()) return std::nullopt;
  return confirmations->GetInt64();
}

SubmitAnswer parse_submit_answer(std::string_view json) {
  rapidjson::Document document;
  if (!parse(document, json)) return {SubmitVerdict::unsure, "an answer that is not JSON", true};
  if (document.IsNull()) return {SubmitVerdict::accepted, {}, false};
  if (!document.IsString()) return {SubmitVerdict::unsure, "an answer that is not text", true};
  std::string_view reason = text_of(document).substr(0, reason_bytes_max);
  constexpr std::string_view prefix = "rejected: ";  // bcoin
  if (reason.substr(0, prefix.size()) == prefix) reason.remove_prefix(prefix.size());
  // "duplicate-invalid" is a plain no; "duplicate", "inconclusive" and "duplicate-inconclusive" are
  // not. Source: BIP22; Bitcoin Core, rpc/mining.cpp submitblock.
  const bool unsure =
      reason != "duplicate-invalid" && (contains(reason, "duplicate") || reason == "inconclusive");
  // The parent has not reached this node yet (bitcoind; bcoin), or its clock is behind. Source:
  // Bitcoin Core, validation.cpp; bcoin, node/rpc.js _addBlock. (bitcoind's own "bad-prevblk" is a
  // parent that it holds invalid, which waiting does not harm.)
  const bool not_yet =
      reason == "prev-blk-not-found" || reason == "bad-prevblk" || reason == "time-too-new";
  const auto verdict = unsure    ? SubmitVerdict::unsure
                       : not_yet ? SubmitVerdict::not_yet
                                 : SubmitVerdict::rejected;
  return {verdict, std::string(reason), false};
}

// A proposal has no work, its parent may be the tip no more, and clocks differ: none of that is a
// word on the block that a miner would find. Source: BIP22 (reasons); Bitcoin Core, rpc/mining.cpp;
// bcoin, node/rpc.js.
ProposalAnswer parse_proposal_answer(std::string_view json) {
  constexpr std::array passing{
      std::string_view("high-hash"),         std::string_view("bad-prevblk"),
      std::string_view("stale-prevblk"),     std::string_view("stale-work"),
      std::string_view("time-invalid"),      std::string_view("time-too-new"),
      std::string_view("time-too-old"),      std::string_view("unknown-work"),
      std::string_view("prev-blk-not-found")};
  rapidjson::Document document;
  if (!parse(document, json)) return {ProposalVerdict::unsure, "an answer that is not JSON", true};
  if (document.IsNull()) return {ProposalVerdict::accepted, {}, false};
  if (!document.IsString()) return {ProposalVerdict::unsure, "an answer that is not text", true};
  const std::string reason = rpc::one_line(text_of(document), reason_bytes_max);
  const bool passes = contains(reason, "inconclusive") || contains(reason, "duplicate") ||
                      std::find(passing.begin(), passing.end(), reason) != passing.end();
  return {passes ? ProposalVerdict::unsure : ProposalVerdict::refused, reason, false};
}

std::string template_params(bitcoin::Network network, std::string_view members) {
  const bool signet = network == bitcoin::Network::signet;
  return fmt::format(R"([{{{}"rules":["segwit"{}]}}])", members, signet ? R"(,"signet")" : "");
}

std::string long_poll_member(std::string_view id) {
  if (id.empty()) return {};
  std::string plain;
  for (const char c : id.substr(0, long_poll_id_bytes_max)) {
    if (c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20) plain += c;
  }
  return fmt::format(R"("longpollid":"{}",)", plain);
}

std::string proposal_members(std::string_view block_hex) {
  return fmt::format(R"("mode":"proposal","data":"{}",)", block_hex);
}

base::Result<mining::BlockTemplate, std::string> read_template(rpc::RpcResult& answer,
                                                               bitcoin::Network network) {
  auto parsed = mining::parse_block_template_in_place(answer.writable(mining::json_padding_bytes));
  std::optional<mining::TemplateError> error;
  if (parsed) {
    error = mining::network_objection(*parsed, network);
  } else {
    error = std::move(parsed.error());
  }
  if (!error) return std::move(*parsed);
  return base::err(
      fmt::format("gave a template that can't be used: {}: {}", error->field, error->why));
}

std::string describe_failure(const rpc::RpcError& error, const FailureRemedies& remedies) {
  const auto with = [&](std::string_view remedy) {
    return fmt::format("node {}{}{}", error.message, remedy.empty() ? "" : ": ", remedy);
  };
  using Kind = rpc::RpcError::Kind;
  switch (error.kind) {
    case Kind::unreachable:
      return with("is bitcoind running there with server=1?");
    case Kind::timeout:
      return with("is the node overloaded, or is another program on that port?");
    case Kind::unauthorized:
      return with(remedies.unauthorized);
    case Kind::cookie:
      return with(remedies.cookie);
    case Kind::bad_answer:
      return with(remedies.bad_answer);
    case Kind::cancelled:
      return with({});
    case Kind::node_error:
      break;
  }
  switch (error.code) {
    case rpc_in_warmup:
      return with("the node is starting up, wait a moment");
    case rpc_client_not_connected:
      return with("the node has no peers: wait, or check its network");
    case rpc_client_in_initial_download:
      return with("wait until the node has caught up");
    case rpc_method_not_found:
      return with("Bitcoin Core 25 or newer is expected");
    default:
      return with({});
  }
}

}  // namespace node
