// PoolTransport: one connection to a pool as a stream of plain bytes, however it is reached: TCP,
// behind a SOCKS5 proxy or not, with TLS in it or not.
//
// Stages: connecting (to the proxy, where there is one), proxy, TLS, open. Each of the last two has
// as much time as connecting has.
//
// Errors: on_end says in one line what could not be done or what ended; it comes once, from the
//         loop, never from inside the constructor or close(). What a peer's text holds is made
//         printable.
// Lifetime: not to be destroyed from inside a callback; afterwards none comes.
// Thread: the loop's.
#pragma once

#include "common/base/bytes.h"
#include "common/net/socks5.h"
#include "common/net/tls.h"
#include "common/uv/tcp.h"
#include "miner/pool_settings.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace miner {

class PoolTransport {
 public:
  struct Callbacks {
    std::function<void()> on_open;
    std::function<void(base::ByteSpan)> on_bytes;
    std::function<void(std::string_view why)> on_end;
  };

  // `tls` says whom to trust; null where the pool has none. `port` may differ from the settings'.
  PoolTransport(uv::Loop& loop, const PoolSettings& pool, std::uint16_t port,
                std::shared_ptr<const net::TlsContext> tls, std::chrono::milliseconds deadline,
                Callbacks callbacks);
  ~PoolTransport();
  PoolTransport(const PoolTransport&) = delete;
  PoolTransport& operator=(const PoolTransport&) = delete;

  bool is_open() const { return stage_ == Stage::open; }
  // A name may be being looked up, which can't be cancelled.
  bool is_resolving() const { return connector_ != nullptr; }
  // Nothing before it is open, and nothing after its end.
  void send(std::string_view bytes);
  // on_end comes later, with "disconnected".
  void close();

 private:
  enum class Stage : std::uint8_t { connecting, proxy, tls, open, over };

  void on_connected(base::Result<std::unique_ptr<uv::TcpStream>, uv::UvError> result);
  void on_stream_bytes(base::ByteSpan bytes);
  void on_stream_close(uv::CloseCause cause);
  void begin_proxy();
  void read_proxy(base::ByteSpan& bytes);
  void begin_tls();
  void read_tls(base::ByteSpan bytes);
  void begin_pool();
  void start_deadline();
  void fail(std::string why);
  std::string pool_name() const;
  std::string way() const;

  const PoolSettings pool_;
  const std::uint16_t port_;
  const std::shared_ptr<const net::TlsContext> tls_context_;
  const std::chrono::milliseconds deadline_;
  const Callbacks callbacks_;
  Stage stage_ = Stage::connecting;
  std::string failure_;  // why the stream was closed; empty: nobody's wish but the peer's
  uv::Timer late_;
  std::unique_ptr<uv::TcpConnector> connector_;
  std::unique_ptr<uv::TcpStream> stream_;
  std::optional<net::Socks5> socks_;
  std::unique_ptr<net::Tls> tls_;
};

// "pool.example:3333", "[2001:db8::1]:3333"
std::string host_and_port(std::string_view host, std::uint16_t port);

}  // namespace miner
