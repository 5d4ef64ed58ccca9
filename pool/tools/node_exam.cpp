#include "pool/tools/node_exam.h"

#include "common/base/host_port.h"
#include "common/base/percent.h"
#include "common/mining/proposal.h"
#include "common/node/answers.h"
#include "pool/node/node_asker.h"
#include "pool/node/node_check.h"
#include "pool/node/node_words.h"
#include "pool/tools/exam_answers.h"
#include "pool/tools/probe.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace pool {

namespace {

using namespace std::chrono_literals;

constexpr auto zmq_deadline = 2s;
// Blocks that a node may know of and not have looked at yet.
constexpr std::uint32_t blocks_behind_max = 2;
constexpr std::int64_t skew_told_seconds = 10;
constexpr std::int64_t skew_refused_seconds = 60;  // a header's time is off by as much
// Bitcoin Core, rpc/protocol.h.

// One node, what it was asked, and what came out so far.
class NodeExam {
 public:
  NodeExam(const NodeConfig& node, const NodeExamOptions& options, rpc::RpcEndpoint endpoint,
           const CheckReport& report)
      : node_(node),
        options_(options),
        report_(report),
        asker_(std::move(endpoint), options.deadline) {}

  void run() {
    if (!look_at_chain()) return look_at_publishers();
    look_at_template();
    look_at_proposal();
    look_at_clock();
    look_at_publishers();
    look_at_rights();
    look_at_wallet();
  }

 private:
  void say(bool ok, std::string part, std::string text) {
    report_({ok, std::move(part), fmt::format("{} {}", node_.rpc, text)});
  }
  bool is_refused(const rpc::RpcClient::Answer& answer) const {
    return !answer && answer.error().kind == rpc::RpcError::Kind::unauthorized;
  }
  bool is_unknown(const rpc::RpcClient::Answer& answer) const {
    return !answer && answer.error().code == node::rpc_method_not_found;
  }

  bool look_at_chain();
  void look_at_template();
  void look_at_proposal();
  std::string proposal_problem(const rpc::RpcClient::Answer& answer) const;
  void look_at_clock();
  void look_at_publishers();
  void look_at_publisher(const std::string& endpoint);
  void look_at_rights();
  void look_at_wallet();
  std::string wallet_problem(const rpc::RpcClient::Answer& answer) const;

  const NodeConfig& node_;
  const NodeExamOptions& options_;
  const CheckReport& report_;
  NodeAsker asker_;
  NodeCheck found_;
  // What the node says it publishes; none: it does not tell.
  std::optional<std::vector<ZmqNotification>> published_;
};

bool NodeExam::look_at_chain() {
  auto found = check_node(asker_, options_.network);
  if (!found) {
    report_({false, "node", found.error()});
    return false;
  }
  found_ = std::move(*found);
  const std::uint32_t behind = found_.headers - found_.height;
  if (behind > blocks_behind_max) {
    say(false, "node",
        fmt::format("is at height {} and knows headers up to {}: wait until it has caught up; if "
                    "it does not, look at its log",
                    found_.height, found_.headers));
    return true;
  }
  say(true, "node",
      fmt::format("{} height {} {}", network_name(options_.network), found_.height,
                  found_.subversion));
  return true;
}

void NodeExam::look_at_template() {
  const bool segwit = found_.block_template->default_witness_commitment.has_value();
  const std::string text = fmt::format("{} transactions, pays {} sats, network difficulty {:.6g}",
                                       found_.template_transactions, found_.coinbase_value.value,
                                       found_.network_difficulty);
  if (segwit) return say(true, "template", text);
  if (options_.network == bitcoin::Network::regtest) {
    return say(true, "template", text + "; segwit is not active on its chain yet");
  }
  say(false, "template",
      "has no segwit: this node does not know the chain's rules; use Bitcoin Core 25 or newer");
}

// The block is made as the pool makes it: by a JobSource, whose job goes nowhere.
struct OneJob final : NodeHost {
  void request_template() override {}
  void request_header(const bitcoin::BlockHash&) override {}
  void publish(std::shared_ptr<const mining::Job> made, std::chrono::milliseconds) override {
    job = std::move(made);
  }
  std::shared_ptr<const mining::Job> job;
};

void NodeExam::look_at_proposal() {
  OneJob host;
  JobSource source(host, options_.jobs);
  source.on_template(*found_.block_template, found_.template_came);
  if (!host.job) return say(false, "proposal", source.last_refusal());
  if (!found_.block_template->takes_proposals) {
    return say(true, "proposal", "whether it would take our block is not told by this node");
  }
  const std::string members = node::proposal_members(mining::proposal_block_hex(*host.job));
  const auto answer =
      asker_.ask("getblocktemplate", node::template_params(options_.network, members));
  const std::string problem = proposal_problem(answer);
  if (!problem.empty()) return say(false, "proposal", problem);
  const bool judged =
      answer && node::parse_proposal_answer(*answer).verdict == node::ProposalVerdict::accepted;
  say(true, "proposal",
      judged
          ? fmt::format("would take our block of {} transactions", found_.template_transactions + 1)
          : "whether it would take our block is not told by this node");
}

std::string NodeExam::proposal_problem(const rpc::RpcClient::Answer& answer) const {
  if (!answer && answer.error().code == node::rpc_invalid_parameter)
    return {};  // knows no proposals
  if (!answer) return describe_failure(answer.error(), asker_.endpoint());
  const node::ProposalAnswer said = node::parse_proposal_answer(*answer);
  if (said.verdict != node::ProposalVerdict::refused) return {};
  return fmt::format(
      "would refuse our block: \"{}\"; look at coinbase_tag and coinbase_outputs, and whether the "
      "node is of the chain's present rules",
      said.reason);
}

void NodeExam::look_at_clock() {
  const auto& made = *found_.block_template;
  const std::int64_t skew =
      clock_skew_seconds(made.curtime, made.mintime, found_.template_asked.unix_seconds(),
                         found_.template_came.unix_seconds());
  const std::int64_t size = std::abs(skew);
  const auto direction = skew > 0 ? "ahead of" : "behind";
  if (size > skew_refused_seconds) {
    return say(false, "clock",
               fmt::format("its clock is {} s {} this machine's: set both right (systemd-timesyncd "
                           "or chrony); blocks with a wrong time are refused",
                           size, direction));
  }
  if (size > skew_told_seconds) {
    return say(true, "clock",
               fmt::format("its clock is {} s {} this machine's; a time service on both would help",
                           size, direction));
  }
  say(true, "clock", "its clock and this machine's agree");
}

// ------------------------------------------------------------------------- announcements

void NodeExam::look_at_publishers() {
  if (node_.zmq.empty()) {
    return say(true, "zmq",
               "none configured: new tips are heard by long-poll and poll; start bitcoind with "
               "-zmqpubhashblock and -zmqpubrawblock and name them in \"zmq\" to be faster");
  }
  if (const auto answer = asker_.ask("getzmqnotifications", "[]")) {
    published_ = parse_zmq_notifications(*answer);
  }
  for (const std::string& endpoint : node_.zmq) look_at_publisher(endpoint);
}

// Addresses are compared by port: a node that listens on 0.0.0.0 is reached by another name.
std::string_view port_of(std::string_view endpoint) {
  const std::size_t colon = endpoint.rfind(':');
  return endpoint.starts_with("tcp://") && colon != std::string_view::npos ? endpoint.substr(colon)
                                                                           : endpoint;
}

void NodeExam::look_at_publisher(const std::string& endpoint) {
  constexpr std::string_view tcp = "tcp://";
  if (endpoint.starts_with(tcp)) {
    const auto where = base::parse_host_port(std::string_view(endpoint).substr(tcp.size()));
    const std::string problem = !where ? std::string(base::describe(where.error()))
                                       : probe_zmq(where->host, where->port, zmq_deadline);
    if (!problem.empty()) {
      return say(false, "zmq",
                 fmt::format("{}: {}; start bitcoind with -zmqpubhashblock={}, or leave zmq empty "
                             "to go by long-poll and poll",
                             endpoint, problem, endpoint));
    }
  }
  if (!published_) {
    return say(true, "zmq", endpoint + " answers; what it publishes is not told by this node");
  }
  const auto publishes = [&](std::string_view topic, bool anywhere) {
    return std::any_of(published_->begin(), published_->end(), [&](const ZmqNotification& entry) {
      return entry.topic == topic && (anywhere || port_of(entry.address) == port_of(endpoint));
    });
  };
  std::string heard;
  for (const std::string_view topic : {"hashblock", "rawblock", "sequence"}) {
    if (publishes(topic, false)) heard += fmt::format("{}{}", heard.empty() ? "" : ", ", topic);
  }
  if (heard.empty()) {
    return say(false, "zmq",
               fmt::format("{} answers, but the node publishes no blocks there: start bitcoind "
                           "with -zmqpubhashblock={} and -zmqpubrawblock={}",
                           endpoint, endpoint, endpoint));
  }
  const bool hint = !publishes("rawblock", true);
  say(true, "zmq",
      fmt::format("{} answers, and publishes {}{}", endpoint, heard,
                  hint ? fmt::format("; with -zmqpubrawblock={} too, miners have work on a new tip "
                                     "without a question to the node",
                                     endpoint)
                       : std::string()));
}

// ------------------------------------------------------------------------- rights

// A node whose rpcwhitelist lacks a method answers 403 for it, and a block would be lost that way.
void NodeExam::look_at_rights() {
  const std::string tip = fmt::format("[\"{}\"]", found_.tip.display_hex());
  const std::pair<std::string_view, std::string> questions[] = {
      {"submitblock", "[\"00\"]"},  // no block: a node that takes it says that it can't be decoded
      {"getbestblockhash", "[]"},
      {"getblockheader", tip},
      {"preciousblock", tip},  // it is the best block, so this changes nothing
  };
  std::string refused;
  for (const auto& [method, params] : questions) {
    const auto answer = asker_.ask(method, params);
    if (is_refused(answer)) refused += fmt::format("{}{}", refused.empty() ? "" : ",", method);
    if (method != "submitblock" || answer) continue;
    const auto kind = answer.error().kind;
    if (is_unknown(answer)) {
      return say(false, "submit", "has no submitblock: use Bitcoin Core 25 or newer");
    }
    if (kind != rpc::RpcError::Kind::node_error && kind != rpc::RpcError::Kind::unauthorized) {
      return say(false, "submit", describe_failure(answer.error(), asker_.endpoint()));
    }
  }
  if (refused.empty()) return say(true, "submit", "takes blocks from this user");
  say(false, "submit",
      fmt::format("refuses {} to this user: add it to rpcwhitelist in bitcoin.conf{}", refused,
                  node_.user.empty()
                      ? std::string()
                      : fmt::format(" (rpcwhitelist={}:...,{})", node_.user, refused)));
}

void NodeExam::look_at_wallet() {
  if (options_.wallet.empty()) return;
  rpc::RpcEndpoint endpoint = asker_.endpoint();
  endpoint.path = "/wallet/" + base::percent_encoded(options_.wallet);
  NodeAsker asker(std::move(endpoint), options_.deadline);
  const auto answer = asker.ask("getwalletinfo", "[]");
  const std::string problem = wallet_problem(answer);
  if (!problem.empty()) return say(false, "wallet", problem);
  say(true, "wallet",
      answer ? fmt::format("\"{}\" is there and can sign", options_.wallet)
             : fmt::format("\"{}\": not told by this node", options_.wallet));
}

std::string NodeExam::wallet_problem(const rpc::RpcClient::Answer& answer) const {
  const std::string& name = options_.wallet;
  if (is_refused(answer)) {
    return "refuses getwalletinfo to this user: add it to rpcwhitelist in bitcoin.conf";
  }
  if (is_unknown(answer)) {
    // bcoin's wallet answers on a port of its own.
    if (found_.subversion.find("bcoin") != std::string::npos) return {};
    return "has no wallets: start it without -disablewallet, or leave payout.wallet empty";
  }
  if (!answer && answer.error().code == node::rpc_wallet_not_found) {
    return fmt::format(
        "has no wallet \"{}\" loaded: bitcoin-cli loadwallet \"{}\" (or createwallet)", name, name);
  }
  if (!answer) return describe_failure(answer.error(), asker_.endpoint());
  const auto info = parse_wallet_info(*answer);
  if (!info) return "getwalletinfo's answer is not an object";
  return wallet_objection(*info, name);
}

}  // namespace

std::int64_t clock_skew_seconds(std::int64_t curtime, std::int64_t mintime, std::int64_t asked,
                                std::int64_t came) {
  if (curtime < asked) return curtime - asked;
  if (curtime > came && curtime > mintime) return curtime - came;
  return 0;
}

void examine_node(const NodeConfig& node, const NodeExamOptions& options,
                  const CheckReport& report) {
  auto endpoint = endpoint_of(node);
  if (!endpoint) return report({false, "node", endpoint.error()});
  NodeExam(node, options, std::move(*endpoint), report).run();
}

}  // namespace pool
