#include "pool/node/node_link.h"

#include "common/log.h"
#include "common/rpc/rpc_client.h"
#include "common/uv/clock.h"
#include "pool/core/limits.h"
#include "pool/node/node_answers.h"
#include "pool/node/zmq_subscriber.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace pool {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view template_request = R"([{"rules":["segwit"]}])";
constexpr auto idle_poll = 5s;       // of a node that is not in use
constexpr auto warm_interval = 10s;  // bitcoind closes a connection after 30 s of silence
constexpr auto hashrate_interval = 60s;
constexpr auto long_poll_deadline = 300s;  // then it is simply asked again
// A long-poll answered within this and without news is one that the node does not really do.
constexpr auto long_poll_quick = 1s;
constexpr std::chrono::seconds long_poll_wait_most = 60s;

// bitcoind's error codes. Source: Bitcoin Core, rpc/protocol.h.
constexpr int rpc_invalid_address_or_key = -5;  // getblockheader: no such block
constexpr int rpc_deserialization_error = -22;

}  // namespace

struct NodeLink::State : std::enable_shared_from_this<NodeLink::State> {
  State(uv::Loop& loop, rpc::RpcEndpoint endpoint_in, bitcoin::Network network_in, Events events_in)
      : endpoint(std::move(endpoint_in)),
        name(fmt::format("{}:{}", endpoint.host, endpoint.port)),
        network(network_in),
        events(std::move(events_in)),
        template_clients{Client{loop, endpoint}, Client{loop, endpoint}},
        long_poll_client(loop, endpoint),
        poll_client(loop, endpoint),
        submit_client(loop, endpoint) {}

  struct Client {
    Client(uv::Loop& loop, const rpc::RpcEndpoint& endpoint)
        : rpc(std::make_unique<rpc::RpcClient>(loop, endpoint)) {}
    std::unique_ptr<rpc::RpcClient> rpc;
    int open_calls = 0;
  };

  // An answer that comes after the link is gone, or because it goes, reaches nobody.
  template <class Act>
  rpc::RpcClient::OnAnswer guarded(Act act) {
    return [weak = weak_from_this(), act = std::move(act)](rpc::RpcClient::Answer answer) {
      if (const auto self = weak.lock()) act(*self, std::move(answer));
    };
  }
  std::string describe(const rpc::RpcError& error) const {
    return describe_failure(error, endpoint);
  }

  void on_tick(base::Instant now);
  void connect_zmq(uv::Loop& loop, const std::string& zmq_endpoint);
  void tell_tip(const bitcoin::BlockHash& hash);
  // --- poll and health
  void poll(base::MonoTime now);
  void ask_chain_info();
  void ask_best_block();
  void ask_version();
  void ask_hashrate();
  void on_chain_info(const rpc::RpcClient::Answer& answer, std::uint64_t tips_heard_before);
  void poll_done();
  void set_up();
  void set_down(std::string error, int cause);
  // --- templates
  void request_template();
  void on_template_answer(const rpc::RpcClient::Answer& answer);
  std::optional<mining::BlockTemplate> read_template(const rpc::RpcClient::Answer& answer);
  void set_template_error(std::string error);
  void long_poll(base::MonoTime now);
  void on_long_poll_answer(const rpc::RpcClient::Answer& answer, base::MonoTime asked_at);
  // --- submissions
  void keep_submit_warm(base::MonoTime now);
  void on_submit_answer(const bitcoin::BlockHash& hash, const rpc::RpcClient::Answer& answer,
                        OnSubmitted on_done);
  void look_up(const bitcoin::BlockHash& hash, std::string reason, OnSubmitted on_done);

  const rpc::RpcEndpoint endpoint;
  const std::string name;
  const bitcoin::Network network;
  const Events events;
  NodeState state;
  std::string config_error;  // the link can't work at all
  bool in_use = false;
  bool quiet = false;
  int down_cause = 0;

  std::array<Client, 2> template_clients;
  std::uint64_t template_epoch = 0;
  std::optional<bitcoin::BlockHash> template_tip;

  rpc::RpcClient long_poll_client;
  std::string long_poll_id;
  bool long_polling = false;
  int long_poll_quick_answers = 0;
  base::MonoTime long_poll_not_before{};

  rpc::RpcClient poll_client;
  bool polling = false;
  bool poll_again = false;
  bool height_stale = false;
  std::uint64_t tips_heard = 0;
  base::MonoTime poll_at{};
  base::MonoTime hashrate_at{};

  rpc::RpcClient submit_client;
  int submissions_open = 0;
  bool warming = false;
  base::MonoTime warm_at{};

  std::unique_ptr<ZmqSubscriber> zmq;
};

void NodeLink::State::on_tick(base::Instant now) {
  if (quiet || !config_error.empty()) return;
  if (zmq) zmq->drain();
  if (!polling && now.mono >= poll_at) poll(now.mono);
  if (!state.up) return;
  if (in_use) long_poll(now.mono);
  if (now.mono >= hashrate_at) {
    hashrate_at = now.mono + hashrate_interval;
    ask_hashrate();
  }
  keep_submit_warm(now.mono);
}

void NodeLink::State::connect_zmq(uv::Loop& loop, const std::string& zmq_endpoint) {
  if (zmq_endpoint.empty()) return;
  auto made = ZmqSubscriber::connect(loop, zmq_endpoint, [this](const BlockAnnouncement& block) {
    if (quiet || !state.up) return;
    if (block.after_gap) poll_at = {};
    tell_tip(block.hash);
  });
  if (!made) {
    LOG(error, "zmq_unusable", {"node", name}, {"error", made.error()});
    return;
  }
  zmq = std::move(*made);
}

void NodeLink::State::tell_tip(const bitcoin::BlockHash& hash) {
  ++tips_heard;
  if (state.tip != hash) {
    state.tip = hash;
    height_stale = true;
  }
  events.on_tip(hash);
}

// ------------------------------------------------------------------------- poll and health

void NodeLink::State::poll(base::MonoTime now) {
  polling = true;
  poll_at = now + (state.up && !in_use ? idle_poll : limits::template_poll);
  if (state.up && in_use && !height_stale) {
    ask_best_block();
  } else {
    ask_chain_info();
  }
}

void NodeLink::State::ask_chain_info() {
  poll_client.call("getblockchaininfo", "[]", limits::rpc_deadline,
                   guarded([before = tips_heard](State& self, rpc::RpcClient::Answer answer) {
                     self.on_chain_info(answer, before);
                     self.poll_done();
                   }));
}

void NodeLink::State::on_chain_info(const rpc::RpcClient::Answer& answer,
                                    std::uint64_t tips_heard_before) {
  if (!answer) {
    set_down(describe(answer.error()),
             static_cast<int>(answer.error().kind) * 100'000 + answer.error().code);
    return;
  }
  const auto info = parse_chain_info(*answer);
  if (!info) return set_down(fmt::format("node {}: {}", name, info.error()), -1);
  state.chain = info->chain;
  if (const std::string objection = chain_objection(*info, network); !objection.empty()) {
    return set_down(fmt::format("node {} {}", name, objection), -2);
  }
  if (!state.up) state.height = info->height;  // who hears of it coming up looks at this
  set_up();
  // What was heard since the question went out is newer than the answer.
  if (tips_heard != tips_heard_before) return;
  state.height = info->height;
  height_stale = false;
  tell_tip(info->tip);
  height_stale = false;
}

void NodeLink::State::ask_best_block() {
  poll_client.call("getbestblockhash", "[]", limits::rpc_deadline,
                   guarded([before = tips_heard](State& self, rpc::RpcClient::Answer answer) {
                     if (!answer) {
                       self.set_down(
                           self.describe(answer.error()),
                           static_cast<int>(answer.error().kind) * 100'000 + answer.error().code);
                     } else if (const auto hash = parse_best_block(*answer); !hash) {
                       self.set_down(fmt::format("node {}: {}", self.name, hash.error()), -1);
                     } else if (self.tips_heard == before) {
                       self.tell_tip(*hash);
                       if (self.height_stale) self.poll_again = true;
                     }
                     self.poll_done();
                   }));
}

void NodeLink::State::poll_done() {
  polling = false;
  if (!std::exchange(poll_again, false) || quiet) return;
  poll(uv::read_clock().mono);
}

void NodeLink::State::ask_version() {
  poll_client.call("getnetworkinfo", "[]", limits::rpc_deadline,
                   guarded([](State& self, rpc::RpcClient::Answer answer) {
                     if (answer) self.state.version = parse_subversion(*answer);
                   }));
}

void NodeLink::State::ask_hashrate() {
  poll_client.call("getnetworkhashps", "[]", limits::rpc_deadline,
                   guarded([](State& self, rpc::RpcClient::Answer answer) {
                     const auto rate = answer ? parse_number(*answer) : std::nullopt;
                     self.state.network_hashrate = rate.value_or(0);
                   }));
}

void NodeLink::State::set_up() {
  if (state.up) return;
  const base::MonoTime now = uv::read_clock().mono;
  state.up = true;
  state.known = true;
  state.error.clear();
  state.up_since = now;
  hashrate_at = now;
  warm_at = now;
  long_poll_quick_answers = 0;
  long_poll_not_before = now;
  LOG(info, "node_up", {"node", name}, {"chain", state.chain});
  ask_version();
  events.on_state();
}

void NodeLink::State::set_down(std::string error, int cause) {
  const bool news = state.up || !state.known || cause != down_cause;
  const bool changed = state.up || !state.known;
  if (news) LOG(warning, "node_down", {"node", name}, {"error", error});
  down_cause = cause;
  state.up = false;
  state.known = true;
  state.error = std::move(error);
  if (changed) events.on_state();
}

// ------------------------------------------------------------------------- templates

void NodeLink::State::request_template() {
  auto& client = *std::min_element(
      template_clients.begin(), template_clients.end(),
      [](const Client& a, const Client& b) { return a.open_calls < b.open_calls; });
  ++client.open_calls;
  const auto index = static_cast<std::size_t>(&client - template_clients.data());
  client.rpc->call("getblocktemplate", std::string(template_request), limits::rpc_deadline,
                   guarded([index, epoch = template_epoch](State& self, auto answer) {
                     --self.template_clients[index].open_calls;
                     if (epoch == self.template_epoch) self.on_template_answer(answer);
                   }));
}

void NodeLink::State::on_template_answer(const rpc::RpcClient::Answer& answer) {
  if (!answer) set_template_error(describe(answer.error()));
  auto block_template = answer ? read_template(answer) : std::nullopt;
  if (!block_template) return events.on_template_failed();
  set_template_error({});
  events.on_template(std::move(*block_template), TemplateOrigin::requested);
}

std::optional<mining::BlockTemplate> NodeLink::State::read_template(
    const rpc::RpcClient::Answer& answer) {
  auto parsed = mining::parse_block_template(*answer);
  if (!parsed) {
    set_template_error(fmt::format("node {} gave a template that can't be used: {}: {}", name,
                                   parsed.error().field, parsed.error().why));
    return std::nullopt;
  }
  long_poll_id = parsed->longpollid;
  template_tip = parsed->prev_hash;
  return std::move(*parsed);
}

// Logged when it begins and when it ends; the retries in between are not news.
void NodeLink::State::set_template_error(std::string error) {
  const bool failed_before = !state.template_error.empty();
  if (error.empty() && failed_before) LOG(debug, "template_restored", {"node", name});
  if (!error.empty() && !failed_before && state.up) {
    LOG(warning, "template_failed", {"node", name}, {"error", error});
  }
  state.template_error = std::move(error);
}

void NodeLink::State::long_poll(base::MonoTime now) {
  if (long_polling || long_poll_id.empty() || now < long_poll_not_before) return;
  long_polling = true;
  // The id is the node's own text; only its plain characters go back, so no JSON can be broken.
  std::string id;
  for (const char c : long_poll_id) {
    if (c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20) id += c;
  }
  long_poll_client.call("getblocktemplate",
                        fmt::format(R"([{{"rules":["segwit"],"longpollid":"{}"}}])", id),
                        long_poll_deadline, guarded([now](State& self, auto answer) {
                          self.long_polling = false;
                          if (self.in_use && !self.quiet) self.on_long_poll_answer(answer, now);
                        }));
}

void NodeLink::State::on_long_poll_answer(const rpc::RpcClient::Answer& answer,
                                          base::MonoTime asked_at) {
  const base::MonoTime now = uv::read_clock().mono;
  const auto tip_before = template_tip;
  auto block_template = answer ? read_template(answer) : std::nullopt;
  const bool timed_out = !answer && answer.error().kind == rpc::RpcError::Kind::timeout;
  const bool news = block_template && template_tip != tip_before;
  if (news || timed_out || now - asked_at > long_poll_quick) {
    long_poll_quick_answers = 0;
    long_poll_not_before = answer || timed_out ? now : now + 1s;
  } else {
    const auto wait = 1s * (1 << std::min(long_poll_quick_answers++, 6));
    long_poll_not_before = now + std::min<std::chrono::seconds>(long_poll_wait_most, wait);
  }
  long_poll(now);  // at once where that is right: the id is the new one
  if (block_template) {
    if (news) {
      state.tip = *template_tip;
      ++tips_heard;
      height_stale = true;
    }
    events.on_template(std::move(*block_template), TemplateOrigin::pushed);
  }
}

// ------------------------------------------------------------------------- submissions

void NodeLink::State::keep_submit_warm(base::MonoTime now) {
  if (warming || submissions_open > 0 || now < warm_at) return;
  warming = true;
  warm_at = now + warm_interval;
  submit_client.call("getblockcount", "[]", limits::rpc_deadline,
                     guarded([](State& self, auto /*answer*/) { self.warming = false; }));
}

void NodeLink::State::on_submit_answer(const bitcoin::BlockHash& hash,
                                       const rpc::RpcClient::Answer& answer, OnSubmitted on_done) {
  using Kind = SubmitReport::Kind;
  if (!answer) {
    const bool refused = answer.error().kind == rpc::RpcError::Kind::node_error &&
                         answer.error().code == rpc_deserialization_error;
    return on_done({refused ? Kind::rejected : Kind::failed,
                    refused ? answer.error().message : describe(answer.error())});
  }
  SubmitAnswer said = parse_submit_answer(*answer);
  switch (said.verdict) {
    case SubmitVerdict::accepted:
      return on_done({Kind::accepted, {}});
    case SubmitVerdict::rejected:
      return on_done({Kind::rejected, std::move(said.reason)});
    case SubmitVerdict::unsure:
      return look_up(hash, std::move(said.reason), std::move(on_done));
  }
}

// "duplicate" and "inconclusive" do not say where the block stands; its header does.
void NodeLink::State::look_up(const bitcoin::BlockHash& hash, std::string reason,
                              OnSubmitted on_done) {
  ++submissions_open;
  submit_client.call(
      "getblockheader", fmt::format(R"(["{}"])", hash.display_hex()), limits::rpc_deadline,
      guarded([reason = std::move(reason), on_done = std::move(on_done)](State& self, auto answer) {
        using Kind = SubmitReport::Kind;
        --self.submissions_open;
        if (answer) {
          const bool best = parse_confirmations(*answer).value_or(-1) >= 1;
          return on_done({best ? Kind::accepted : Kind::side_chain, reason});
        }
        const bool unknown = answer.error().kind == rpc::RpcError::Kind::node_error &&
                             answer.error().code == rpc_invalid_address_or_key;
        on_done({unknown ? Kind::rejected : Kind::failed,
                 unknown ? reason : self.describe(answer.error())});
      }));
}

// ------------------------------------------------------------------------- NodeLink

NodeLink::NodeLink(uv::Loop& loop, const NodeConfig& config, bitcoin::Network network,
                   Events events) {
  auto endpoint = rpc::parse_rpc_url(config.rpc);
  rpc::RpcEndpoint to = endpoint ? *endpoint : rpc::RpcEndpoint{};
  to.user = config.user;
  to.password = config.password;
  to.cookie_file = config.cookie_file;
  state_ = std::make_shared<State>(loop, std::move(to), network, std::move(events));
  if (!endpoint) {
    state_->config_error = endpoint.error();
    state_->state.error = endpoint.error();
    state_->state.known = true;
    return;
  }
  state_->connect_zmq(loop, config.zmq);
}

NodeLink::~NodeLink() = default;

void NodeLink::on_tick(base::Instant now) { state_->on_tick(now); }

void NodeLink::set_in_use(bool in_use) {
  ++state_->template_epoch;
  state_->in_use = in_use;
  state_->poll_at = {};
  if (!in_use && state_->long_polling) state_->long_poll_client.cancel_all();
}

void NodeLink::request_template() { state_->request_template(); }

void NodeLink::poll_now() {
  if (state_->quiet || !state_->config_error.empty()) return;
  if (state_->polling) {
    state_->poll_again = true;
  } else {
    state_->poll(uv::read_clock().mono);
  }
}

void NodeLink::submit(const bitcoin::BlockHash& hash, const std::string& block_hex,
                      OnSubmitted on_done) {
  ++state_->submissions_open;
  state_->submit_client.call(
      "submitblock", fmt::format(R"(["{}"])", block_hex), limits::submit_deadline,
      state_->guarded([hash, on_done = std::move(on_done)](State& self, auto answer) {
        --self.submissions_open;
        self.on_submit_answer(hash, answer, on_done);
      }));
}

void NodeLink::quiesce() {
  state_->quiet = true;
  state_->zmq.reset();
  ++state_->template_epoch;
  if (state_->long_polling) state_->long_poll_client.cancel_all();
}

const NodeState& NodeLink::state() const { return state_->state; }
const std::string& NodeLink::name() const { return state_->name; }

}  // namespace pool
