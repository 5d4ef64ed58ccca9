// What the TLS files share of OpenSSL: owned objects, error texts, and Wire, which stands where a
// connection's socket would. Internal to common/net.
// Thread: as tls.h.
#pragma once

#include "common/net/tls.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace net::openssl {

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
std::string take_reason(std::string_view otherwise);
// Never asks anybody for a passphrase: the default would read the terminal.
int no_passphrase(char* buffer, int size, int writing, void* context);
OwnedBio reader_of(std::string_view text);
// After a failed read: there was simply no further object.
bool at_end_of_pem();
// The versions, ciphers and groups that both sides want.
bool set_common_rules(SSL_CTX* context);

// What OpenSSL reads from and writes to instead of a socket: the bytes of the call under way. So
// nothing is buffered between calls.
struct Wire {
  base::ByteSpan incoming;
  std::string* outgoing = nullptr;
  std::uint32_t key_updates = 0;

  bool is_abused() const { return key_updates > tls_key_updates_max; }
};
// A BIO's method whose data is a Wire.
OwnedMethod make_wire_method();
// Counts changes of keys in the Wire of each connection of this context.
void watch_key_updates(SSL_CTX* context);

}  // namespace net::openssl

namespace net {

struct TlsContext::State {
  openssl::OwnedContext context;
  openssl::OwnedMethod wire;
  bool is_client = false;
  std::string subject;
  std::int64_t expires = 0;
};

}  // namespace net
