#include "pool/net/shard_loop.h"

#include "common/base/assert.h"
#include "common/log.h"
#include "common/uv/clock.h"

#include <utility>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr auto tick_period = 1s;
// A refused or closed peer gets this long to read the reason.
constexpr auto last_words_deadline = 2s;
// Answers are this short, jobs are longer: a job goes out at once, without a copy of its bytes.
constexpr std::size_t short_line_bytes_max = 256;
constexpr std::size_t outbox_bytes_max = 16 * 1024;
// What an emptied outbox may keep: idle connections should cost little.
constexpr std::size_t outbox_bytes_kept = 512;

Peer peer_of(const uv::TcpStream& stream, std::uint32_t listener) {
  Peer peer;
  peer.address = stream.peer_address();
  peer.listener = listener;
  // A peer that is gone already has no address; it is nobody, and limited as such.
  const auto address = base::IpAddress::parse(peer.address).value_or(base::IpAddress{});
  peer.prefix = AddressPrefix(address);
  peer.limited = !address.is_loopback();
  return peer;
}

}  // namespace

ShardLoop::ShardLoop(const ShardOptions& options, Hooks hooks)
    : hooks_(std::move(hooks)),
      index_(options.index),
      shard_(*this, options),
      next_connection_((std::uint64_t{options.index.value} << 48) + 1),
      mailbox_(loop_, limits::shard_mailbox_messages_max,
               [this](ShardMessage&& message) { on_message(std::move(message)); }),
      turn_end_(loop_, [this] { on_turn_end(); }),
      tick_(loop_, [this] { on_tick(); }) {}

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
  uv::ListenOptions options;
  options.host = where.host;
  options.port = where.port;
  options.reuse_port = true;
  uv::TcpOptions streams;
  streams.write_queue_bytes_max = limits::write_queue_bytes_max;
  const auto index = static_cast<std::uint32_t>(listeners_.size());
  auto listener = uv::TcpListener::listen(loop_, options, streams,
                                          [this, index](std::unique_ptr<uv::TcpStream> stream) {
                                            on_accept(index, std::move(stream));
                                          });
  if (!listener) return base::err(uv::describe(listener.error()));
  listeners_.push_back(std::move(*listener));
  return listeners_.back()->bound_port();
}

void ShardLoop::run() {
  tick_.start(tick_period, tick_period);
  loop_.run();
}

// ---------------------------------------------------------------- sockets

void ShardLoop::on_accept(std::uint32_t listener, std::unique_ptr<uv::TcpStream> stream) {
  const ConnectionId id{next_connection_++};
  const Peer peer = peer_of(*stream, listener);
  if (!shard_.on_connect(id, peer, uv::read_clock())) return;  // full: the stream closes as it goes
  uv::TcpStream& accepted = *stream;
  connections_.emplace(id, Connection{std::move(stream), {}});
  uv::TcpStream::Callbacks callbacks;
  callbacks.on_bytes = [this, id](base::ByteSpan bytes) {
    shard_.on_bytes(id, bytes, uv::read_clock());
  };
  callbacks.on_close = [this, id](uv::CloseCause) { on_closed(id); };
  accepted.set_callbacks(std::move(callbacks));
  if (reading_) accepted.start_reading();
}

void ShardLoop::on_closed(ConnectionId id) {
  shard_.on_disconnect(id);
  const auto connection = connections_.find(id);
  ASSERT(connection != connections_.end());
  graveyard_.push_back(std::move(connection->second.stream));
  connections_.erase(connection);
}

// Many answers to one miner in one turn cost one write. Order is kept: what waits goes first.
void ShardLoop::send(ConnectionId to, std::string_view line) {
  const auto found = connections_.find(to);
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  if (line.size() <= short_line_bytes_max &&
      connection.outbox.size() + line.size() <= outbox_bytes_max) {
    if (connection.outbox.empty()) outboxes_.push_back(to);
    connection.outbox.append(line);
    return;
  }
  flush(connection);
  connection.stream->write(line);
}

void ShardLoop::flush(Connection& connection) {
  if (connection.outbox.empty()) return;
  connection.stream->write(connection.outbox);
  if (connection.outbox.capacity() > outbox_bytes_kept) {
    connection.outbox = std::string();
  } else {
    connection.outbox.clear();
  }
}

void ShardLoop::flush_outboxes() {
  for (const ConnectionId id : outboxes_) {
    const auto connection = connections_.find(id);
    if (connection != connections_.end()) flush(connection->second);
  }
  outboxes_.clear();
}

void ShardLoop::close(ConnectionId which, CloseReason why) {
  const auto connection = connections_.find(which);
  if (connection == connections_.end()) return;
  uv::TcpStream& stream = *connection->second.stream;
  LOG(debug, "connection_closed", {"peer", stream.peer_address()}, {"reason", describe(why)});
  flush(connection->second);
  stream.stop_reading();
  stream.close_after_flush(last_words_deadline);
}

void ShardLoop::submit_block(FoundBlock block) { hooks_.found(std::move(block)); }

void ShardLoop::tell_ban(const Ban& ban) {
  LOG(debug, "address_banned", {"address", ban.prefix.text()}, {"why", name_of(ban.why)});
  hooks_.ban(ban);
}

void ShardLoop::journal(JournalAppend append) { hooks_.journal(std::move(append)); }

// ---------------------------------------------------------------- messages and turns

void ShardLoop::on_message(ShardMessage&& message) {
  std::visit([this](const auto& concrete) { on(concrete); }, message);
}

void ShardLoop::on(const NewJob& message) {
  const mining::Job& job = *message.job;
  shard_.on_new_job(message.job, message.replaced_clean, uv::read_clock());
  if (!job.clean_jobs && !message.replaced_clean) return;
  const auto spent = uv::read_clock().mono - job.tip_seen_at;
  shard_.note_notify_latency(std::chrono::duration_cast<std::chrono::microseconds>(spent).count());
}

void ShardLoop::on_tick() {
  shard_.on_tick(uv::read_clock());
  hooks_.stats(shard_.stats());
  on_turn_end();
}

void ShardLoop::on_turn_end() {
  shard_.on_turn_end();
  flush_outboxes();
  apply_back_pressure();
  if (stopping_ != Stopping::no) continue_shutdown();
  graveyard_.clear();
}

void ShardLoop::apply_back_pressure() {
  const bool allowed = shard_.reading_allowed();
  if (std::exchange(reading_, allowed) == allowed) return;
  for (auto& [id, connection] : connections_) set_reading(connection);
}

void ShardLoop::set_reading(Connection& connection) const {
  if (reading_ && !connection.paused) {
    connection.stream->start_reading();
  } else {
    connection.stream->stop_reading();
  }
}

void ShardLoop::pause_reading(ConnectionId which) {
  const auto found = connections_.find(which);
  if (found == connections_.end()) return;
  found->second.paused = true;
  set_reading(found->second);
}

void ShardLoop::resume_reading(ConnectionId which) {
  const auto found = connections_.find(which);
  if (found == connections_.end()) return;
  found->second.paused = false;
  set_reading(found->second);
}

// ---------------------------------------------------------------- the end

void ShardLoop::on(const Shutdown&) {
  if (stopping_ != Stopping::no) return;
  stopping_ = Stopping::draining;
  stop_by_ = uv::read_clock().mono + limits::drain_deadline;
  listeners_.clear();
  shard_.drain();
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
    hooks_.stats(shard_.stats());
    loop_.stop();
  }
}

}  // namespace pool
