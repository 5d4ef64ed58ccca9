// ShardLoop: the thin half of a shard. Owns the listeners and sockets of one thread, feeds the
// Shard bytes, messages and the time, and carries out its verbs.
//
// Connections (connection.h) decide what a peer speaks; their Stratum bytes go to the Shard.
//
// Every shard listens on the same ports (SO_REUSEPORT); the kernel spreads the connections.
// Shutdown: listeners close, reading stops, accepted shares are answered when durable, then sockets
//           are flushed and closed; all within limits::drain_deadline.
// Thread: open() anywhere, before run(); run() is the thread; mailbox().post*() from any thread.
#pragma once

#include "common/base/result.h"
#include "common/uv/lag_probe.h"
#include "common/uv/loop.h"
#include "common/uv/mailbox.h"
#include "common/uv/tcp.h"
#include "pool/core/limits.h"
#include "pool/core/shard.h"
#include "pool/messages.h"
#include "pool/net/connection.h"
#include "pool/net/turn_away_log.h"

#include <cstdint>
#include <deque>
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
    std::function<void(DifficultiesLearnt)> learnt = [](const DifficultiesLearnt&) {};  // likewise
    // To the shard of that index; false: its mailbox is full.
    std::function<bool(ShardIndex, const ConnectionMoved&)> moved =
        [](ShardIndex, const ConnectionMoved&) { return false; };
    std::function<void(SubmitsRejected)> rejected = [](const SubmitsRejected&) {};
    std::function<void(const TipTold&)> told = [](const TipTold&) {};
    std::function<void(OrderDone)> order_done = [](const OrderDone&) {};
    std::function<void(LiveAnswer)> live = [](const LiveAnswer&) {};
    // To a verifier that has room; false: none has.
    std::function<bool(ProofToVerify)> verify = [](const ProofToVerify&) { return false; };
  };
  struct Endpoint {
    std::string host;
    std::uint16_t port = 0;
    TlsMode tls = TlsMode::automatic;
    std::vector<AddressRange> proxy_from = {};
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
  // For handshakes from now on; a running loop is told by TlsReload. REQUIRES: before run().
  void set_tls(std::shared_ptr<const net::TlsContext> tls) { environment_.tls = std::move(tls); }
  void run();
  uv::Mailbox<ShardMessage>& mailbox() { return mailbox_; }

 private:
  void send(ConnectionId to, std::string_view line) override;
  void close(ConnectionId which, CloseReason why) override;
  void pause_reading(ConnectionId which) override;
  void resume_reading(ConnectionId which) override;
  void hand_over(ConnectionId which, HandOver state) override;
  void submit_block(FoundBlock block) override;
  void tell_ban(const Ban& ban) override;
  bool verify(ProofToVerify proof) override { return hooks_.verify(std::move(proof)); }
  void journal(JournalAppend append) override;

  void set_up_environment();
  void on_accept(const StratumPort& port, std::unique_ptr<uv::TcpStream> stream);
  void on_turn_away(ConnectionId id, TurnAway why, std::string_view detail);
  void on_closed(ConnectionId id);
  void on_message(ShardMessage&& message);
  void on(const NewJob& message);
  void note_tip_told(const mining::Job& job);
  void on(const NewCoherenceJob& message);
  void on(const ProofVerified& message);
  void on(const Durable& message) { shard_.on_durable(message.up_to); }
  void on(const NotDurable& message) { shard_.on_not_durable(message.first, message.last); }
  void on(const NoWork& message);
  void on(const BlockVaulted& message) { shard_.on_block_vaulted(message.hash); }
  void on(const AddressBanned& message) { shard_.on_ban(message.ban); }
  void on(const TlsReload& message) { environment_.tls = message.tls; }
  void on(const DifficultiesLearnt& message) { shard_.on_difficulties(message.entries); }
  void on(const InstanceChanged& message);
  void on(const ConnectionMoved& message);
  void on(const OperatorOrder& order);
  void on(const LiveQuestion& question);
  void on(const Shutdown& message);
  void carry_out(std::uint64_t number, const OperatorOrder::Drain& order);
  void carry_out(std::uint64_t number, const OperatorOrder::Resume& order);
  void carry_out(std::uint64_t number, const OperatorOrder::BanAddress& order);
  void carry_out(std::uint64_t number, const OperatorOrder::Unban& order);
  void carry_out(std::uint64_t number, const OperatorOrder::Tell& order);
  [[nodiscard]] base::Result<std::unique_ptr<uv::TcpListener>, std::string> open_listener(
      const Endpoint& where, const StratumPort& port);
  void on_tick();
  void report_stats();
  void on_turn_end();
  void move_connections();
  bool keep_for_owner(ConnectionId id, base::ByteSpan bytes);
  void continue_handshakes();
  void continue_spread();
  void flush_outboxes();
  void apply_back_pressure();
  void continue_shutdown();

  // A line on its way to many, by an order.
  struct Telling {
    std::uint64_t number = 0;
    std::string line;
    std::vector<ConnectionId> to;  // who has not been told yet
    std::uint64_t told = 0;
  };
  void begin_telling(Telling telling);
  void continue_telling();

  const Hooks hooks_;
  const ShardIndex index_;
  uv::Loop loop_;
  Shard shard_;
  std::uint64_t next_connection_;
  const std::size_t connections_max_;
  ConnectionEnvironment environment_;
  std::vector<std::unique_ptr<const StratumPort>> ports_;  // connections refer to them
  std::vector<Endpoint> endpoints_;                        // of the same, as bound
  std::unordered_map<ConnectionId, std::unique_ptr<Connection>> connections_;
  std::vector<ConnectionId> outboxes_;                     // whose outbox holds something
  std::deque<ConnectionId> handshakes_;                    // who waits for a turn with time
  std::vector<std::unique_ptr<Connection>> graveyard_;     // closed in this turn; freed at its end
  std::vector<std::pair<ConnectionId, HandOver>> moving_;  // at the end of this turn
  TurnAwayLog turn_aways_;
  LoopHealth health_;
  bool telling_tip_ = false;                  // miners are being told of a new tip
  std::optional<base::MonoTime> first_told_;  // then: when the first of them was
  enum class Stopping { no, draining, closing } stopping_ = Stopping::no;
  base::MonoTime stop_by_{};
  std::vector<std::unique_ptr<uv::TcpListener>> listeners_;
  uv::Mailbox<ShardMessage> mailbox_;
  uv::TurnEnd turn_end_;
  uv::LagProbe lag_;
  uv::Timer tick_;
  uv::Timer next_handshakes_;
  std::deque<Telling> tellings_;
  uv::Timer telling_;  // runs while there are any
  uv::Timer spread_;   // runs while a job is being told to one miner after the other
};

}  // namespace pool
