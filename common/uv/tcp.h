// TCP on a loop: TcpListener accepts, TcpStream reads and writes with a bounded queue.
//
// TcpStream::write() first tries the socket directly (most lines go out at once and cost no
// allocation); what the kernel does not take is queued, at most write_queue_bytes_max. A peer that
// lets the queue overflow is closed, so the last miner never waits for the slowest.
//
// Lifetime: a stream may be destroyed at any time but not from inside its own callbacks; there,
//           call close() and destroy it at the end of the turn. After on_close no callback comes.
// Thread:   the loop's.
// Errors:   UvError carries libuv's code; describe() gives its text.
#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/uv/loop.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace uv {

struct UvError {
  int code = 0;  // negative errno as libuv has it
};
std::string describe(UvError error);

enum class CloseCause {
  closed_by_us,
  closed_by_peer,  // orderly end of stream
  io_error,        // reset, timeout
  write_queue_full,
};

struct TcpOptions {
  std::size_t write_queue_bytes_max = 256 * 1024;
  std::size_t read_chunk_bytes = 64 * 1024;  // shared per loop, not per stream
  bool keepalive = true;                      // idle 45 s, interval 15 s, 3 probes
  std::chrono::milliseconds user_timeout{90'000};  // TCP_USER_TIMEOUT; zero: the system's
};

class TcpStream {
 public:
  struct Callbacks {
    // Bytes are valid during the call only.
    std::function<void(base::ByteSpan)> on_bytes;
    // Exactly once, when the stream is no longer usable, also after our own close().
    std::function<void(CloseCause)> on_close;
    // Optional: the queue has drained to nothing after it had something in it.
    std::function<void()> on_drain;
  };

  // An accepted, connected socket. Reading starts with start_reading().
  TcpStream(Loop& loop, Owned<uv_tcp_t> connected, const TcpOptions& options);
  ~TcpStream();
  TcpStream(const TcpStream&) = delete;
  TcpStream& operator=(const TcpStream&) = delete;

  void set_callbacks(Callbacks callbacks);
  void start_reading();
  void stop_reading();  // back pressure: the kernel's buffer fills, the peer waits
  // All or nothing is queued. A full queue closes the stream (write_queue_full).
  void write(base::ByteSpan bytes);
  void write(std::string_view text) { write(base::as_bytes(text)); }
  // Callback on_close comes from a later turn of the loop. Queued bytes are dropped.
  void close();
  // Like close(), after what is queued has gone out or `deadline` has passed.
  void close_after_flush(std::chrono::milliseconds deadline);
  bool is_open() const;
  std::size_t queued_bytes() const;
  std::string peer_address() const;  // "127.0.0.1"; empty when unknown
  std::uint16_t peer_port() const;

 private:
  struct State;  // outlives the stream until libuv has let go of the handle
  std::unique_ptr<State, void (*)(State*)> state_;
};

struct ListenOptions {
  std::string host;
  std::uint16_t port = 0;   // 0: any free port, see bound_port()
  bool reuse_port = false;  // SO_REUSEPORT: one listener per shard on the same port
  int backlog = 1024;
};

class TcpListener {
 public:
  using OnAccept = std::function<void(std::unique_ptr<TcpStream>)>;

  // Binds and listens. libuv 1.44 has no reuse-port flag, so the socket is made here.
  [[nodiscard]] static base::Result<std::unique_ptr<TcpListener>, UvError> listen(
      Loop& loop, const ListenOptions& where, const TcpOptions& streams, OnAccept on_accept);
  ~TcpListener();
  std::uint16_t bound_port() const;

 private:
  struct State;
  explicit TcpListener(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Resolves (getaddrinfo on libuv's pool) and connects, trying each address in turn, within
// `deadline`. Destroying the connector cancels; the callback then does not come.
class TcpConnector {
 public:
  using OnDone = std::function<void(base::Result<std::unique_ptr<TcpStream>, UvError>)>;
  TcpConnector(Loop& loop, std::string host, std::uint16_t port,
               std::chrono::milliseconds deadline, const TcpOptions& options, OnDone on_done);
  ~TcpConnector();
  TcpConnector(const TcpConnector&) = delete;
  TcpConnector& operator=(const TcpConnector&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace uv
