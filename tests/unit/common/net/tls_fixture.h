// What a TLS test needs: certificates made on the spot, and a client that is OpenSSL itself, over
// memory.
#pragma once

#include <doctest/doctest.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

namespace tls_test {

struct Certificate {
  std::string chain;  // PEM
  std::string key;    // PEM
};

inline std::string drain(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  std::string text(bytes, static_cast<std::size_t>(size));
  (void)BIO_reset(bio);
  return text;
}

enum class KeyKind { p256, rsa2048 };

// Signed by itself, for a day from now.
inline Certificate make_certificate(const char* name, KeyKind kind = KeyKind::p256,
                                    const char* passphrase = nullptr) {
  EVP_PKEY* const key = kind == KeyKind::p256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
  X509* const certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86'400);
  X509_set_pubkey(certificate, key);
  X509_NAME* const subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  REQUIRE_GT(X509_sign(certificate, key, EVP_sha256()), 0);
  BIO* const text = BIO_new(BIO_s_mem());
  Certificate made;
  PEM_write_bio_X509(text, certificate);
  made.chain = drain(text);
  const EVP_CIPHER* const cipher = passphrase == nullptr ? nullptr : EVP_aes_128_cbc();
  PEM_write_bio_PrivateKey(text, key, cipher, reinterpret_cast<const unsigned char*>(passphrase),
                           passphrase == nullptr ? 0 : 6, nullptr, nullptr);
  made.key = drain(text);
  BIO_free(text);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return made;
}

class Client {
 public:
  explicit Client(int version_max = TLS1_3_VERSION, const char* tls12_ciphers = nullptr)
      : context_(SSL_CTX_new(TLS_client_method())) {
    if (version_max < TLS1_2_VERSION) SSL_CTX_set_security_level(context_, 0);
    SSL_CTX_set_min_proto_version(context_, 0);
    REQUIRE_EQ(SSL_CTX_set_max_proto_version(context_, version_max), 1);
    if (tls12_ciphers != nullptr) {
      REQUIRE_EQ(SSL_CTX_set_cipher_list(context_, tls12_ciphers), 1);
    }
    start(nullptr);
  }
  ~Client() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // A new connection, with the ticket of the last one.
  void reconnect() {
    SSL_SESSION* const session = SSL_get1_session(ssl_);
    SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN);  // OpenSSL forgets sessions that broke off
    SSL_free(ssl_);
    start(session);
    SSL_SESSION_free(session);
  }

  void hear(std::string_view ciphertext) {
    if (!ciphertext.empty()) {
      BIO_write(in_, ciphertext.data(), static_cast<int>(ciphertext.size()));
    }
    step();
  }
  // What it wants to send, once.
  std::string take() {
    step();
    return drain(out_);
  }
  void write(std::string_view text) {
    REQUIRE_EQ(SSL_write(ssl_, text.data(), static_cast<int>(text.size())),
               static_cast<int>(text.size()));
  }
  void close() { SSL_shutdown(ssl_); }
  // From now on it wants a certificate that somebody it knows has signed: nobody.
  void trust_nobody() { SSL_set_verify(ssl_, SSL_VERIFY_PEER, nullptr); }
  // Changes its keys and asks the other side to do so too, with the next bytes.
  void update_keys() { REQUIRE_EQ(SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED), 1); }
  bool renegotiate() { return SSL_renegotiate(ssl_) == 1 && SSL_do_handshake(ssl_) == 1; }

  bool is_established() const { return SSL_is_init_finished(ssl_) == 1; }
  bool was_resumed() const { return SSL_session_reused(ssl_) == 1; }
  bool peer_has_closed() const { return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0; }
  std::string version() const { return SSL_get_version(ssl_); }
  std::string peer_name() const {
    X509* const certificate = SSL_get1_peer_certificate(ssl_);
    if (certificate == nullptr) return {};
    char name[256] = {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof name);
    X509_free(certificate);
    return name;
  }

  std::string heard;  // plaintext
  std::string error;  // the alert, say

 private:
  void start(SSL_SESSION* session) {
    ssl_ = SSL_new(context_);
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in_, -1);
    SSL_set_bio(ssl_, in_, out_);
    SSL_set_connect_state(ssl_);
    if (session != nullptr) SSL_set_session(ssl_, session);
  }
  void step() {
    char bytes[4096];
    while (true) {
      ERR_clear_error();
      const int count = SSL_read(ssl_, bytes, sizeof bytes);
      if (count > 0) {
        heard.append(bytes, static_cast<std::size_t>(count));
        continue;
      }
      if (SSL_get_error(ssl_, count) == SSL_ERROR_SSL && error.empty()) {
        const char* const reason = ERR_reason_error_string(ERR_peek_error());
        error = reason == nullptr ? "unknown" : reason;
      }
      ERR_clear_error();
      return;
    }
  }

  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
  BIO* in_ = nullptr;   // owned by ssl_
  BIO* out_ = nullptr;  // likewise
};

}  // namespace tls_test
