// ShardLoop: the thin half of a shard. Owns the listeners and sockets of one thread, feeds the
// Shard bytes, messages and the time, and carries out its verbs.
//
// Every shard listens on the same ports (SO_REUSEPORT); the kernel spreads the connections.
// Shutdown: listeners close, reading stops, accepted shares are answered when durable, then sockets
//           are flushed and closed; all within limits::drain_deadline.
// Thread: open() anywhere, before run(); run() is the thread; mailbox().post*() from any thread.
#pragma once

#include "common/base/result.h"
#include "common/uv/loop.h"
#include "common/uv/mailbox.h"
#include "common/uv/tcp.h"
#include "pool/core/limits.h"
#include "pool/core/shard.h"
#include "pool/messages.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace pool {

class ShardLoop final : private ShardHost {
 public:
  // How the loop reaches other threads; called on the shard's thread.
  struct Hooks {
    std::function<void(JournalAppend)> journal;
    std::function<void(FoundBlock)> found;
    std::function<void(ShardStats)> stats;
    std::function<void(const Ban&)> ban = [](const Ban&) {};  // for the other shards
  };
  struct Endpoint {
    std::string host;
    std::uint16_t port = 0;
  };

  ShardLoop(const ShardOptions& options, Hooks hooks);
  ~ShardLoop();
  ShardLoop(const ShardLoop&) = delete;
  ShardLoop& operator=(const ShardLoop&) = delete;

  // Empty if nobody listens there, else libuv's text. Shards share their ports, so listen() would
  // also succeed beside another pool of the same user, which would then get half of the miners.
  [[nodiscard]] static std::string probe(const Endpoint& where);
  // Binds one more address; the error is libuv's text. Returns the port bound (for port 0).
  [[nodiscard]] base::Result<std::uint16_t, std::string> listen(const Endpoint& where);
  void run();
  uv::Mailbox<ShardMessage>& mailbox() { return mailbox_; }

 private:
  struct Connection {
    std::unique_ptr<uv::TcpStream> stream;
    std::string outbox;   // short lines of this turn, sent together at its end
    bool paused = false;  // by the shard, for this connection alone
  };

  void send(ConnectionId to, std::string_view line) override;
  void close(ConnectionId which, CloseReason why) override;
  void pause_reading(ConnectionId which) override;
  void resume_reading(ConnectionId which) override;
  void submit_block(FoundBlock block) override;
  void tell_ban(const Ban& ban) override;
  void journal(JournalAppend append) override;

  void on_accept(std::uint32_t listener, std::unique_ptr<uv::TcpStream> stream);
  void on_closed(ConnectionId id);
  void on_message(ShardMessage&& message);
  void on(const NewJob& message);
  void on(const Durable& message) { shard_.on_durable(message.up_to); }
  void on(const NotDurable& message) { shard_.on_not_durable(message.first, message.last); }
  void on(const BlockVaulted& message) { shard_.on_block_vaulted(message.hash); }
  void on(const AddressBanned& message) { shard_.on_ban(message.ban); }
  void on(const Shutdown& message);
  void on_tick();
  void on_turn_end();
  void flush(Connection& connection);
  void flush_outboxes();
  void set_reading(Connection& connection) const;
  void apply_back_pressure();
  void continue_shutdown();

  const Hooks hooks_;
  const ShardIndex index_;
  uv::Loop loop_;
  Shard shard_;
  std::uint64_t next_connection_;
  std::unordered_map<ConnectionId, Connection> connections_;
  std::vector<ConnectionId> outboxes_;                     // whose outbox holds something
  std::vector<std::unique_ptr<uv::TcpStream>> graveyard_;  // closed in this turn; freed at its end
  bool reading_ = true;
  enum class Stopping { no, draining, closing } stopping_ = Stopping::no;
  base::MonoTime stop_by_{};
  std::vector<std::unique_ptr<uv::TcpListener>> listeners_;
  uv::Mailbox<ShardMessage> mailbox_;
  uv::TurnEnd turn_end_;
  uv::Timer tick_;
};

}  // namespace pool
