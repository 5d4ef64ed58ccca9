// TCP on a loop: TcpListener accepts, TcpStream reads and writes with a bounded queue.
//
// TcpStream::write() first tries the socket directly (most lines go out at once and cost no
// allocation); what the kernel does not take is queued, at most write_queue_bytes_max. A peer that
// lets the queue overflow is closed, so the last miner never waits for the slowest.
//
// Lifetime: a stream may be destroyed at any time, also from inside its own callbacks; then no
//           further callback comes, on_close neither. After on_close no callback comes.
// Memory:   an idle stream costs about 1 KiB here (libuv's handle, the callbacks): all streams of a
//           loop read into one buffer, and the write queue holds memory only while it is in use.
// Thread:   the loop's.
// Errors:   UvError carries libuv's code; describe() gives its text.
#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/uv/loop.h"
#include "common/uv/owned_fd.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace uv {

struct UvError {
  int code = 0;  // negative errno as libuv has it
};
// "address already in use (EADDRINUSE)"
std::string describe(UvError error);

enum class CloseCause {
  closed_by_us,
  closed_by_peer,  // orderly end of stream
  io_error,        // reset, timeout
  write_queue_full,
};
// "closed_by_peer"
std::string_view name_of(CloseCause cause);

struct TcpOptions {
  std::size_t write_queue_bytes_max = 256 * 1024;
  std::size_t read_chunk_bytes = 64 * 1024;        // shared per loop, not per stream
  bool keepalive = true;                           // idle 45 s, interval 15 s, 3 probes
  std::chrono::milliseconds user_timeout{90'000};  // TCP_USER_TIMEOUT; zero: the system's
};

// A connection between two loops: no handle has it, nothing is read or written.
struct DetachedTcp {
  OwnedFd socket;
  std::string unsent;  // was queued when it was detached; goes out first
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
  // One that another loop has let go of. What was unsent is sent.
  [[nodiscard]] static base::Result<std::unique_ptr<TcpStream>, UvError> adopt(
      Loop& loop, DetachedTcp connection, const TcpOptions& options);
  ~TcpStream();
  TcpStream(const TcpStream&) = delete;
  TcpStream& operator=(const TcpStream&) = delete;

  // REQUIRES: not called from inside one of the callbacks it replaces.
  void set_callbacks(Callbacks callbacks);
  void start_reading();
  void stop_reading();  // back pressure: the kernel's buffer fills, the peer waits
  // All or nothing is queued. A full queue closes the stream (write_queue_full).
  void write(base::ByteSpan bytes);
  void write(std::string_view text) { write(base::as_bytes(text)); }
  // Callback on_close comes from a later turn of the loop. Queued bytes are dropped.
  void close();
  // An orderly end: no more bytes are delivered or accepted; what is queued goes out, then our end
  // of stream, and the socket closes when the peer has closed its side or `deadline` has passed. (A
  // close with unread bytes in the kernel would be a reset, which can cost the peer our last line.)
  void close_after_flush(std::chrono::milliseconds deadline);
  // Lets go of the connection without closing it, for adopt(), also on another thread. No callback
  // comes any more, and the stream is no longer open. Bytes the peer sent stay in the kernel.
  // Errors: the system has no descriptor left; the stream goes on as before.
  // REQUIRES: is_open(), and no close_after_flush().
  [[nodiscard]] base::Result<DetachedTcp, UvError> detach();
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
  // Must not destroy the listener.
  using OnAccept = std::function<void(std::unique_ptr<TcpStream>)>;

  // Binds and listens. libuv 1.44 has no reuse-port flag, so the socket is made here.
  // `host` is a numeric address, "localhost" (127.0.0.1), or empty for every address; "::" takes
  // IPv4 as well. Errors: EADDRINUSE, EACCES, EADDRNOTAVAIL …, EAI_NONAME when host is a name.
  [[nodiscard]] static base::Result<std::unique_ptr<TcpListener>, UvError> listen(
      Loop& loop, const ListenOptions& where, const TcpOptions& streams, OnAccept on_accept);
  ~TcpListener();
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;
  std::uint16_t bound_port() const;
  // Times that accepting had to wait because the process or the system was out of descriptors or
  // memory; the peers wait in the backlog meanwhile.
  std::uint64_t accept_pauses() const;

 private:
  struct State;
  explicit TcpListener(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Resolves (getaddrinfo on libuv's pool) and connects, trying each address in turn, within
// `deadline`. The callback comes once, never from inside the constructor; it may destroy the
// connector. Destroying the connector cancels; the callback then does not come.
// Errors: the last address's; UV_ETIMEDOUT at the deadline; UV_EAI_… when the name is not found.
class TcpConnector {
 public:
  using OnDone = std::function<void(base::Result<std::unique_ptr<TcpStream>, UvError>)>;
  TcpConnector(Loop& loop, const std::string& host, std::uint16_t port,
               std::chrono::milliseconds deadline, const TcpOptions& options, OnDone on_done);
  ~TcpConnector();
  TcpConnector(const TcpConnector&) = delete;
  TcpConnector& operator=(const TcpConnector&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace uv
