#include "pool/net/connection.h"

#include "common/base/assert.h"
#include "common/base/test_faults.h"
#include "common/net/proxy_header.h"
#include "common/uv/clock.h"

#include <algorithm>
#include <array>
#include <utility>

namespace pool {
namespace {

using namespace std::chrono_literals;

// A refused or closed peer gets this long to read the reason.
constexpr auto last_words_deadline = 2s;
// Answers are this short, jobs are longer: a job goes out at once, without a copy of its bytes.
constexpr std::size_t short_line_bytes_max = 256;
constexpr std::size_t outbox_bytes_max = 16 * 1024;

constexpr std::string_view http_answer =
    "HTTP/1.1 400 Bad Request\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Length: 60\r\n"
    "Connection: close\r\n"
    "\r\n"
    "This port is for miners (Stratum); it serves no web pages.\r\n";

constexpr std::array<std::string_view, 10> http_starts = {
    "GET ",    "POST ",    "HEAD ",  "PUT ",   "OPTIONS ",
    "DELETE ", "CONNECT ", "PATCH ", "TRACE ", "PRI * "};

enum class Guess { undecided, yes, no };

// Are these the first bytes of an HTTP request?
Guess looks_like_http(std::string_view bytes) {
  Guess guess = Guess::no;
  for (const std::string_view start : http_starts) {
    const std::size_t common = std::min(bytes.size(), start.size());
    if (bytes.substr(0, common) != start.substr(0, common)) continue;
    if (common == start.size()) return Guess::yes;
    guess = Guess::undecided;
  }
  return guess;
}

bool is_blank(std::uint8_t byte) {
  return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

// Frees the memory too, which clear() does not.
void release(std::string& text) { text = std::string(); }

}  // namespace

Connection::Connection(ConnectionId id, ConnectionEnvironment& environment, const StratumPort& port,
                       std::unique_ptr<uv::TcpStream> stream)
    : id_(id), environment_(environment), port_(port), stream_(std::move(stream)) {
  set_callbacks();
}

Connection::Connection(ConnectionId id, ConnectionEnvironment& environment, const StratumPort& port,
                       std::unique_ptr<uv::TcpStream> stream, std::unique_ptr<net::Tls> tls)
    : Connection(id, environment, port, std::move(stream)) {
  tls_ = std::move(tls);
  stage_ = Stage::stratum;
}

void Connection::set_callbacks() {
  uv::TcpStream::Callbacks callbacks;
  callbacks.on_bytes = [this](base::ByteSpan bytes) { on_bytes(bytes); };
  callbacks.on_close = [this](uv::CloseCause) { environment_.on_closed(id_); };
  stream_->set_callbacks(std::move(callbacks));
}

// ---------------------------------------------------------------- who it is

Peer Connection::peer_of_socket() const {
  Peer peer;
  peer.address = stream_->peer_address();
  peer.listener = port_.index;
  // A peer that is gone already has no address; it is nobody, and limited as such.
  const auto address = base::IpAddress::parse(peer.address).value_or(base::IpAddress{});
  peer.prefix = AddressPrefix(address);
  peer.limited = !address.is_loopback();
  return peer;
}

void Connection::start(base::MonoTime now) {
  if (stage_ == Stage::stratum) return update_reading();
  if (stage_ == Stage::closing) return;  // what it brought from another loop was its end
  const auto address = base::IpAddress::parse(stream_->peer_address());
  const bool trusted =
      address && std::any_of(port_.proxy_from.begin(), port_.proxy_from.end(),
                             [&](const AddressRange& range) { return range.contains(*address); });
  if (trusted && !base::fault("proxy_header_not_expected")) {
    stage_ = Stage::proxy_header;
    deadline_ = now + limits::stage_deadline;
    return update_reading();
  }
  meet(peer_of_socket(), {});
}

void Connection::read_proxy_header(base::ByteSpan bytes) {
  // Mostly the header comes whole; else its beginning is held, never more than a header can have.
  const std::size_t held = held_.size();
  if (held > 0) {
    const std::size_t wanted = std::min(bytes.size(), net::proxy_header_bytes_max - held);
    held_.append(base::as_text(bytes.first(wanted)));
  }
  const auto parsed = net::parse_proxy_header(held > 0 ? base::as_bytes(held_) : bytes);
  if (!parsed) return turn_away(TurnAway::bad_proxy_header, net::describe(parsed.error()));
  if (!*parsed) {
    if (held == 0) held_.assign(base::as_text(bytes));
    return;
  }
  const net::ProxyHeader& header = **parsed;
  Peer peer = peer_of_socket();
  peer.limited = false;  // the proxy itself, unless it speaks for somebody
  if (header.source && !base::fault("proxied_address_not_counted")) {
    peer.address = header.source->address.text();
    peer.prefix = AddressPrefix(header.source->address);
    peer.limited = !header.source->address.is_loopback();
  }
  release(held_);
  meet(peer, bytes.subspan(header.bytes - held));
}

// `rest` is what came behind the PROXY header.
void Connection::meet(const Peer& peer, base::ByteSpan rest) {
  if (!environment_.on_peer(id_, peer)) {
    environment_.on_turn_away(id_, TurnAway::refused, {});
    return close();
  }
  stage_ = Stage::first_byte;
  if (port_.tls == TlsMode::only && !base::fault("tls_optional")) begin_tls();
  if (stage_ == Stage::closing) return;
  update_reading();
  if (!rest.empty()) on_bytes(rest);
}

// ---------------------------------------------------------------- what it speaks

void Connection::on_bytes(base::ByteSpan bytes) {
  switch (stage_) {
    case Stage::proxy_header:
      return read_proxy_header(bytes);
    case Stage::first_byte:
      return read_first_byte(bytes);
    case Stage::handshake:
      return handshake(bytes);
    case Stage::protocol:
    case Stage::stratum:
      return tls_ ? decipher(bytes) : read_protocol(bytes);
    case Stage::closing:
      return;
  }
}

void Connection::read_first_byte(base::ByteSpan bytes) {
  const bool is_tls = bytes[0] == net::tls_first_byte;
  if (!is_tls) {
    stage_ = Stage::protocol;
    return read_protocol(bytes);
  }
  // No offence: bfgminer tries TLS each time it connects, and then plain text.
  if (port_.tls == TlsMode::off || !environment_.tls) {
    return turn_away(TurnAway::tls_refused, "there is no TLS on this port");
  }
  begin_tls();
  if (stage_ == Stage::handshake) handshake(bytes);
}

void Connection::begin_tls() {
  if (environment_.tls) tls_ = net::Tls::accept(environment_.tls);
  if (!tls_) return turn_away(TurnAway::tls_failed, "no certificate, or no memory");
  stage_ = Stage::handshake;
  deadline_ = uv::read_clock().mono + limits::stage_deadline;
}

void Connection::handshake(base::ByteSpan bytes) {
  if (!environment_.handshakes.is_left()) {
    // Reading stops, so this happens once. No honest handshake has so much in one piece.
    if (bytes.size() > net::tls_handshake_bytes_max) return turn_away(TurnAway::tls_failed);
    held_.assign(base::as_text(bytes));
    waiting_ = true;
    update_reading();
    return environment_.on_handshake_waits(id_);
  }
  const base::MonoTime before = uv::read_clock().mono;
  decipher(bytes);
  environment_.handshakes.spend(uv::read_clock().mono - before);
}

bool Connection::continue_handshake() {
  ASSERT(waiting_);
  if (stage_ == Stage::closing) {
    waiting_ = false;
    return true;
  }
  if (!environment_.handshakes.is_left()) return false;
  waiting_ = false;
  deadline_ = uv::read_clock().mono + limits::stage_deadline;  // waiting was our doing
  const std::string bytes = std::exchange(held_, {});
  update_reading();
  handshake(base::as_bytes(bytes));
  return true;
}

void Connection::decipher(base::ByteSpan bytes) {
  environment_.plaintext.clear();
  environment_.ciphertext.clear();
  const auto done = tls_->receive(bytes, environment_.plaintext, environment_.ciphertext);
  stream_->write(environment_.ciphertext);  // an answer, or the alert that says why
  if (stage_ == Stage::handshake && tls_->is_established()) stage_ = Stage::protocol;
  if (!environment_.plaintext.empty()) read_protocol(base::as_bytes(environment_.plaintext));
  if (stage_ == Stage::closing) return;
  if (!done) {
    return turn_away(done.error().by_peer ? TurnAway::tls_refused : TurnAway::tls_failed,
                     done.error().why);
  }
  if (tls_->peer_has_closed()) finish();
}

void Connection::read_protocol(base::ByteSpan bytes) {
  if (stage_ == Stage::stratum) return environment_.on_stratum(id_, bytes);
  if (held_.empty()) {
    const auto first = std::find_if_not(bytes.begin(), bytes.end(), is_blank);
    bytes = bytes.subspan(static_cast<std::size_t>(first - bytes.begin()));
    if (bytes.empty()) return;
    if (bytes[0] == '{' || base::fault("first_byte_not_looked_at")) {
      stage_ = Stage::stratum;
      return environment_.on_stratum(id_, bytes);
    }
  }
  constexpr std::size_t enough = 8;  // the longest of http_starts
  held_.append(base::as_text(bytes.first(std::min(bytes.size(), enough))));
  switch (looks_like_http(held_)) {
    case Guess::undecided:
      return;
    case Guess::yes:
      if (!base::fault("http_not_answered")) write(http_answer);
      return turn_away(TurnAway::http);
    case Guess::no:
      return turn_away(TurnAway::not_stratum);
  }
}

void Connection::turn_away(TurnAway why, std::string_view detail) {
  environment_.on_turn_away(id_, why, detail);
  finish();
}

void Connection::on_tick(base::MonoTime now) {
  const bool timed = stage_ == Stage::proxy_header || stage_ == Stage::handshake;
  if (timed && !waiting_ && now >= deadline_) turn_away(TurnAway::too_slow);
}

// ---------------------------------------------------------------- what it is told

void Connection::send(std::string_view line) {
  if (stage_ != Stage::stratum) return;
  if (line.size() <= short_line_bytes_max && outbox_.size() + line.size() <= outbox_bytes_max) {
    if (outbox_.empty()) environment_.on_outbox(id_);
    outbox_.append(line);
    return;
  }
  flush();
  write(line);
}

void Connection::flush() {
  if (outbox_.empty()) return;
  write(outbox_);
  release(outbox_);
}

void Connection::write(std::string_view text) {
  if (!tls_) return stream_->write(text);
  if (!tls_->is_established()) return;
  environment_.ciphertext.clear();
  const auto done = tls_->send(base::as_bytes(text), environment_.ciphertext);
  if (!done) return stream_->close();
  stream_->write(environment_.ciphertext);
}

void Connection::finish() {
  if (stage_ == Stage::closing) return;
  flush();
  if (tls_) {
    environment_.ciphertext.clear();
    tls_->close_notify(environment_.ciphertext);
    stream_->write(environment_.ciphertext);
  }
  stage_ = Stage::closing;
  release(held_);
  stream_->stop_reading();
  stream_->close_after_flush(last_words_deadline);
}

void Connection::close() {
  stage_ = Stage::closing;
  stream_->close();
}

// ---------------------------------------------------------------- reading, and moving

void Connection::set_paused(bool paused) {
  paused_ = paused;
  update_reading();
}

void Connection::update_reading() {
  if (stage_ == Stage::closing) return;
  if (environment_.reading && !paused_ && !waiting_) {
    stream_->start_reading();
  } else {
    stream_->stop_reading();
  }
}

std::optional<MovedConnection> Connection::detach() {
  ASSERT(can_move());
  flush();
  if (!stream_->is_open()) return std::nullopt;
  auto tcp = stream_->detach();
  if (!tcp) return std::nullopt;
  stage_ = Stage::closing;
  return MovedConnection{std::move(*tcp), std::move(tls_)};
}

}  // namespace pool
