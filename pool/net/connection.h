// Connection: one socket of a shard, from accept to the bytes of Stratum.
//
// Stages, each left for the next as soon as enough bytes have come:
//   proxy_header  a trusted proxy must say whom it speaks for; skipped for everybody else
//   first_byte    0x16 begins TLS, where the port has it; anything else is for `protocol`
//   handshake     TLS; waits in line when the loop's turn has no time left for it
//   protocol      `{` is Stratum (blanks before it are skipped); HTTP gets a short answer; the rest
//                 is closed
//   stratum       bytes go to the shard
//   closing       last bytes go out; what comes is ignored
//
// Sending:  short lines gather in an outbox that goes out once a turn, so that many answers cost
//           one write (and one TLS record). Long lines, jobs, go at once. Order is kept.
// Limits:   limits::stage_deadline for proxy_header and handshake (the session's own deadlines
//           cover the others); a PROXY header, a handshake and the outbox have bounds; the write
//           queue is TcpStream's.
// Memory:   an idle connection holds no buffers. What is read and enciphered passes through two
//           strings that all connections of a loop share.
// Thread:   the loop's. A connection that has reached `stratum` can move to another loop: detach().
#pragma once

#include "common/base/bytes.h"
#include "common/base/time.h"
#include "common/net/tls.h"
#include "common/uv/tcp.h"
#include "pool/core/address_prefix.h"
#include "pool/core/limits.h"
#include "pool/core/shard_types.h"
#include "pool/net/handshake_budget.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

class Connection;

enum class TlsMode : std::uint8_t { off, automatic, only };

// What a listener says of its connections.
struct StratumPort {
  std::uint32_t index = 0;  // in stratum.listen
  TlsMode tls = TlsMode::automatic;
  std::vector<AddressRange> proxy_from;
};

// What all connections of a loop share, and how they tell it what happens.
struct ConnectionEnvironment {
  // The peer is known. False: it is refused.
  std::function<bool(ConnectionId, const Peer&)> on_peer;
  std::function<void(ConnectionId, base::ByteSpan)> on_stratum;
  // The connection closes by itself; this is for counting. `detail` may be empty.
  std::function<void(ConnectionId, TurnAway, std::string_view detail)> on_turn_away;
  // A handshake found no time left: call continue_handshake() in another turn.
  std::function<void(ConnectionId)> on_handshake_waits;
  // In its own outbox there is something to flush().
  std::function<void(ConnectionId)> on_outbox;
  // The socket is closed; the connection may not be destroyed from inside this.
  std::function<void(ConnectionId)> on_closed;

  std::shared_ptr<const net::TlsContext> tls;  // for new handshakes; none: no TLS
  HandshakeBudget handshakes{limits::handshakes_per_turn};
  bool reading = true;  // the shard's back pressure
  std::string plaintext;
  std::string ciphertext;
};

// A connection between two loops.
struct MovedConnection {
  uv::DetachedTcp tcp;
  std::unique_ptr<net::Tls> tls;
};

class Connection {
 public:
  Connection(ConnectionId id, ConnectionEnvironment& environment, const StratumPort& port,
             std::unique_ptr<uv::TcpStream> stream);
  // One that another loop has let go of; it is in `stratum`.
  Connection(ConnectionId id, ConnectionEnvironment& environment, const StratumPort& port,
             std::unique_ptr<uv::TcpStream> stream, std::unique_ptr<net::Tls> tls);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Begins to read; may call back at once.
  void start(base::MonoTime now);

  void send(std::string_view line);
  void flush();
  // Flushes, says goodbye, and gives the peer a moment to read it.
  void finish();
  void close();  // at once

  // Only this connection; the environment's back pressure goes on top.
  void set_paused(bool paused);
  void update_reading();

  // REQUIRES: on_handshake_waits() was called. False: there is again no time, and it waits on.
  bool continue_handshake();
  // About once a second.
  void on_tick(base::MonoTime now);

  // Lets go of the socket, for another loop; nothing is called back any more. Nothing when that
  // can't be done (no descriptor left, or the peer has gone): then it stays as it is.
  // REQUIRES: can_move().
  [[nodiscard]] std::optional<MovedConnection> detach();
  bool can_move() const { return stage_ == Stage::stratum && stream_->is_open(); }

  std::string socket_address() const { return stream_->peer_address(); }
  bool is_encrypted() const { return tls_ != nullptr; }

 private:
  enum class Stage : std::uint8_t {
    proxy_header,
    first_byte,
    handshake,
    protocol,
    stratum,
    closing
  };

  void on_bytes(base::ByteSpan bytes);
  void read_proxy_header(base::ByteSpan bytes);
  void read_first_byte(base::ByteSpan bytes);
  void read_tls(base::ByteSpan bytes);
  void handshake(base::ByteSpan bytes);
  void decipher(base::ByteSpan bytes);
  void read_protocol(base::ByteSpan bytes);
  void meet(const Peer& peer, base::ByteSpan rest);
  void begin_tls();
  void write(std::string_view text);
  void turn_away(TurnAway why, std::string_view detail = {});
  Peer peer_of_socket() const;
  void set_callbacks();

  const ConnectionId id_;
  ConnectionEnvironment& environment_;
  const StratumPort& port_;
  std::unique_ptr<uv::TcpStream> stream_;
  std::unique_ptr<net::Tls> tls_;
  std::string outbox_;
  std::string held_;  // of a stage: too few bytes to decide, or those of a handshake that waits
  base::MonoTime deadline_{};
  Stage stage_ = Stage::first_byte;
  bool paused_ = false;
  bool waiting_ = false;  // for a turn with time for its handshake
};

}  // namespace pool
