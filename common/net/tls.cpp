#include "common/net/tls.h"

#include "common/base/assert.h"
#include "common/base/ip_address.h"
#include "common/net/tls_openssl.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <utility>

namespace net {
namespace {

using namespace openssl;

constexpr std::size_t plaintext_chunk_bytes = 16 * 1024;  // a record's

TlsError take_error() {
  // Reasons from here on are alerts that came from the peer.
  const bool by_peer = ERR_GET_REASON(ERR_peek_error()) >= SSL_AD_REASON_OFFSET;
  return {take_reason("the connection is broken"), by_peer};
}

// Names in certificates have no dot at their end, and addresses no brackets.
std::string checked_name(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return std::string(host);
}

bool expect_host(SSL* ssl, const std::string& host) {
  if (base::IpAddress::parse(host)) {
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  }
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

}  // namespace

struct Tls::State {
  std::shared_ptr<const TlsContext> context;  // outlives `ssl`, which uses its BIO method
  Wire wire;
  OwnedSsl ssl;
  std::uint32_t handshake_bytes = 0;
  bool failed = false;
  bool is_established = false;  // for good, once it was

  // OpenSSL may read `incoming` and write to `to_peer` during one call.
  void attach(base::ByteSpan incoming, std::string& to_peer) {
    ERR_clear_error();
    wire.incoming = incoming;
    wire.outgoing = &to_peer;
  }
  void detach() {
    wire.incoming = {};
    wire.outgoing = nullptr;
    ERR_clear_error();
  }
  base::Result<void, TlsError> fail(TlsError error) {
    failed = true;
    detach();
    return base::err(std::move(error));
  }
  static std::unique_ptr<State> make(std::shared_ptr<const TlsContext> context);
  TlsError take_error_of() const;
  base::Result<void, TlsError> decipher(base::ByteSpan piece, std::string& plaintext,
                                        std::string& to_peer);
};

Tls::Tls(std::unique_ptr<State> state) : state_(std::move(state)) {}

Tls::~Tls() = default;

std::unique_ptr<Tls::State> Tls::State::make(std::shared_ptr<const TlsContext> context) {
  auto state = std::make_unique<State>();
  state->ssl.reset(SSL_new(context->state_->context.get()));
  BIO* const bio = BIO_new(context->state_->wire.get());
  if (!state->ssl || bio == nullptr) {
    BIO_free(bio);
    ERR_clear_error();
    return nullptr;
  }
  BIO_set_data(bio, &state->wire);
  SSL_set_bio(state->ssl.get(), bio, bio);  // takes it
  state->context = std::move(context);
  return state;
}

std::unique_ptr<Tls> Tls::accept(std::shared_ptr<const TlsContext> context) {
  ASSERT(!context->state_->is_client);
  auto state = State::make(std::move(context));
  if (!state) return nullptr;
  SSL_set_accept_state(state->ssl.get());
  return std::unique_ptr<Tls>(new Tls(std::move(state)));
}

std::unique_ptr<Tls> Tls::connect(std::shared_ptr<const TlsContext> context,
                                  std::string_view host) {
  ASSERT(context->state_->is_client);
  auto state = State::make(std::move(context));
  if (!state || !expect_host(state->ssl.get(), checked_name(host))) {
    ERR_clear_error();
    return nullptr;
  }
  SSL_set_connect_state(state->ssl.get());
  return std::unique_ptr<Tls>(new Tls(std::move(state)));
}

base::Result<void, TlsError> Tls::start(std::string& to_peer) {
  state_->attach({}, to_peer);
  const int done = SSL_do_handshake(state_->ssl.get());
  if (done != 1 && SSL_get_error(state_->ssl.get(), done) != SSL_ERROR_WANT_READ) {
    return state_->fail(take_error());
  }
  state_->detach();
  return {};
}

base::Result<void, TlsError> Tls::receive(base::ByteSpan from_peer, std::string& plaintext,
                                          std::string& to_peer) {
  while (!from_peer.empty()) {
    if (state_->failed) return base::err(TlsError{"the connection has failed before", false});
    if (peer_has_closed()) return {};
    base::ByteSpan piece = from_peer;
    if (!is_established()) {
      const std::size_t most = state_->context->state_->is_client ? tls_server_handshake_bytes_max
                                                                  : tls_handshake_bytes_max;
      const std::size_t room = most - state_->handshake_bytes;
      if (room == 0) return state_->fail({"the handshake has no end"});
      piece = from_peer.first(std::min(piece.size(), room));
      state_->handshake_bytes += static_cast<std::uint32_t>(piece.size());
    }
    if (auto done = state_->decipher(piece, plaintext, to_peer); !done) return done;
    from_peer = from_peer.subspan(piece.size());
  }
  return {};
}

base::Result<void, TlsError> Tls::State::decipher(base::ByteSpan piece, std::string& plaintext,
                                                  std::string& to_peer) {
  attach(piece, to_peer);
  std::array<char, plaintext_chunk_bytes> chunk;
  while (true) {
    const int count = SSL_read(ssl.get(), chunk.data(), static_cast<int>(chunk.size()));
    // Not asked of OpenSSL later: there a connection that has failed was never established.
    is_established = is_established || count > 0 || SSL_is_init_finished(ssl.get()) == 1;
    if (count > 0) {
      plaintext.append(chunk.data(), static_cast<std::size_t>(count));
      continue;
    }
    switch (SSL_get_error(ssl.get(), count)) {
      case SSL_ERROR_WANT_READ:  // all of `piece` has been read
        if (wire.is_abused()) return fail({"too many key updates"});
        [[fallthrough]];
      case SSL_ERROR_ZERO_RETURN:  // close_notify
        detach();
        return {};
      default:
        return fail(take_error_of());
    }
  }
}

// OpenSSL's reason says only that the certificate was refused; why stands elsewhere.
TlsError Tls::State::take_error_of() const {
  const bool refused = ERR_GET_REASON(ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  TlsError error = take_error();
  if (refused && context->state_->is_client) {
    error = {fmt::format("its certificate is refused: {}",
                         X509_verify_cert_error_string(SSL_get_verify_result(ssl.get()))),
             false};
  }
  return error;
}

base::Result<void, TlsError> Tls::send(base::ByteSpan plaintext, std::string& to_peer) {
  ASSERT(is_established());
  if (state_->failed) return base::err(TlsError{"the connection has failed before", false});
  if (plaintext.empty()) return {};
  state_->attach({}, to_peer);
  std::size_t written = 0;
  if (SSL_write_ex(state_->ssl.get(), plaintext.data(), plaintext.size(), &written) != 1) {
    return state_->fail(take_error());
  }
  ASSERT(written == plaintext.size());
  state_->detach();
  return {};
}

void Tls::close_notify(std::string& to_peer) {
  if (state_->failed || !is_established()) return;
  state_->attach({}, to_peer);
  SSL_shutdown(state_->ssl.get());
  state_->detach();
}

bool Tls::is_established() const { return state_->is_established; }

bool Tls::peer_has_closed() const {
  return (SSL_get_shutdown(state_->ssl.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

}  // namespace net
