#include "pool/http/http_stream.h"

#include "common/base/assert.h"

#include <utility>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr auto last_words_deadline = 2s;

}  // namespace

HttpStream::HttpStream(std::unique_ptr<uv::TcpStream> tcp, HttpTls& shared, HttpCounts& counts,
                       Callbacks callbacks)
    : tcp_(std::move(tcp)),
      shared_(shared),
      counts_(counts),
      on_plaintext_(std::move(callbacks.stream.on_bytes)),
      may_handshake_(std::move(callbacks.may_handshake)) {
  callbacks.stream.on_bytes = [this](base::ByteSpan bytes) { on_bytes(bytes); };
  tcp_->set_callbacks(std::move(callbacks.stream));
}

void HttpStream::on_bytes(base::ByteSpan bytes) {
  if (ended_) return;
  const bool is_first = !std::exchange(begun_, true);
  if (is_first && shared_.context && bytes[0] == net::tls_first_byte && !begin_tls()) {
    return tcp_->close();
  }
  if (!tls_) return on_plaintext_(bytes);
  decipher(bytes);
}

bool HttpStream::begin_tls() {
  if (may_handshake_()) tls_ = net::Tls::accept(shared_.context);
  if (!tls_) ++counts_.tls_failed;
  return tls_ != nullptr;
}

void HttpStream::decipher(base::ByteSpan bytes) {
  shared_.plaintext.clear();
  shared_.ciphertext.clear();
  const auto done = tls_->receive(bytes, shared_.plaintext, shared_.ciphertext);
  tcp_->write(shared_.ciphertext);  // an answer, or the alert that says why
  const bool is_over = !done || tls_->peer_has_closed();
  if (!established_ && tls_->is_established()) {
    established_ = true;
    ++counts_.tls_done;
  } else if (!established_ && is_over) {
    ++counts_.tls_failed;
  }
  // Answers to what is read here pass through `ciphertext`, never through `plaintext`.
  if (!shared_.plaintext.empty()) on_plaintext_(base::as_bytes(shared_.plaintext));
  if (is_over) close_after_flush(last_words_deadline);
}

void HttpStream::write(std::string_view text) {
  if (!is_open()) return;
  if (!tls_) return tcp_->write(text);
  // It may have failed since: what was read with the answer's question was followed by nonsense.
  if (!established_) return tcp_->close();
  shared_.ciphertext.clear();
  if (!tls_->send(base::as_bytes(text), shared_.ciphertext)) return tcp_->close();
  tcp_->write(shared_.ciphertext);
}

void HttpStream::close_after_flush(std::chrono::milliseconds deadline) {
  if (!is_open()) return;
  ended_ = true;
  if (tls_) {
    shared_.ciphertext.clear();
    tls_->close_notify(shared_.ciphertext);
    tcp_->write(shared_.ciphertext);
  }
  tcp_->close_after_flush(deadline);
}

}  // namespace pool
