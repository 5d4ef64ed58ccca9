// TcpStream: see tcp.h. One write at most is with libuv; what comes meanwhile gathers in one
// string.
#include "common/uv/tcp.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace uv {

namespace {

constexpr int keepalive_idle_s = 45;
constexpr int keepalive_interval_s = 15;
constexpr int keepalive_probes = 3;

uv_stream_t* as_stream(uv_tcp_t* handle) { return reinterpret_cast<uv_stream_t*>(handle); }

uv_buf_t buffer_of(std::string_view bytes) {
  // libuv takes a non-const pointer for reading and writing alike; a write only reads.
  return uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
}

// Options are improvements: a socket that refuses one (its peer is gone already, say) is used
// anyway.
void set_socket_options(uv_tcp_t* handle, const TcpOptions& options) {
  uv_tcp_nodelay(handle, 1);
  uv_os_fd_t fd = -1;
  if (uv_fileno(reinterpret_cast<const uv_handle_t*>(handle), &fd) != 0) return;
  const auto set = [fd](int level, int name, int value) {
    setsockopt(fd, level, name, &value, sizeof(value));
  };
  if (options.keepalive) {
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, keepalive_idle_s);
    set(IPPROTO_TCP, TCP_KEEPINTVL, keepalive_interval_s);
    set(IPPROTO_TCP, TCP_KEEPCNT, keepalive_probes);
  }
  if (options.user_timeout.count() > 0) {
    set(IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(options.user_timeout.count()));
  }
}

struct Peer {
  std::string address;
  std::uint16_t port = 0;
};

Peer peer_of(const uv_tcp_t* handle) {
  sockaddr_storage storage{};
  int length = sizeof(storage);
  if (uv_tcp_getpeername(handle, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
    uv_ip4_name(v4, text.data(), text.size());
    return {text.data(), ntohs(v4->sin_port)};
  }
  if (storage.ss_family != AF_INET6) return {};
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
  uv_ip6_name(v6, text.data(), text.size());
  std::string_view address = text.data();
  // An IPv4 peer of a socket that listens on "::" (RFC 4291, 2.5.5.2).
  constexpr std::string_view mapped = "::ffff:";
  if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) address.remove_prefix(mapped.size());
  return {std::string(address), ntohs(v6->sin6_port)};
}

}  // namespace

std::string describe(UvError error) {
  return std::string(uv_strerror(error.code)) + " (" + uv_err_name(error.code) + ")";
}

std::string_view name_of(CloseCause cause) {
  switch (cause) {
    case CloseCause::closed_by_us:
      return "closed_by_us";
    case CloseCause::closed_by_peer:
      return "closed_by_peer";
    case CloseCause::io_error:
      return "io_error";
    case CloseCause::write_queue_full:
      return "write_queue_full";
  }
  return "unknown";
}

// What libuv's callbacks point to. It lives until both the TcpStream and libuv have let go of it.
struct TcpStream::State {
  // One write handed to libuv; there is at most one per stream.
  struct Writing {
    uv_write_t request{};
    std::string bytes;
  };

  explicit State(Owned<uv_tcp_t> connected) : handle(connected.release()) { handle->data = this; }

  static State& of(const uv_stream_t* stream) { return *static_cast<State*>(stream->data); }
  static void on_alloc(uv_handle_t* handle, std::size_t suggested, uv_buf_t* out) noexcept;
  static void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) noexcept;
  static void on_written(uv_write_t* request, int status) noexcept;
  static void on_shutdown(uv_shutdown_t* request, int status) noexcept;
  static void on_closed(uv_handle_t* handle) noexcept;
  // The TcpStream is gone.
  static void abandon(State* state);

  std::size_t queued_bytes() const;
  void write(std::string_view bytes);
  void send_pending();
  void flushed();
  void send_end_of_stream();
  void begin_close(CloseCause why);

  uv_tcp_t* handle;  // null once closed; freed by on_closed
  Callbacks callbacks;
  std::string pending;  // waits for the write that is with libuv
  std::string peer_address;
  std::unique_ptr<Timer> flush_deadline;  // close_after_flush only
  const Writing* writing = nullptr;       // is with libuv, which frees it through on_written
  std::size_t write_queue_bytes_max = 0;
  unsigned read_chunk_bytes = 0;
  std::uint16_t peer_port = 0;
  CloseCause cause = CloseCause::closed_by_us;
  bool closing = false;
  bool flushing = false;  // close_after_flush() was called
  bool end_sent = false;  // uv_shutdown() was called
  bool abandoned = false;
  bool detached = false;
};

void TcpStream::State::on_alloc(uv_handle_t* handle, std::size_t /*suggested*/,
                                uv_buf_t* out) noexcept {
  const unsigned bytes = static_cast<State*>(handle->data)->read_chunk_bytes;
  *out = uv_buf_init(Loop::of(handle->loop).read_buffer(bytes).data(), bytes);
}

void TcpStream::State::on_read(uv_stream_t* stream, ssize_t count,
                               const uv_buf_t* buffer) noexcept {
  State& self = of(stream);
  if (count < 0) {
    const bool orderly = count == UV_EOF;
    if (self.flushing && orderly) return self.begin_close(CloseCause::closed_by_us);
    return self.begin_close(orderly ? CloseCause::closed_by_peer : CloseCause::io_error);
  }
  if (count == 0 || self.flushing || !self.callbacks.on_bytes) return;
  self.callbacks.on_bytes(base::as_bytes({buffer->base, static_cast<std::size_t>(count)}));
}

std::size_t TcpStream::State::queued_bytes() const {
  return uv_stream_get_write_queue_size(reinterpret_cast<const uv_stream_t*>(handle)) +
         pending.size();
}

void TcpStream::State::write(std::string_view bytes) {
  if (writing == nullptr) {
    const uv_buf_t buffer = buffer_of(bytes);
    const int sent = uv_try_write(as_stream(handle), &buffer, 1);
    if (sent < 0 && sent != UV_EAGAIN) return begin_close(CloseCause::io_error);
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    if (bytes.empty()) return;
  }
  if (bytes.size() > write_queue_bytes_max - std::min(write_queue_bytes_max, queued_bytes())) {
    return begin_close(CloseCause::write_queue_full);
  }
  pending.append(bytes);
  if (writing == nullptr) send_pending();
}

// Everything that gathered while the last write was under way goes out as one.
void TcpStream::State::send_pending() {
  auto next = std::make_unique<Writing>();
  next->bytes = std::exchange(pending, {});
  next->request.data = next.get();
  const uv_buf_t buffer = buffer_of(next->bytes);
  if (uv_write(&next->request, as_stream(handle), &buffer, 1, on_written) != 0) {
    return begin_close(CloseCause::io_error);
  }
  writing = next.release();  // on_written has it
}

void TcpStream::State::on_written(uv_write_t* request, int status) noexcept {
  const std::unique_ptr<Writing> done(static_cast<Writing*>(request->data));
  State& self = of(request->handle);
  self.writing = nullptr;
  if (self.closing) return;
  if (status != 0) return self.begin_close(CloseCause::io_error);
  if (!self.pending.empty()) return self.send_pending();
  self.flushed();
}

void TcpStream::State::flushed() {
  if (flushing) return send_end_of_stream();
  if (callbacks.on_drain) callbacks.on_drain();
}

void TcpStream::State::send_end_of_stream() {
  end_sent = true;
  auto request = std::make_unique<uv_shutdown_t>();
  if (uv_shutdown(request.get(), as_stream(handle), on_shutdown) != 0) {
    return begin_close(CloseCause::closed_by_us);
  }
  static_cast<void>(request.release());  // on_shutdown has it
}

void TcpStream::State::on_shutdown(uv_shutdown_t* request, int status) noexcept {
  const std::unique_ptr<uv_shutdown_t> done(request);
  State& self = of(request->handle);
  if (status != 0 && !self.closing) self.begin_close(CloseCause::closed_by_us);
}

void TcpStream::State::begin_close(CloseCause why) {
  if (closing) return;
  closing = true;
  cause = why;
  flush_deadline.reset();
  uv_close(reinterpret_cast<uv_handle_t*>(handle), on_closed);
}

void TcpStream::State::on_closed(uv_handle_t* handle) noexcept {
  auto* self = static_cast<State*>(handle->data);
  delete reinterpret_cast<uv_tcp_t*>(handle);
  self->handle = nullptr;
  if (self->abandoned) {
    delete self;
    return;
  }
  // Last, and from a copy of its own: the stream may be destroyed in there.
  const auto on_close = std::move(self->callbacks.on_close);
  if (on_close && !self->detached) on_close(self->cause);
}

void TcpStream::State::abandon(State* state) {
  state->abandoned = true;
  if (state->handle == nullptr) {
    delete state;
    return;
  }
  state->begin_close(CloseCause::closed_by_us);
}

base::Result<std::unique_ptr<TcpStream>, UvError> TcpStream::adopt(Loop& loop,
                                                                   DetachedTcp connection,
                                                                   const TcpOptions& options) {
  auto handle = std::make_unique<uv_tcp_t>();
  ASSERT(uv_tcp_init(loop.get(), handle.get()) == 0);
  Owned<uv_tcp_t> owned(handle.release());
  if (const int error = uv_tcp_open(owned.get(), connection.socket.fd()); error != 0) {
    return base::err(UvError{error});
  }
  static_cast<void>(connection.socket.release());  // libuv has it
  auto stream = std::make_unique<TcpStream>(loop, std::move(owned), options);
  stream->write(connection.unsent);
  return stream;
}

TcpStream::TcpStream(Loop& loop, Owned<uv_tcp_t> connected, const TcpOptions& options)
    : state_(new State(std::move(connected)), State::abandon) {
  ASSERT(state_->handle->loop == loop.get());
  state_->write_queue_bytes_max = options.write_queue_bytes_max;
  state_->read_chunk_bytes = static_cast<unsigned>(options.read_chunk_bytes);
  set_socket_options(state_->handle, options);
  Peer peer = peer_of(state_->handle);
  state_->peer_address = std::move(peer.address);
  state_->peer_port = peer.port;
}

TcpStream::~TcpStream() = default;

void TcpStream::set_callbacks(Callbacks callbacks) { state_->callbacks = std::move(callbacks); }

void TcpStream::start_reading() {
  if (!is_open() || state_->flushing) return;
  // EALREADY: it reads already, which is what was asked for.
  const int result = uv_read_start(as_stream(state_->handle), State::on_alloc, State::on_read);
  if (result != 0 && result != UV_EALREADY) state_->begin_close(CloseCause::io_error);
}

void TcpStream::stop_reading() {
  if (is_open() && !state_->flushing) uv_read_stop(as_stream(state_->handle));
}

void TcpStream::write(base::ByteSpan bytes) {
  if (!is_open() || state_->flushing || bytes.empty()) return;
  state_->write(base::as_text(bytes));
}

void TcpStream::close() {
  if (is_open()) state_->begin_close(CloseCause::closed_by_us);
}

void TcpStream::close_after_flush(std::chrono::milliseconds deadline) {
  if (!is_open() || state_->flushing) return;
  start_reading();  // to see the peer's end of stream
  if (!is_open()) return;
  State* state = state_.get();
  state->flushing = true;
  state->flush_deadline = std::make_unique<Timer>(
      Loop::of(state->handle->loop), [state] { state->begin_close(CloseCause::closed_by_us); });
  state->flush_deadline->start(deadline, std::chrono::milliseconds(0));
  if (state->writing == nullptr) state->send_end_of_stream();
}

base::Result<DetachedTcp, UvError> TcpStream::detach() {
  ASSERT(is_open() && !state_->flushing);
  uv_os_fd_t fd = -1;
  ASSERT(uv_fileno(reinterpret_cast<const uv_handle_t*>(state_->handle), &fd) == 0);
  // A second descriptor of the connection: libuv closes its own, which then ends nothing.
  OwnedFd kept(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (kept.fd() < 0) return base::err(UvError{uv_translate_sys_error(errno)});
  DetachedTcp detached{std::move(kept), {}};
  if (state_->writing != nullptr) {
    // libuv has sent the front of it: what is left is what its queue still holds.
    const std::size_t left = uv_stream_get_write_queue_size(as_stream(state_->handle));
    const std::string& bytes = state_->writing->bytes;
    ASSERT(left <= bytes.size());
    detached.unsent = bytes.substr(bytes.size() - left);
  }
  detached.unsent += std::exchange(state_->pending, {});
  state_->detached = true;  // the callbacks stay: one of them may be running
  state_->begin_close(CloseCause::closed_by_us);
  return detached;
}

bool TcpStream::is_open() const { return !state_->closing; }

std::size_t TcpStream::queued_bytes() const { return is_open() ? state_->queued_bytes() : 0; }

std::string TcpStream::peer_address() const { return state_->peer_address; }

std::uint16_t TcpStream::peer_port() const { return state_->peer_port; }

}  // namespace uv
