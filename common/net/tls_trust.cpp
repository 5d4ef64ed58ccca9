// The client's side of TlsContext: whom to trust.
#include "common/net/tls_openssl.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <utility>

namespace net {
namespace {

using namespace openssl;

// As many as all the world's authorities, several times over.
constexpr std::size_t authorities_max = 2000;

using Done = base::Result<void, std::string>;

Done add_authorities(SSL_CTX* context, const Pem& pem) {
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  const OwnedBio reader = reader_of(pem.text);
  for (std::size_t count = 0; count < authorities_max; ++count) {
    const OwnedX509 next(PEM_read_bio_X509_AUX(reader.get(), nullptr, no_passphrase, nullptr));
    if (!next && at_end_of_pem()) {
      if (count > 0) return {};
      return base::err(fmt::format("{}: holds no certificate in PEM form", pem.name));
    }
    if (!next || X509_STORE_add_cert(store, next.get()) != 1) {
      return base::err(fmt::format("{}: bad certificate: {}", pem.name, take_reason("unreadable")));
    }
  }
  return base::err(fmt::format("{}: more than {} certificates", pem.name, authorities_max));
}

}  // namespace

base::Result<std::shared_ptr<TlsContext>, std::string> TlsContext::make_client() {
  ERR_clear_error();
  std::shared_ptr<TlsContext> made(new TlsContext());
  State& state = *made->state_;
  state.is_client = true;
  state.context.reset(SSL_CTX_new(TLS_client_method()));
  state.wire = make_wire_method();
  if (!state.context || !state.wire || !set_common_rules(state.context.get())) {
    return base::err("TLS can't be set up: " + take_reason("OpenSSL gives no reason"));
  }
  watch_key_updates(state.context.get());
  SSL_CTX_set_verify(state.context.get(), SSL_VERIFY_PEER, nullptr);
  return made;
}

base::Result<std::shared_ptr<const TlsContext>, std::string> TlsContext::trusting_system() {
  auto made = make_client();
  if (!made) return base::err(made.error());
  if (SSL_CTX_set_default_verify_paths((*made)->state_->context.get()) != 1) {
    return base::err("the system's certificates can't be read: " + take_reason("unreadable"));
  }
  ERR_clear_error();
  return *made;
}

base::Result<std::shared_ptr<const TlsContext>, std::string> TlsContext::trusting(
    const Pem& authorities) {
  auto made = make_client();
  if (!made) return base::err(made.error());
  SSL_CTX* const context = (*made)->state_->context.get();
  if (auto done = add_authorities(context, authorities); !done) return base::err(done.error());
  // So that a server's own certificate is enough, whoever signed it.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  ERR_clear_error();
  return *made;
}

base::Result<std::shared_ptr<const TlsContext>, std::string> TlsContext::trusting_anyone() {
  auto made = make_client();
  if (!made) return base::err(made.error());
  SSL_CTX_set_verify((*made)->state_->context.get(), SSL_VERIFY_NONE, nullptr);
  return *made;
}

}  // namespace net
