// HttpStream: a web client's socket, with TLS on it where the client begins with that.
//
// The first byte tells: 0x16 begins a TLS handshake where there is a certificate, anything else is
// plain HTTP. What the connection above it reads and writes is plaintext in both cases.
//
// Limits:  net::Tls's own; whether a handshake may begin at all is asked of `may_handshake`.
// Memory:  an idle stream holds no buffers: what is deciphered and enciphered passes through two
//          strings that all streams of a listener share (HttpTls).
// Lifetime, thread: as TcpStream's.
#pragma once

#include "common/net/tls.h"
#include "common/uv/tcp.h"
#include "pool/http/http_counts.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace pool {

// Of a listener.
struct HttpTls {
  std::shared_ptr<const net::TlsContext> context;  // for new handshakes; null: no TLS
  bool only = false;             // plain requests are sent there instead of being answered
  std::string strict_transport;  // header of answers over TLS; empty: none
  std::string plaintext;         // of the call that runs; nobody else's
  std::string ciphertext;        // likewise
};

class HttpStream {
 public:
  struct Callbacks {
    uv::TcpStream::Callbacks stream;      // bytes in plaintext
    std::function<bool()> may_handshake;  // false: the stream closes
  };

  HttpStream(std::unique_ptr<uv::TcpStream> tcp, HttpTls& shared, HttpCounts& counts,
             Callbacks callbacks);
  HttpStream(const HttpStream&) = delete;
  HttpStream& operator=(const HttpStream&) = delete;

  void start_reading() { tcp_->start_reading(); }
  void stop_reading() { tcp_->stop_reading(); }
  // REQUIRES: not is_in_handshake(); nobody has asked for anything until then.
  void write(std::string_view text);
  void close() { tcp_->close(); }
  void close_after_flush(std::chrono::milliseconds deadline);

  bool is_open() const { return !ended_ && tcp_->is_open(); }
  bool is_encrypted() const { return tls_ != nullptr; }
  bool is_in_handshake() const { return tls_ && !established_; }
  std::size_t queued_bytes() const { return tcp_->queued_bytes(); }
  std::string peer_address() const { return tcp_->peer_address(); }

 private:
  void on_bytes(base::ByteSpan bytes);
  bool begin_tls();
  void decipher(base::ByteSpan bytes);

  const std::unique_ptr<uv::TcpStream> tcp_;
  HttpTls& shared_;
  HttpCounts& counts_;
  const std::function<void(base::ByteSpan)> on_plaintext_;
  const std::function<bool()> may_handshake_;
  std::unique_ptr<net::Tls> tls_;
  bool begun_ = false;        // the first byte has come
  bool established_ = false;  // the handshake was completed
  bool ended_ = false;        // last bytes go out
};

}  // namespace pool
