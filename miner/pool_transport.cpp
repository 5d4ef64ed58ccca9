#include "miner/pool_transport.h"

#include "miner/text.h"

#include <fmt/format.h>

#include <utility>

namespace miner {
namespace {

constexpr std::size_t host_shown_bytes_max = 128;

std::string seconds_text(std::chrono::milliseconds time) {
  return fmt::format("{} s", std::chrono::ceil<std::chrono::seconds>(time).count());
}

}  // namespace

std::string host_and_port(std::string_view host, std::uint16_t port) {
  const bool is_v6 = host.find(':') != std::string_view::npos;
  const std::string shown = printable(host, host_shown_bytes_max);
  return is_v6 ? fmt::format("[{}]:{}", shown, port) : fmt::format("{}:{}", shown, port);
}

PoolTransport::PoolTransport(uv::Loop& loop, const PoolSettings& pool, std::uint16_t port,
                             std::shared_ptr<const net::TlsContext> tls,
                             std::chrono::milliseconds deadline, Callbacks callbacks)
    : pool_(pool),
      port_(port),
      tls_context_(std::move(tls)),
      deadline_(deadline),
      callbacks_(std::move(callbacks)),
      late_(loop, [this] {
        fail(fmt::format("no answer from {} within {}", way(), seconds_text(deadline_)));
      }) {
  const std::string& host = pool_.proxy ? pool_.proxy->host : pool_.host;
  const std::uint16_t at = pool_.proxy ? pool_.proxy->port : port_;
  connector_ =
      std::make_unique<uv::TcpConnector>(loop, host, at, deadline_, uv::TcpOptions{},
                                         [this](auto result) { on_connected(std::move(result)); });
}

PoolTransport::~PoolTransport() = default;

std::string PoolTransport::pool_name() const { return host_and_port(pool_.host, port_); }

// The peer of the stage under way.
std::string PoolTransport::way() const {
  if (stage_ == Stage::tls) return pool_name() + " (TLS)";
  if (!pool_.proxy) return pool_name();
  return fmt::format("proxy {}", host_and_port(pool_.proxy->host, pool_.proxy->port));
}

// --- one stage after the other ---

void PoolTransport::on_connected(base::Result<std::unique_ptr<uv::TcpStream>, uv::UvError> result) {
  connector_.reset();
  if (stage_ == Stage::over) return callbacks_.on_end("disconnected");
  if (!result) {
    stage_ = Stage::over;
    const std::string at = pool_.proxy ? way() : pool_name();
    return callbacks_.on_end(
        fmt::format("cannot connect to {}: {}", at, uv::describe(result.error())));
  }
  stream_ = std::move(*result);
  stream_->set_callbacks({[this](base::ByteSpan bytes) { on_stream_bytes(bytes); },
                          [this](uv::CloseCause cause) { on_stream_close(cause); },
                          {}});
  stream_->start_reading();
  if (pool_.proxy) return begin_proxy();
  begin_pool();
}

void PoolTransport::begin_proxy() {
  stage_ = Stage::proxy;
  start_deadline();
  std::string hello;
  auto socks =
      net::Socks5::begin({pool_.host, port_, pool_.proxy->username, pool_.proxy->password}, hello);
  if (!socks) return fail(fmt::format("cannot ask {}: {}", way(), socks.error()));
  socks_.emplace(std::move(*socks));
  stream_->write(hello);
}

// Through to the pool.
void PoolTransport::begin_pool() {
  if (tls_context_) return begin_tls();
  stage_ = Stage::open;
  late_.stop();
  callbacks_.on_open();
}

void PoolTransport::begin_tls() {
  stage_ = Stage::tls;
  start_deadline();
  tls_ = net::Tls::connect(tls_context_, pool_.host);
  std::string hello;
  if (!tls_ || !tls_->start(hello))
    return fail(fmt::format("TLS with {} can't begin", pool_name()));
  stream_->write(hello);
}

void PoolTransport::start_deadline() { late_.start(deadline_, std::chrono::milliseconds(0)); }

// --- what the stream brings ---

void PoolTransport::on_stream_bytes(base::ByteSpan bytes) {
  if (stage_ == Stage::proxy) read_proxy(bytes);
  if (bytes.empty()) return;
  if (stage_ == Stage::tls || (stage_ == Stage::open && tls_)) return read_tls(bytes);
  if (stage_ == Stage::open) callbacks_.on_bytes(bytes);
}

void PoolTransport::read_proxy(base::ByteSpan& bytes) {
  std::string to_proxy;
  const auto done = socks_->receive(bytes, to_proxy);
  if (!to_proxy.empty()) stream_->write(to_proxy);
  if (!done)
    return fail(fmt::format("cannot reach {} by {}: {}", pool_name(), way(), done.error()));
  if (socks_->is_open()) begin_pool();
}

void PoolTransport::read_tls(base::ByteSpan bytes) {
  std::string plaintext;
  std::string to_peer;
  const auto done = tls_->receive(bytes, plaintext, to_peer);
  if (!to_peer.empty()) stream_->write(to_peer);
  if (!done) {
    const bool no_tls = done.error().why == "wrong version number";
    return fail(fmt::format("TLS with {} failed: {}{}", pool_name(), done.error().why,
                            no_tls ? " (a port without TLS?)" : ""));
  }
  if (stage_ == Stage::tls && tls_->is_established()) {
    stage_ = Stage::open;
    late_.stop();
    callbacks_.on_open();
  }
  if (stage_ == Stage::open && !plaintext.empty()) {
    callbacks_.on_bytes(base::as_bytes(std::string_view(plaintext)));
  }
  if (tls_->peer_has_closed()) {
    fail(fmt::format("the connection to {} ended ({})", pool_name(),
                     uv::name_of(uv::CloseCause::closed_by_peer)));
  }
}

void PoolTransport::on_stream_close(uv::CloseCause cause) {
  late_.stop();
  const Stage stage = std::exchange(stage_, Stage::over);
  if (!failure_.empty()) return callbacks_.on_end(failure_);
  if (stage == Stage::proxy) {
    return callbacks_.on_end(fmt::format("cannot reach {} by {}: it ended the connection ({})",
                                         pool_name(), way(), uv::name_of(cause)));
  }
  callbacks_.on_end(
      fmt::format("the connection to {} ended ({})", pool_name(), uv::name_of(cause)));
}

// --- ends ---

void PoolTransport::fail(std::string why) {
  if (stage_ == Stage::over) return;
  stage_ = Stage::over;
  failure_ = std::move(why);
  late_.stop();
  stream_->close();
}

void PoolTransport::close() {
  if (stage_ == Stage::over) return;
  if (stage_ == Stage::connecting) {
    stage_ = Stage::over;
    return;  // on_connected tells
  }
  if (stage_ == Stage::open && tls_) {
    std::string goodbye;
    tls_->close_notify(goodbye);
    stream_->write(goodbye);
  }
  fail("disconnected");
}

void PoolTransport::send(std::string_view bytes) {
  if (stage_ != Stage::open) return;
  if (!tls_) return stream_->write(bytes);
  std::string ciphertext;
  if (const auto done = tls_->send(base::as_bytes(bytes), ciphertext); !done) {
    return fail(fmt::format("TLS with {} failed: {}", pool_name(), done.error().why));
  }
  stream_->write(ciphertext);
}

}  // namespace miner
