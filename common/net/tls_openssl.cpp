#include "common/net/tls_openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cstring>

namespace net::openssl {
namespace {

constexpr const char* tls12_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* groups = "X25519:P-256:P-384";

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

}  // namespace

std::string take_reason(std::string_view otherwise) {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* const text = code == 0 ? nullptr : ERR_reason_error_string(code);
  return std::string(text == nullptr ? otherwise : std::string_view(text));
}

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

bool set_common_rules(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets need none
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(context, tls12_ciphers) == 1 &&
         SSL_CTX_set1_groups_list(context, groups) == 1;
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

void watch_key_updates(SSL_CTX* context) { SSL_CTX_set_msg_callback(context, on_message); }

}  // namespace net::openssl
