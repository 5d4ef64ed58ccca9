#include "pool/net/shard_loop.h"

#include "common/base/assert.h"
#include "common/base/test_faults.h"
#include "common/log.h"
#include "common/uv/clock.h"

#include <algorithm>
#include <utility>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr auto tick_period = 1s;
constexpr auto spread_period = 50ms;  // between a few miners and the next, of a job that is spread
// When handshakes wait for a turn with time: everybody else's turn comes in between.
constexpr auto handshakes_pause = 1ms;
constexpr int accept_backlog = 4096;

uv::TcpOptions tcp_options() {
  uv::TcpOptions options;
  options.write_queue_bytes_max = limits::write_queue_bytes_max;
  return options;
}

// Its method stands near the line's beginning; such a line is long enough to go out at once.
bool is_notify(std::string_view line) {
  return line.substr(0, 64).find("mining.notify") != std::string_view::npos;
}

std::int64_t microseconds(base::MonoTime::duration time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

}  // namespace

ShardLoop::ShardLoop(const ShardOptions& options, Hooks hooks)
    : hooks_(std::move(hooks)),
      index_(options.index),
      shard_(*this, options),
      next_connection_((std::uint64_t{options.index.value} << 48) + 1),
      connections_max_(options.connections_max),
      mailbox_(
          loop_, limits::shard_mailbox_messages_max,
          [this](ShardMessage&& message) { on_message(std::move(message)); },
          limits::shard_mailbox_messages_max + limits::proofs_per_shard_max),
      turn_end_(loop_, [this] { on_turn_end(); }),
      lag_(loop_, [this](auto lag) { health_.lag.add(lag); }),
      tick_(loop_, [this] { on_tick(); }),
      next_handshakes_(loop_, [this] { continue_handshakes(); }),
      telling_(loop_, [this] { continue_telling(); }),
      spread_(loop_, [this] { continue_spread(); }) {
  mailbox_.on_batch(
      [this](std::size_t messages) { health_.queue.add(static_cast<std::int64_t>(messages)); });
  set_up_environment();
}

ShardLoop::~ShardLoop() = default;

std::string ShardLoop::probe(const Endpoint& where) {
  uv::Loop loop;
  uv::ListenOptions options;
  options.host = where.host;
  options.port = where.port;
  const auto alone = uv::TcpListener::listen(loop, options, {}, [](auto) {});
  return alone ? std::string() : uv::describe(alone.error());
}

base::Result<std::uint16_t, std::string> ShardLoop::listen(const Endpoint& where) {
  auto port = std::make_unique<StratumPort>();
  port->index = static_cast<std::uint32_t>(ports_.size());
  port->tls = where.tls;
  port->proxy_from = where.proxy_from;
  auto listener = open_listener(where, *port);
  if (!listener) return base::err(listener.error());
  ports_.push_back(std::move(port));
  listeners_.push_back(std::move(*listener));
  endpoints_.push_back(where);
  endpoints_.back().port = listeners_.back()->bound_port();
  return endpoints_.back().port;
}

base::Result<std::unique_ptr<uv::TcpListener>, std::string> ShardLoop::open_listener(
    const Endpoint& where, const StratumPort& port) {
  uv::ListenOptions options;
  options.host = where.host;
  options.port = where.port;
  options.reuse_port = true;
  options.backlog = accept_backlog;
  auto listener = uv::TcpListener::listen(
      loop_, options, tcp_options(),
      [this, &port](std::unique_ptr<uv::TcpStream> stream) { on_accept(port, std::move(stream)); });
  if (!listener) return base::err(uv::describe(listener.error()));
  return std::move(*listener);
}

void ShardLoop::run() {
  tick_.start(tick_period, tick_period);
  loop_.run();
}

// ---------------------------------------------------------------- sockets

void ShardLoop::set_up_environment() {
  environment_.on_peer = [this](ConnectionId id, const Peer& peer) {
    return shard_.on_connect(id, peer, uv::read_clock());
  };
  environment_.on_stratum = [this](ConnectionId id, base::ByteSpan bytes) {
    if (!moving_.empty() && keep_for_owner(id, bytes)) return;
    shard_.on_bytes(id, base::heard(bytes), uv::read_clock());
  };
  environment_.on_turn_away = [this](ConnectionId id, TurnAway why, std::string_view detail) {
    on_turn_away(id, why, detail);
  };
  environment_.on_handshake_waits = [this](ConnectionId id) {
    handshakes_.push_back(id);
    if (!next_handshakes_.is_active()) next_handshakes_.start(handshakes_pause, 0ms);
  };
  environment_.on_outbox = [this](ConnectionId id) { outboxes_.push_back(id); };
  environment_.on_closed = [this](ConnectionId id) { on_closed(id); };
}

void ShardLoop::on_accept(const StratumPort& port, std::unique_ptr<uv::TcpStream> stream) {
  if (connections_.size() >= connections_max_) {  // the stream closes as it goes
    turn_aways_.count(TurnAway::refused);
    shard_.on_turned_away(TurnAway::refused);
    return;
  }
  const ConnectionId id{next_connection_++};
  auto made = std::make_unique<Connection>(id, environment_, port, std::move(stream));
  Connection& connection = *connections_.emplace(id, std::move(made)).first->second;
  connection.start(uv::read_clock().mono);
}

void ShardLoop::on_closed(ConnectionId id) {
  shard_.on_disconnect(id, uv::read_clock());
  const auto connection = connections_.find(id);
  ASSERT(connection != connections_.end());
  graveyard_.push_back(std::move(connection->second));
  connections_.erase(connection);
}

void ShardLoop::on_turn_away(ConnectionId id, TurnAway why, std::string_view detail) {
  const base::Instant now = uv::read_clock();
  turn_aways_.count(why);
  shard_.on_turned_away(why);
  if (turn_aways_.may_log(now.mono)) {
    LOG(debug, "connection_turned_away", {"peer", connections_.at(id)->socket_address()},
        {"why", name_of(why)}, {"detail", detail});
  }
  if (why == TurnAway::http) shard_.on_offence(id, Offence::http, now);
  if (why == TurnAway::not_stratum) shard_.on_offence(id, Offence::not_stratum, now);
  if (why == TurnAway::tls_failed) shard_.on_offence(id, Offence::tls_failed, now);
}

void ShardLoop::send(ConnectionId to, std::string_view line) {
  const auto found = connections_.find(to);
  if (found == connections_.end()) return;
  found->second->send(base::said(line));
  if (telling_tip_ && !first_told_ && is_notify(line)) first_told_ = uv::read_clock().mono;
}

void ShardLoop::flush_outboxes() {
  for (const ConnectionId id : outboxes_) {
    const auto connection = connections_.find(id);
    if (connection != connections_.end()) connection->second->flush();
  }
  outboxes_.clear();
}

void ShardLoop::close(ConnectionId which, CloseReason why) {
  const auto connection = connections_.find(which);
  if (connection == connections_.end()) return;
  if (turn_aways_.may_log(uv::read_clock().mono)) {
    LOG(debug, "connection_closed", {"peer", connection->second->socket_address()},
        {"reason", describe(why)});
  }
  connection->second->finish();
}

void ShardLoop::pause_reading(ConnectionId which) {
  const auto found = connections_.find(which);
  if (found != connections_.end()) found->second->set_paused(true);
}

void ShardLoop::resume_reading(ConnectionId which) {
  const auto found = connections_.find(which);
  if (found != connections_.end()) found->second->set_paused(false);
}

// Those in front of the line first, as many as the turn has time for.
void ShardLoop::continue_handshakes() {
  environment_.handshakes.new_turn();
  while (!handshakes_.empty() && environment_.handshakes.is_left()) {
    const auto connection = connections_.find(handshakes_.front());
    handshakes_.pop_front();
    if (connection != connections_.end()) connection->second->continue_handshake();
  }
  if (!handshakes_.empty()) next_handshakes_.start(handshakes_pause, 0ms);
}

void ShardLoop::hand_over(ConnectionId which, HandOver state) {
  pause_reading(which);
  moving_.emplace_back(which, std::move(state));
}

// Of one chunk of a TLS connection more may come after the miner asked for its session.
bool ShardLoop::keep_for_owner(ConnectionId id, base::ByteSpan bytes) {
  const auto found = std::find_if(moving_.begin(), moving_.end(),
                                  [id](const auto& entry) { return entry.first == id; });
  if (found == moving_.end()) return false;
  base::append(found->second.unread, bytes);
  return true;
}

void ShardLoop::move_connections() {
  for (auto& [id, state] : std::exchange(moving_, {})) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) continue;
    Connection& connection = *found->second;
    auto detached = connection.can_move() ? connection.detach() : std::nullopt;
    if (!detached) {  // out of descriptors, or the peer has gone
      connection.close();
      continue;
    }
    const ShardIndex owner = state.owner;
    ConnectionMoved moved{std::make_shared<MovedConnection>(std::move(*detached)), shard_.peer(id),
                          std::move(state)};
    shard_.on_disconnect(id, uv::read_clock());
    graveyard_.push_back(std::move(found->second));
    connections_.erase(found);
    if (!hooks_.moved(owner, moved)) on(moved);  // it gets another extranonce1 here
  }
}

void ShardLoop::on(const ConnectionMoved& message) {
  const base::Instant now = uv::read_clock();
  if (stopping_ != Stopping::no) return;
  auto stream = uv::TcpStream::adopt(loop_, std::move(message.connection->tcp), tcp_options());
  if (!stream) {
    turn_aways_.count(TurnAway::refused);
    shard_.on_turned_away(TurnAway::refused);
    return;
  }
  const ConnectionId id{next_connection_++};
  const StratumPort& port = *ports_.at(message.peer.listener);
  auto made = std::make_unique<Connection>(id, environment_, port, std::move(*stream),
                                           std::move(message.connection->tls));
  Connection& connection = *connections_.emplace(id, std::move(made)).first->second;
  if (!shard_.on_hand_over(id, message.peer, message.state, now)) return connection.close();
  connection.start(now.mono);
}

void ShardLoop::submit_block(FoundBlock block) {
  base::kill_point("block_found");
  hooks_.found(std::move(block));
  base::kill_point("block_posted");
}

void ShardLoop::tell_ban(const Ban& ban) {
  if (turn_aways_.may_log(uv::read_clock().mono)) {
    LOG(info, "address_banned", {"address", ban.prefix.text()}, {"why", name_of(ban.why)});
  }
  hooks_.ban(ban);
}

void ShardLoop::journal(JournalAppend append) { hooks_.journal(std::move(append)); }

// ---------------------------------------------------------------- messages and turns

void ShardLoop::on_message(ShardMessage&& message) {
  std::visit([this](const auto& concrete) { on(concrete); }, message);
}

void ShardLoop::on(const NewJob& message) {
  const mining::Job& job = *message.job;
  telling_tip_ = job.clean_jobs || message.replaced_clean;
  first_told_.reset();
  shard_.on_new_job(message.job, message.replaced_clean, message.spread, uv::read_clock());
  if (shard_.is_spreading()) {
    spread_.start(spread_period, spread_period);
  } else {
    spread_.stop();
  }
  if (std::exchange(telling_tip_, false)) note_tip_told(job);
}

void ShardLoop::note_tip_told(const mining::Job& job) {
  const std::int64_t last_us = microseconds(uv::read_clock().mono - job.tip_seen_at);
  shard_.note_notify_latency(last_us);
  if (!first_told_) return;  // there was nobody to tell
  hooks_.told({index_, job.id, microseconds(*first_told_ - job.tip_seen_at), last_us});
}

void ShardLoop::on(const NewCoherenceJob& message) {
  shard_.on_coherence_job(message.job, message.replaced_clean, uv::read_clock());
}

void ShardLoop::on(const ProofVerified& message) {
  shard_.on_verdict(message.verdict, uv::read_clock());
}

void ShardLoop::on(const NoWork& message) {
  if (message.over) return shard_.on_work_again();
  shard_.on_no_work(uv::read_clock());
}

void ShardLoop::on(const LiveQuestion& question) {
  LiveAnswer answer = shard_.live(*question.wanted);
  answer.request = question.request;
  hooks_.live(std::move(answer));
}

void ShardLoop::continue_spread() {
  shard_.continue_spread(uv::read_clock());
  if (!shard_.is_spreading()) spread_.stop();
}

void ShardLoop::on(const InstanceChanged& message) {
  shard_.set_instance(message.instance, uv::read_clock());
}

void ShardLoop::on_tick() {
  const base::Instant now = uv::read_clock();
  shard_.on_tick(now);
  for (auto& [id, connection] : connections_) connection->on_tick(now.mono);
  if (const std::string summary = turn_aways_.summary(now.mono); !summary.empty()) {
    LOG(info, "connections_turned_away", {"shard", index_.value}, {"counts", summary});
  }
  if (auto learnt = shard_.take_difficulties(); !learnt.empty()) {
    hooks_.learnt({std::move(learnt)});
  }
  if (auto rejected = shard_.take_rejects(); !rejected.empty()) {
    hooks_.rejected({std::move(rejected)});
  }
  report_stats();
  on_turn_end();
}

void ShardLoop::report_stats() {
  ShardStats stats = shard_.stats();
  stats.loop = health_;
  shard_.add_hashes(stats);
  hooks_.stats(stats);
}

void ShardLoop::on_turn_end() {
  move_connections();
  environment_.handshakes.new_turn();
  shard_.on_turn_end();
  flush_outboxes();
  shard_.note_replies_sent(uv::read_clock().mono);
  apply_back_pressure();
  if (stopping_ != Stopping::no) continue_shutdown();
  graveyard_.clear();
}

void ShardLoop::apply_back_pressure() {
  const bool allowed = shard_.reading_allowed();
  if (std::exchange(environment_.reading, allowed) == allowed) return;
  for (auto& [id, connection] : connections_) connection->update_reading();
}

// ---------------------------------------------------------------- the end

void ShardLoop::on(const Shutdown&) {
  if (stopping_ != Stopping::no) return;
  stopping_ = Stopping::draining;
  stop_by_ = uv::read_clock().mono + limits::drain_deadline;
  listeners_.clear();
  shard_.drain(uv::read_clock());
  tick_.start(50ms, 50ms);  // also looks at the deadline
}

void ShardLoop::continue_shutdown() {
  const bool late = uv::read_clock().mono >= stop_by_;
  if (stopping_ == Stopping::draining && (late || shard_.drained())) {
    if (!shard_.drained()) {
      LOG(warning, "shard_stopped_before_drained", {"shard", index_.value},
          {"unanswered_shares", shard_.stats().shares_pending});
    }
    stopping_ = Stopping::closing;
    shard_.close_all(CloseReason::shutting_down);
  }
  if (stopping_ == Stopping::closing && (late || connections_.empty())) {
    report_stats();
    loop_.stop();
  }
}

}  // namespace pool
