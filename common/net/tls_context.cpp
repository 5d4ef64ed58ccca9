// The server's side of TlsContext: its certificate and key.
#include "common/net/tls_openssl.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <utility>

namespace net {
namespace {

using namespace openssl;

constexpr std::size_t chain_certificates_max = 10;

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
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  return set_common_rules(context) && SSL_CTX_set_num_tickets(context, 1) == 1;
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

}  // namespace

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
  watch_key_updates(context);
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

}  // namespace net
