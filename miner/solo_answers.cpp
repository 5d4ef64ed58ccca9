#include "miner/solo_answers.h"

#include "common/mining/template_network.h"
#include "miner/text.h"

#include <fmt/format.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace miner {
namespace {

constexpr std::size_t long_poll_id_bytes_max = 512;
constexpr std::size_t reason_bytes_max = 200;

// bitcoind's error codes. Source: Bitcoin Core, rpc/protocol.h.
constexpr int rpc_client_not_connected = -9;
constexpr int rpc_client_in_initial_download = -10;
constexpr int rpc_deserialization_error = -22;
constexpr int rpc_in_warmup = -28;
constexpr int rpc_method_not_found = -32601;

// False: not JSON, or nested so deeply that no answer is meant.
bool parse(rapidjson::Document& document, std::string_view json) {
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  return !document.HasParseError();
}

std::string_view text_of(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

// A string answer is the reason against a block; null is none.
SoloAnswer verdict_of(std::string_view json) {
  using Kind = SoloAnswer::Kind;
  rapidjson::Document document;
  if (!parse(document, json)) return {Kind::unanswered, "the node's answer is not JSON"};
  if (document.IsNull()) return {Kind::accepted, {}};
  if (!document.IsString()) return {Kind::unanswered, "the node's answer is not text"};
  std::string_view reason = text_of(document);
  constexpr std::string_view prefix = "rejected: ";  // bcoin
  if (reason.starts_with(prefix)) reason.remove_prefix(prefix.size());
  return {Kind::refused, printable(reason, reason_bytes_max)};
}

}  // namespace

base::Result<SoloChain, std::string> parse_chain(std::string_view json) {
  rapidjson::Document document;
  if (!parse(document, json) || !document.IsObject()) {
    return base::err(std::string("getblockchaininfo's answer is not an object"));
  }
  SoloChain found;
  const auto chain = document.FindMember("chain");
  if (chain == document.MemberEnd() || !chain->value.IsString()) {
    return base::err(std::string("getblockchaininfo's answer has no \"chain\""));
  }
  if (!bitcoin::network_from_name(text_of(chain->value), found.network)) {
    return base::err(fmt::format(
        "the node's chain is \"{}\": expected one of main, test, testnet4, signet, regtest",
        printable(text_of(chain->value), 40)));
  }
  const auto blocks = document.FindMember("blocks");
  if (blocks != document.MemberEnd() && blocks->value.IsUint()) {
    found.height = blocks->value.GetUint();
  }
  return found;
}

base::Result<bitcoin::BlockHash, std::string> parse_best_block(std::string_view json) {
  rapidjson::Document document;
  if (parse(document, json) && document.IsString()) {
    if (const auto hash = bitcoin::BlockHash::from_display_hex(text_of(document))) return *hash;
  }
  return base::err(std::string("getbestblockhash's answer is not a block hash"));
}

SoloAnswer parse_submit_answer(std::string_view json) {
  SoloAnswer answer = verdict_of(json);
  // The block was sent before, and its answer was lost.
  if (answer.reason == "duplicate") return {SoloAnswer::Kind::accepted, {}};
  return answer;
}

SoloAnswer parse_proposal_answer(std::string_view json) {
  constexpr std::array<std::string_view, 5> of_the_moment = {
      "high-hash", "inconclusive-not-best-prevblk", "bad-prevblk", "stale-prevblk", "duplicate"};
  SoloAnswer answer = verdict_of(json);
  const bool passes =
      std::find(of_the_moment.begin(), of_the_moment.end(), answer.reason) != of_the_moment.end();
  if (passes) return {SoloAnswer::Kind::accepted, {}};
  return answer;
}

SoloAnswer answer_of(const rpc::RpcError& error) {
  const bool refused =
      error.kind == rpc::RpcError::Kind::node_error && error.code == rpc_deserialization_error;
  return {refused ? SoloAnswer::Kind::refused : SoloAnswer::Kind::unanswered,
          describe_failure(error)};
}

std::string template_params(bitcoin::Network network, std::string_view long_poll_id) {
  std::string members;
  if (!long_poll_id.empty()) {
    // The id is the node's own text. What could break out of a JSON string does not go back.
    std::string plain;
    for (const char c : long_poll_id.substr(0, long_poll_id_bytes_max)) {
      if (c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20) plain += c;
    }
    members = fmt::format(R"("longpollid":"{}",)", plain);
  }
  const bool signet = network == bitcoin::Network::signet;
  return fmt::format(R"([{{{}"rules":["segwit"{}]}}])", members, signet ? R"(,"signet")" : "");
}

std::string proposal_params(std::string_view block_hex) {
  return fmt::format(R"([{{"mode":"proposal","rules":["segwit"],"data":"{}"}}])", block_hex);
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
  return base::err(fmt::format("the node's template can't be used: {}: {}", error->field,
                               printable(error->why, reason_bytes_max)));
}

std::string describe_failure(const rpc::RpcError& error) {
  const auto with = [&](std::string_view remedy) {
    return fmt::format("node {}{}{}", printable(error.message, reason_bytes_max),
                       remedy.empty() ? "" : ": ", remedy);
  };
  using Kind = rpc::RpcError::Kind;
  switch (error.kind) {
    case Kind::unreachable:
      return with("is it running there with server=1?");
    case Kind::timeout:
      return with("is it overloaded, or is another program on that port?");
    case Kind::unauthorized:
      return with("compare the user and password in --solo (or --cookie-file) with the node's");
    case Kind::cookie:
      return with("is the node running, and may this user read --cookie-file?");
    case Kind::bad_answer:
      return with("is the port in --solo the node's RPC port?");
    case Kind::cancelled:
      return with({});
    case Kind::node_error:
      break;
  }
  switch (error.code) {
    case rpc_in_warmup:
      return with("it is starting up, wait a moment");
    case rpc_client_not_connected:
      return with("it has no peers: wait, or check its network");
    case rpc_client_in_initial_download:
      return with("wait until it has caught up");
    case rpc_method_not_found:
      return with("expected a node that gives block templates");
    default:
      return with({});
  }
}

}  // namespace miner
