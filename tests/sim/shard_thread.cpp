#include "tests/sim/shard_thread.h"

#include "common/stratum/codec.h"
#include "pool/core/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sim {
namespace {

constexpr Micros tick_period = second;
constexpr Micros spread_period = 500 * millisecond;
constexpr std::uint64_t connections_of_shard = std::uint64_t{1} << 48;

pool::Peer peer_of(std::uint32_t miner) {
  pool::Peer peer;
  peer.address = fmt::format("198.51.{}.{}", miner / 250, miner % 250 + 1);
  peer.prefix = *pool::AddressPrefix::parse(peer.address);
  return peer;
}

}  // namespace

ShardThread::ShardThread(Environment& env, Owner owner, SimNetwork& network,
                         const pool::ShardOptions& options, Hooks hooks)
    : env_(env),
      owner_(owner),
      network_(network),
      index_(options.index.value),
      hooks_(std::move(hooks)),
      shard_(*this, env.broken == Break::same_extranonce1
                        ? [&] {
                            pool::ShardOptions same = options;
                            same.index = pool::ShardIndex{0};
                            same.first_extranonce_counter = 7;
                            return same;
                          }()
                        : options) {
  env_.schedule.after(between(env_.random, 1, tick_period), owner_, [this] { tick(); });
}

// ---------------------------------------------------------------- connections

pool::ConnectionId ShardThread::add(WireId wire, std::uint32_t miner) {
  const pool::ConnectionId id{index_ * connections_of_shard + next_connection_++};
  Connection& connection = connections_[id];
  connection.wire = wire;
  connection.miner = miner;
  by_wire_[wire] = id;
  return id;
}

void ShardThread::remove(pool::ConnectionId id) {
  const auto connection = connections_.find(id);
  if (connection == connections_.end()) return;
  by_wire_.erase(connection->second.wire);
  connections_.erase(connection);
  env_.oracle.on_session_end(id.value);
}

ShardThread::Connection* ShardThread::find(pool::ConnectionId id) {
  const auto connection = connections_.find(id);
  return connection == connections_.end() ? nullptr : &connection->second;
}

bool ShardThread::on_connected(WireId wire, std::uint32_t miner) {
  const pool::ConnectionId id = add(wire, miner);
  const bool taken = shard_.on_connect(id, peer_of(miner), instant());
  if (!taken) remove(id);
  end_turn_soon();
  return taken;
}

void ShardThread::on_moved(WireId wire, std::uint32_t miner, const pool::Peer& peer,
                           const pool::HandOver& state) {
  const pool::ConnectionId id = add(wire, miner);
  if (!shard_.on_hand_over(id, peer, state, instant())) {
    remove(id);
    network_.close_by_pool(wire);
  }
  end_turn_soon();
}

void ShardThread::on_bytes(WireId wire, std::string_view bytes) {
  const auto id = by_wire_.find(wire);
  if (id == by_wire_.end()) return;
  Connection& connection = connections_.at(id->second);
  if (connection.closing) return;
  connection.unread.append(bytes);
  if (env_.broken == Break::spoil_submit) spoil(connection.unread);
  read(id->second);
  if (!connection.unread.empty()) any_unread_ = true;
  end_turn_soon();
}

void ShardThread::spoil(std::string& line) {
  if (line.find("mining.submit") == std::string::npos || ++submits_ != 50) return;
  std::size_t at = 0;
  constexpr int fields_before_nonce = 5;  // the method among them
  for (int i = 0; i < fields_before_nonce; ++i) at = line.find("\",\"", at) + 3;
  line[at] = line[at] == 'f' ? 'e' : 'f';
}

// What has arrived is read while the shard wants it.
void ShardThread::read(pool::ConnectionId id) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->paused || connection->closing) return;
  if (connection->unread.empty() || !shard_.reading_allowed()) return;
  const std::string bytes = std::exchange(connection->unread, {});
  const auto moving = std::find_if(moving_.begin(), moving_.end(),
                                   [id](const auto& entry) { return entry.first == id; });
  if (moving != moving_.end()) {
    base::append(moving->second.unread, base::as_bytes(bytes));
  } else {
    shard_.on_bytes(id, base::as_bytes(bytes), instant());
  }
}

void ShardThread::on_cut(WireId wire) {
  const auto known = by_wire_.find(wire);
  if (known == by_wire_.end()) return;
  const pool::ConnectionId id = known->second;
  shard_.on_disconnect(id, instant());
  remove(id);
  end_turn_soon();
}

// ---------------------------------------------------------------- messages

void ShardThread::on_new_job(const pool::NewJob& message) {
  if (env_.broken == Break::deaf_shard && index_ == 1 && ++jobs_heard_ > 20) return;
  shard_.on_new_job(message.job, message.replaced_clean, message.spread, instant());
  if (shard_.is_spreading() && !std::exchange(spreading_, true)) continue_spread();
  end_turn_soon();
}

void ShardThread::continue_spread() {
  env_.schedule.after(spread_period, owner_, [this] {
    shard_.continue_spread(instant());
    spreading_ = shard_.is_spreading();
    if (spreading_) continue_spread();
    end_turn_soon();
  });
}

void ShardThread::on_no_work(bool over) {
  if (over) {
    shard_.on_work_again();
  } else {
    shard_.on_no_work(instant());
  }
  end_turn_soon();
}

void ShardThread::on_durable(pool::Durable message) {
  settled_ = message.up_to.value;
  shard_.on_durable(message.up_to);
  end_turn_soon();
}

void ShardThread::on_not_durable(pool::NotDurable message) {
  settled_ = message.last.value;
  shard_.on_not_durable(message.first, message.last);
  end_turn_soon();
}

void ShardThread::on_block_vaulted(const pool::BlockVaulted& message) {
  shard_.on_block_vaulted(message.hash);
  end_turn_soon();
}

void ShardThread::on_ban(const pool::Ban& ban) { shard_.on_ban(ban); }

void ShardThread::on_difficulties(const std::vector<pool::DifficultyMemory::Entry>& entries) {
  shard_.on_difficulties(entries);
}

// ---------------------------------------------------------------- turns

void ShardThread::tick() {
  shard_.on_tick(instant());
  if (auto learnt = shard_.take_difficulties(); !learnt.empty()) hooks_.learnt(learnt);
  env_.oracle.check_queue("rejects_told", shard_.take_rejects().size(),
                          pool::limits::rejects_told_max);
  end_turn_soon();
  env_.schedule.after(tick_period, owner_, [this] { tick(); });
}

// A turn takes up whatever comes within some microseconds.
void ShardThread::end_turn_soon() {
  if (std::exchange(turn_ends_, true)) return;
  env_.schedule.after(static_cast<Micros>(env_.random.below(300)), owner_, [this] { end_turn(); });
}

void ShardThread::end_turn() {
  turn_ends_ = false;
  move_connections();
  shard_.on_turn_end();
  flush_outboxes();
  shard_.note_replies_sent(instant().mono);
  for (const pool::ConnectionId id : std::exchange(closing_, {})) {
    const Connection* connection = find(id);
    if (connection == nullptr) continue;
    network_.close_by_pool(connection->wire);
    shard_.on_disconnect(id, instant());
    remove(id);
  }
  if (!any_unread_ || !shard_.reading_allowed()) return;
  any_unread_ = false;
  for (auto& [id, connection] : connections_) {
    if (connection.unread.empty() || connection.closing) continue;
    any_unread_ = true;
    if (connection.paused) continue;
    read(id);
    end_turn_soon();
  }
}

void ShardThread::move_connections() {
  for (auto& [id, state] : std::exchange(moving_, {})) {
    Connection* connection = find(id);
    if (connection == nullptr) continue;
    const WireId wire = connection->wire;
    const std::uint32_t miner = connection->miner;
    if (!connection->outbox.empty()) network_.send_down(wire, connection->outbox);
    base::append(state.unread, base::as_bytes(connection->unread));
    const pool::Peer peer = shard_.peer(id);
    shard_.on_disconnect(id, instant());
    remove(id);
    hooks_.moved(wire, miner, peer, state);
  }
}

void ShardThread::flush_outboxes() {
  for (const pool::ConnectionId id : std::exchange(outboxes_, {})) {
    Connection* connection = find(id);
    if (connection == nullptr) continue;
    const std::string bytes = std::exchange(connection->outbox, {});
    if (!bytes.empty()) network_.send_down(connection->wire, bytes);
  }
}

// ---------------------------------------------------------------- the shard's verbs

void ShardThread::send(pool::ConnectionId to, std::string_view line) {
  Connection* connection = find(to);
  if (connection == nullptr || connection->closing) return;
  const bool is_true = env_.broken == Break::swallow_answer &&
                       line.find("\"result\":true") != std::string_view::npos;
  if (is_true && ++answers_ == 200) return;
  if (connection->outbox.empty()) outboxes_.push_back(to);
  connection->outbox.append(line);
  if (!connection->extranonce1_known) look_for_extranonce1(to, *connection, line);
  constexpr std::size_t longest = 120;
  if (line.size() > longest || line.find("set_difficulty") == std::string_view::npos) return;
  const auto message = stratum::parse_server_message(line.substr(0, line.find('\n')));
  const auto* set = message ? std::get_if<stratum::SetDifficulty>(&*message) : nullptr;
  if (set != nullptr) env_.oracle.on_difficulty(connection->miner, set->difficulty.value());
}

void ShardThread::look_for_extranonce1(pool::ConnectionId id, Connection& connection,
                                       std::string_view line) {
  if (line.find("mining.notify") == std::string_view::npos) return;
  const auto message = stratum::parse_server_message(line.substr(0, line.find('\n')));
  if (!message) return;
  const auto* answer = std::get_if<stratum::ServerResponse>(&*message);
  if (answer == nullptr || !answer->accepted) return;
  const auto subscribed = stratum::parse_subscribe_result(answer->result_json);
  if (!subscribed) return;
  connection.extranonce1_known = true;
  env_.oracle.on_extranonce1(id.value, base::to_hex(subscribed->extranonce1));
}

void ShardThread::close(pool::ConnectionId which, pool::CloseReason why) {
  Connection* connection = find(which);
  if (connection == nullptr || std::exchange(connection->closing, true)) return;
  env_.transcript.note("shard", "closes", which.value, pool::name_of(why));
  closing_.push_back(which);
}

void ShardThread::pause_reading(pool::ConnectionId which) {
  if (Connection* connection = find(which)) connection->paused = true;
}

void ShardThread::resume_reading(pool::ConnectionId which) {
  if (Connection* connection = find(which)) connection->paused = false;
}

void ShardThread::hand_over(pool::ConnectionId which, pool::HandOver state) {
  pause_reading(which);
  moving_.emplace_back(which, std::move(state));
}

void ShardThread::submit_block(pool::FoundBlock block) {
  block.shard = pool::ShardIndex{index_};
  env_.transcript.note("shard", "finds a block", index_, block.hash.display_hex());
  env_.oracle.on_candidate(block.hash, owner_, index_);
  hooks_.found(std::move(block));
  env_.on_block_found();
}

void ShardThread::tell_ban(const pool::Ban& ban) { hooks_.ban(ban); }

void ShardThread::journal(pool::JournalAppend append) {
  append.source = pool::JournalSource{index_};
  appended_ = append.id.value;
  env_.oracle.check_queue("appends_in_flight", appended_ - settled_,
                          pool::limits::appends_in_flight_max);
  env_.oracle.check_queue("append_bytes", append.payloads.size(),
                          pool::limits::journal_bytes_in_flight_max);
  hooks_.journal(std::move(append));
}

}  // namespace sim
