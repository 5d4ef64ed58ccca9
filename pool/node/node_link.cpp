#include "pool/node/node_link.h"

#include "common/log.h"
#include "common/node/answers.h"
#include "common/uv/clock.h"
#include "pool/core/limits.h"
#include "pool/node/node_words.h"

#include <utility>

#include <fmt/format.h>

namespace pool {

namespace {

using namespace std::chrono_literals;

constexpr auto hashrate_interval = 60s;

// Causes of being down that are not an RpcError; only told apart to log a change once.
constexpr int cause_bad_answer = -1;
constexpr int cause_chain = -2;

NodeFailure failure_of(const rpc::RpcError& error) {
  using Kind = rpc::RpcError::Kind;
  switch (error.kind) {
    case Kind::timeout:
      return NodeFailure::timeout;
    case Kind::unauthorized:
    case Kind::cookie:
      return NodeFailure::unauthorized;
    case Kind::bad_answer:
      return NodeFailure::bad_answer;
    case Kind::node_error:
      return NodeFailure::node_error;
    case Kind::unreachable:
    case Kind::cancelled:
      break;
  }
  return NodeFailure::unreachable;
}

int cause_of(const rpc::RpcError& error) {
  return static_cast<int>(error.kind) * 100'000 + error.code;
}

}  // namespace

struct NodeLink::Setup {
  rpc::RpcEndpoint endpoint;
  std::string error;  // the URL is none
  std::vector<std::string> zmq;

  explicit Setup(const NodeConfig& config) : zmq(config.zmq) {
    if (auto parsed = rpc::parse_rpc_url(config.rpc)) {
      endpoint = std::move(*parsed);
    } else {
      error = parsed.error();
    }
    endpoint.user = config.user;
    endpoint.password = config.password;
    endpoint.cookie_file = config.cookie_file;
  }
};

NodeLink::NodeLink(uv::Loop& loop, const NodeConfig& config, bitcoin::Network network,
                   Events events)
    : NodeLink(loop, Setup(config), network, std::move(events)) {}

NodeLink::NodeLink(uv::Loop& loop, Setup setup, bitcoin::Network network, Events events)
    : endpoint_(std::move(setup.endpoint)),
      name_(fmt::format("{}:{}", endpoint_.host, endpoint_.port)),
      network_(network),
      events_(std::move(events)),
      templates_(loop, endpoint_, name_, network_,
                 {[this](mining::BlockTemplate made, TemplateOrigin origin) {
                    // News of a tip, as an announcement is: an answer on its way is older.
                    if (origin == TemplateOrigin::pushed) ++tips_heard_;
                    events_.on_template(std::move(made), origin);
                  },
                  events_.on_template_failed}),
      submit_line_(loop, endpoint_),
      poll_line_(loop, endpoint_),
      question_line_(loop, endpoint_),
      leisure_line_(loop, endpoint_) {
  if (!setup.error.empty()) {
    usable_ = false;
    state_.known = true;
    state_.error = std::move(setup.error);
  } else {
    for (const std::string& endpoint : setup.zmq) connect_zmq(loop, endpoint);
  }
}

void NodeLink::on_tick(base::Instant now) {
  if (quiet_ || !usable_) return;
  for (const auto& zmq : zmq_) zmq->drain();
  look_at_patience(now.mono);
  if (!polling_ && now.mono >= poll_at_) poll(now.mono);
  if (!state_.up) return;
  if (in_use_) templates_.long_poll(now.mono);
  if (now.mono >= hashrate_at_) {
    hashrate_at_ = now.mono + hashrate_interval;
    ask_hashrate();
  }
  submit_line_.keep_warm(now.mono);
}

void NodeLink::submit(const bitcoin::BlockHash& hash, const std::string& block_hex, bool prefer,
                      SubmitLine::OnDone on_done) {
  submit_line_.submit(hash, block_hex, prefer,
                      [this, hash, before = state_.tip, sent_at = uv::read_clock().mono,
                       on_done = std::move(on_done)](SubmitReport report) {
                        if (report.kind != SubmitReport::Kind::failed) {
                          submit_times_.add(uv::read_clock().mono - sent_at);
                        }
                        // Another tip was heard of while the answer was on its way, so this one may
                        // be the older.
                        const bool overtaken = state_.tip != before && state_.tip != hash;
                        if (report.kind == SubmitReport::Kind::new_tip && overtaken) {
                          report.kind = SubmitReport::Kind::in_chain;
                          poll_now();
                        }
                        on_done(std::move(report));
                      });
}

void NodeLink::ask(std::string_view method, std::string params, std::chrono::milliseconds deadline,
                   rpc::RpcClient::OnAnswer on_answer) {
  ++open_questions_;
  question_line_.call(method, std::move(params), deadline,
                      [this, on_answer = std::move(on_answer)](rpc::RpcClient::Answer answer) {
                        --open_questions_;
                        on_answer(std::move(answer));
                      });
}

void NodeLink::set_in_use(bool in_use) {
  in_use_ = in_use;
  poll_at_ = {};
  templates_.forget();
}

void NodeLink::quiesce() {
  quiet_ = true;
  zmq_.clear();
  templates_.forget();
}

void NodeLink::connect_zmq(uv::Loop& loop, const std::string& endpoint) {
  ZmqSubscriber::Events events;
  events.on_block = [this](const TipNews& news) {
    if (state_.up) announce(news);
  };
  events.on_doubt = [this] {
    if (state_.up) poll_now();
  };
  auto made = ZmqSubscriber::connect(loop, endpoint, std::move(events));
  if (!made) {
    LOG(error, "zmq_unusable", {"node", name_}, {"error", made.error()});
    return;
  }
  zmq_.push_back(std::move(*made));
}

void NodeLink::announce(const TipNews& news) {
  if (quiet_) return;
  ++tips_heard_;
  if (state_.tip != news.hash) {
    state_.tip = news.hash;
    height_stale_ = true;
    // Its height decides whether it may take over.
    if (!in_use_) poll_at_ = {};
  }
  events_.on_tip(news);
}

// ------------------------------------------------------------------------- the poll

void NodeLink::poll_now() {
  if (quiet_ || !usable_) return;
  if (polling_) {
    poll_again_ = true;
  } else {
    poll(uv::read_clock().mono);
  }
}

void NodeLink::poll(base::MonoTime now) {
  polling_ = true;
  polled_at_ = now;
  poll_at_ = now + (in_use_ ? limits::node_poll : limits::idle_node_poll);
  if (state_.up && in_use_ && !height_stale_) {
    ask_best_block();
  } else {
    ask_chain_info();
  }
}

void NodeLink::ask_chain_info() {
  poll_line_.call("getblockchaininfo", "[]", limits::rpc_deadline,
                  [this, before = tips_heard_](const rpc::RpcClient::Answer& answer) {
                    if (came(answer)) note_response();
                    if (!quiet_) on_chain_info(answer, before);
                    poll_done();
                  });
}

void NodeLink::ask_best_block() {
  poll_line_.call("getbestblockhash", "[]", limits::rpc_deadline,
                  [this, before = tips_heard_](const rpc::RpcClient::Answer& answer) {
                    if (came(answer)) note_response();
                    if (!quiet_) on_best_block(answer, before);
                    poll_done();
                  });
}

void NodeLink::on_chain_info(const rpc::RpcClient::Answer& answer,
                             std::uint64_t tips_heard_before) {
  if (!answer) return on_poll_failed(answer.error());
  const auto info = node::parse_chain_info(*answer);
  if (!info) {
    count(NodeFailure::bad_answer);
    return set_down(fmt::format("node {}: {}", name_, info.error()), cause_bad_answer);
  }
  state_.chain = info->chain;
  if (const std::string objection = chain_objection(*info, network_); !objection.empty()) {
    count(NodeFailure::unfit);
    return set_down(fmt::format("node {} {}", name_, objection), cause_chain);
  }
  if (!state_.up) state_.height = info->height;  // who hears of it coming up looks at this
  set_up();
  // What was heard since the question went out is newer than the answer.
  if (tips_heard_ != tips_heard_before) return;
  state_.height = info->height;
  state_.tip = info->tip;
  height_stale_ = false;
  announce({info->tip, TipSource::poll, {}, info->height, {}});
}

void NodeLink::on_best_block(const rpc::RpcClient::Answer& answer,
                             std::uint64_t tips_heard_before) {
  if (!answer) return on_poll_failed(answer.error());
  const auto hash = node::parse_best_block(*answer);
  if (!hash) {
    count(NodeFailure::bad_answer);
    return set_down(fmt::format("node {}: {}", name_, hash.error()), cause_bad_answer);
  }
  if (tips_heard_ != tips_heard_before) return;
  announce({*hash, TipSource::poll, {}, {}, {}});
  if (height_stale_) poll_again_ = true;
}

void NodeLink::on_poll_failed(const rpc::RpcError& error) {
  count(failure_of(error));
  set_down(describe_failure(error, endpoint_), cause_of(error));
}

void NodeLink::poll_done() {
  polling_ = false;
  if (std::exchange(poll_again_, false)) poll_now();
}

// One that never came leaves the node as slow as it was found: it says so once, however long it
// hangs.
bool NodeLink::came(const rpc::RpcClient::Answer& answer) {
  using Kind = rpc::RpcError::Kind;
  return answer ||
         (answer.error().kind != Kind::timeout && answer.error().kind != Kind::unreachable);
}

// Before what the answer says is looked at: who is told that the node is up looks at this, too.
void NodeLink::note_response() {
  const auto took = uv::read_clock().mono - polled_at_;
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  state_.response_us = state_.response_us < 0 ? us : (7 * state_.response_us + us) / 8;
  if (state_.known) return set_answering(true);
  state_.answering = true;  // no news before it is known whether it is up
}

// A question that is open for too long tells before its deadline that the node may not be well.
void NodeLink::look_at_patience(base::MonoTime now) {
  if (polling_ && state_.answering && now - polled_at_ >= limits::node_patience) {
    count(NodeFailure::slow);
    set_answering(false);
  }
}

void NodeLink::set_answering(bool answering) {
  if (answering == state_.answering) return;
  state_.answering = answering;
  if (quiet_) return;
  if (!answering) {
    LOG(warning, "node_slow", {"node", name_}, {"usual_response_us", state_.response_us});
  } else if (std::exchange(was_slow_, false)) {
    LOG(info, "node_answers_again", {"node", name_});
  }
  was_slow_ = !answering;
  events_.on_state();
}

void NodeLink::ask_version() {
  question_line_.call("getnetworkinfo", "[]", limits::rpc_deadline,
                      [this](const rpc::RpcClient::Answer& answer) {
                        if (answer) state_.version = node::parse_subversion(*answer);
                      });
}

void NodeLink::ask_hashrate() {
  question_line_.call("getnetworkhashps", "[]", limits::rpc_deadline,
                      [this](const rpc::RpcClient::Answer& answer) {
                        const auto rate = answer ? node::parse_number(*answer) : std::nullopt;
                        state_.network_hashrate = rate.value_or(0);
                      });
}

// ------------------------------------------------------------------------- up and down

void NodeLink::set_up() {
  if (state_.up) return;
  const base::MonoTime now = uv::read_clock().mono;
  state_.up = true;
  state_.known = true;
  state_.error.clear();
  hashrate_at_ = now;
  templates_.on_node_up(now);
  LOG(info, "node_up", {"node", name_}, {"chain", state_.chain}, {"height", state_.height});
  ask_version();
  events_.on_state();
}

void NodeLink::set_down(std::string error, int cause) {
  const bool changed = state_.up || !state_.known;
  if (changed || cause != down_cause_) {
    LOG(warning, "node_down", {"node", name_}, {"error", error});
  }
  down_cause_ = cause;
  state_.up = false;
  state_.known = true;
  state_.error = std::move(error);
  if (changed) events_.on_state();
}

}  // namespace pool
