#include "common/net/tls.h"

#include "common/base/assert.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace net {
namespace {

constexpr const char* tls12_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* groups = "X25519:P-256:P-384";
constexpr std::size_t chain_certificates_max = 10;
constexpr std::size_t plaintext_chunk_bytes = 16 * 1024;  // a record's

template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* pointer) const noexcept {
    Free(pointer);
  }
};
using OwnedBio = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using OwnedX509 = std::unique_ptr<X509, FreeWith<X509_free>>;
using OwnedKey = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using OwnedContext = std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX_free>>;
using OwnedSsl = std::unique_ptr<SSL, FreeWith<SSL_free>>;
using OwnedMethod = std::unique_ptr<BIO_METHOD, FreeWith<BIO_meth_free>>;

// OpenSSL keeps errors in a queue per thread. The first one is the cause; the rest goes, or the
// next call on this thread, of another connection, would report it.
std::string take_reason(std::string_view otherwise) {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* const text = code == 0 ? nullptr : ERR_reason_error_string(code);
  return std::string(text == nullptr ? otherwise : std::string_view(text));
}

TlsError take_error() {
  // Reasons from here on are alerts that came from the peer.
  const bool by_peer = ERR_GET_REASON(ERR_peek_error()) >= SSL_AD_REASON_OFFSET;
  return {take_reason("the connection is broken"), by_peer};
}

// Never asks anybody: the default would read the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

OwnedBio reader_of(std::string_view text) {
  return OwnedBio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

bool at_end_of_pem() {
  const unsigned long code = ERR_peek_last_error();
  const bool none_left =
      ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  if (none_left) ERR_clear_error();
  return none_left;
}

// ---------------------------------------------------------------- the certificate and its key

using Done = base::Result<void, std::string>;

Done complain(std::string_view name, std::string_view what) {
  return base::err(fmt::format("{}: {}", name, what));
}

Done use_chain(SSL_CTX* context, const Pem& pem) {
  const OwnedBio reader = reader_of(pem.text);
  const OwnedX509 own(PEM_read_bio_X509_AUX(reader.get(), nullptr, no_passphrase, nullptr));
  if (!own) {
    if (at_end_of_pem()) return complain(pem.name, "holds no certificate in PEM form");
    return complain(pem.name, "bad certificate: " + take_reason("unreadable"));
  }
  if (SSL_CTX_use_certificate(context, own.get()) != 1) {
    return complain(pem.name, "certificate can't be used: " + take_reason("refused"));
  }
  for (std::size_t i = 0; i < chain_certificates_max; ++i) {
    OwnedX509 next(PEM_read_bio_X509(reader.get(), nullptr, no_passphrase, nullptr));
    if (!next) {
      if (at_end_of_pem()) return {};
      return complain(pem.name, "bad certificate in the chain: " + take_reason("unreadable"));
    }
    if (SSL_CTX_add0_chain_cert(context, next.get()) != 1) {
      return complain(pem.name,
                      "certificate in the chain can't be used: " + take_reason("refused"));
    }
    static_cast<void>(next.release());  // the context has it
  }
  return complain(pem.name, "more certificates than a chain has");
}

Done use_key(SSL_CTX* context, const Pem& pem, std::string_view certificate_name) {
  const OwnedBio reader = reader_of(pem.text);
  const OwnedKey key(PEM_read_bio_PrivateKey(reader.get(), nullptr, no_passphrase, nullptr));
  if (!key) {
    const std::string reason = take_reason("unreadable");
    if (pem.text.find("PRIVATE KEY-----") == std::string_view::npos) {
      return complain(pem.name, "holds no private key in PEM form");
    }
    if (pem.text.find("ENCRYPTED") != std::string_view::npos) {
      return complain(pem.name, "the private key has a passphrase; store it without one");
    }
    return complain(pem.name, "bad private key: " + reason);
  }
  if (X509_check_private_key(SSL_CTX_get0_certificate(context), key.get()) != 1) {
    ERR_clear_error();
    return complain(pem.name,
                    fmt::format("is not the key of the certificate in {}", certificate_name));
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return complain(pem.name, "private key can't be used: " + take_reason("refused"));
  }
  return {};
}

bool set_rules(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets need none
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(context, tls12_ciphers) == 1 &&
         SSL_CTX_set1_groups_list(context, groups) == 1 && SSL_CTX_set_num_tickets(context, 1) == 1;
}

std::string subject_of(const X509* certificate) {
  const OwnedBio text(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text.get(), &bytes);
  return {bytes, static_cast<std::size_t>(std::max(size, 0L))};
}

std::int64_t expiry_of(const X509* certificate) {
  const std::unique_ptr<ASN1_TIME, FreeWith<ASN1_TIME_free>> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, epoch.get(), X509_get0_notAfter(certificate)) != 1) return 0;
  constexpr std::int64_t seconds_per_day = 86'400;
  return days * seconds_per_day + seconds;
}

// ---------------------------------------------------------------- the place of a socket

// What OpenSSL reads from and writes to instead of a socket: the bytes of the call under way. So
// nothing is buffered between calls.
struct Wire {
  base::ByteSpan incoming;
  std::string* outgoing = nullptr;
  std::uint32_t key_updates = 0;

  bool is_abused() const { return key_updates > tls_key_updates_max; }
};

int wire_read(BIO* bio, char* out, int size) {
  Wire& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (wire.incoming.empty() || wire.is_abused()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t count = std::min(wire.incoming.size(), static_cast<std::size_t>(size));
  std::memcpy(out, wire.incoming.data(), count);
  wire.incoming = wire.incoming.subspan(count);
  return static_cast<int>(count);
}

int wire_write(BIO* bio, const char* bytes, int size) {
  const Wire& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (wire.outgoing != nullptr) wire.outgoing->append(bytes, static_cast<std::size_t>(size));
  return size;
}

long wire_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

int wire_create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

// OpenSSL tells of every message it has read or written.
void on_message(int written, int, int content_type, const void* bytes, std::size_t size, SSL* ssl,
                void*) {
  if (written != 0 || content_type != SSL3_RT_HANDSHAKE || size == 0) return;
  if (*static_cast<const std::uint8_t*>(bytes) != SSL3_MT_KEY_UPDATE) return;
  ++static_cast<Wire*>(BIO_get_data(SSL_get_rbio(ssl)))->key_updates;
}

OwnedMethod make_wire_method() {
  OwnedMethod method(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire"));
  if (!method) return nullptr;
  BIO_meth_set_read(method.get(), wire_read);
  BIO_meth_set_write(method.get(), wire_write);
  BIO_meth_set_ctrl(method.get(), wire_control);
  BIO_meth_set_create(method.get(), wire_create);
  return method;
}

}  // namespace

// ---------------------------------------------------------------- TlsContext

struct TlsContext::State {
  OwnedContext context;
  OwnedMethod wire;
  std::string subject;
  std::int64_t expires = 0;
};

TlsContext::TlsContext() : state_(std::make_unique<State>()) {}

TlsContext::~TlsContext() = default;

base::Result<std::shared_ptr<const TlsContext>, std::string> TlsContext::from_pem(
    const Pem& certificate_chain, const Pem& key) {
  ERR_clear_error();
  std::shared_ptr<TlsContext> made(new TlsContext());
  State& state = *made->state_;
  state.context.reset(SSL_CTX_new(TLS_server_method()));
  state.wire = make_wire_method();
  if (!state.context || !state.wire || !set_rules(state.context.get())) {
    return base::err("TLS can't be set up: " + take_reason("OpenSSL gives no reason"));
  }
  SSL_CTX* const context = state.context.get();
  SSL_CTX_set_msg_callback(context, on_message);
  if (auto done = use_chain(context, certificate_chain); !done) return base::err(done.error());
  if (auto done = use_key(context, key, certificate_chain.name); !done) {
    return base::err(done.error());
  }
  const X509* const own = SSL_CTX_get0_certificate(context);
  state.subject = subject_of(own);
  state.expires = expiry_of(own);
  ERR_clear_error();
  return made;
}

const std::string& TlsContext::subject() const { return state_->subject; }

std::int64_t TlsContext::expires_unix_seconds() const { return state_->expires; }

// ---------------------------------------------------------------- Tls

struct Tls::State {
  std::shared_ptr<const TlsContext> context;  // outlives `ssl`, which uses its BIO method
  Wire wire;
  OwnedSsl ssl;
  std::uint32_t handshake_bytes = 0;
  bool failed = false;

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
  base::Result<void, TlsError> decipher(base::ByteSpan piece, std::string& plaintext,
                                        std::string& to_peer);
};

Tls::Tls(std::unique_ptr<State> state) : state_(std::move(state)) {}

Tls::~Tls() = default;

std::unique_ptr<Tls> Tls::accept(std::shared_ptr<const TlsContext> context) {
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
  SSL_set_accept_state(state->ssl.get());
  state->context = std::move(context);
  return std::unique_ptr<Tls>(new Tls(std::move(state)));
}

base::Result<void, TlsError> Tls::receive(base::ByteSpan from_peer, std::string& plaintext,
                                          std::string& to_peer) {
  while (!from_peer.empty()) {
    if (state_->failed) return base::err(TlsError{"the connection has failed before", false});
    if (peer_has_closed()) return {};
    base::ByteSpan piece = from_peer;
    if (!is_established()) {
      const std::size_t room = tls_handshake_bytes_max - state_->handshake_bytes;
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
        return fail(take_error());
    }
  }
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

bool Tls::is_established() const { return SSL_is_init_finished(state_->ssl.get()) == 1; }

bool Tls::peer_has_closed() const {
  return (SSL_get_shutdown(state_->ssl.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

}  // namespace net
