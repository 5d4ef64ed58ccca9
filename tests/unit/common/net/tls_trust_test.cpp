// The client's side of TLS: which certificates it takes, for which host, and what it says of the
// others. The server is our own.
#include "common/net/tls.h"

#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>

#include "tests/unit/common/net/tls_fixture.h"

namespace {

using net::Tls;
using net::TlsContext;
using Trust = base::Result<std::shared_ptr<const TlsContext>, std::string>;

template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using OwnedX509 = std::unique_ptr<X509, FreeWith<X509_free>>;
using OwnedKey = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;

struct Wanted {
  std::string name = "pool.test";
  std::string alternative = "DNS:pool.test";  // as openssl.cnf has it; empty: none
  bool is_authority = false;
  long from_seconds = -3600;
  long to_seconds = 86'400;
};

// A certificate and its key, signed by `issuer` or by itself.
struct Signed {
  OwnedX509 certificate;
  OwnedKey key;

  explicit Signed(const Wanted& wanted, const Signed* issuer = nullptr)
      : certificate(X509_new()), key(EVP_EC_gen("P-256")) {
    X509* const x = certificate.get();
    X509_set_version(x, 2);
    static long serial = 100;
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x), wanted.from_seconds);
    X509_gmtime_adj(X509_getm_notAfter(x), wanted.to_seconds);
    X509_set_pubkey(x, key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(wanted.name.c_str()), -1, -1,
                               0);
    X509_set_issuer_name(x,
                         X509_get_subject_name(issuer == nullptr ? x : issuer->certificate.get()));
    if (!wanted.alternative.empty()) extend(NID_subject_alt_name, wanted.alternative);
    if (wanted.is_authority) extend(NID_basic_constraints, "critical,CA:TRUE");
    REQUIRE_GT(X509_sign(x, issuer == nullptr ? key.get() : issuer->key.get(), EVP_sha256()), 0);
  }
  void extend(int what, const std::string& value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str());
    REQUIRE(extension != nullptr);
    X509_add_ext(certificate.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  std::string pem() const {
    BIO* const text = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(text, certificate.get());
    std::string out = tls_test::drain(text);
    BIO_free(text);
    return out;
  }
  std::string key_pem() const {
    BIO* const text = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(text, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::string out = tls_test::drain(text);
    BIO_free(text);
    return out;
  }
};

std::shared_ptr<const TlsContext> server_with(const Signed& own,
                                              const std::string& chain_end = {}) {
  const std::string chain = own.pem() + chain_end;
  const std::string key = own.key_pem();
  auto context = TlsContext::from_pem({chain, "cert.pem"}, {key, "key.pem"});
  REQUIRE(context);
  return *context;
}

// The two ends of a connection.
struct Talk {
  std::unique_ptr<Tls> client;
  std::unique_ptr<Tls> server;
  std::string heard_by_client;
  std::string heard_by_server;
  std::string client_error;
  std::string server_error;
  bool server_blames_peer = false;
  std::size_t piece = 1 << 20;

  Talk(const Trust& trust, const std::shared_ptr<const TlsContext>& server_context,
       std::string_view host, std::size_t piece_bytes = 1 << 20)
      : server(Tls::accept(server_context)), piece(piece_bytes) {
    REQUIRE_MESSAGE(trust, (trust ? "" : trust.error()));
    client = Tls::connect(*trust, host);
    REQUIRE(client);
    std::string to_server;
    REQUIRE(client->start(to_server));
    exchange(std::move(to_server));
  }
  // Carries bytes to and fro until there are none.
  void exchange(std::string to_server) {
    std::string to_client;
    while (!to_server.empty() || !to_client.empty()) {
      carry(*server, std::exchange(to_server, {}), heard_by_server, to_client, server_error,
            &server_blames_peer);
      carry(*client, std::exchange(to_client, {}), heard_by_client, to_server, client_error,
            nullptr);
    }
  }
  void carry(Tls& to, std::string_view bytes, std::string& plaintext, std::string& back,
             std::string& error, bool* by_peer) const {
    while (!bytes.empty() && error.empty()) {
      const std::string_view part = bytes.substr(0, piece);
      bytes.remove_prefix(part.size());
      if (const auto done = to.receive(base::as_bytes(part), plaintext, back); !done) {
        error = done.error().why;
        if (by_peer != nullptr) *by_peer = done.error().by_peer;
      }
    }
  }
  void say(std::string_view text) {
    std::string out;
    REQUIRE(client->send(base::as_bytes(text), out));
    exchange(std::move(out));
  }
};

Trust trusting(const std::string& pem) { return TlsContext::trusting({pem, "ca.pem"}); }

TEST_CASE("a certificate that somebody trusted has signed: words pass, in pieces of any size") {
  const Signed authority({.name = "Test CA", .alternative = "", .is_authority = true});
  const Signed between({.name = "Test CA 2", .alternative = "", .is_authority = true}, &authority);
  const Signed own(Wanted{}, &between);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1} << 20}) {
    Talk talk(trusting(authority.pem()), server_with(own, between.pem()), "pool.test", piece);
    CHECK_EQ(talk.client_error, "");
    REQUIRE(talk.client->is_established());
    talk.say("hello");
    CHECK_EQ(talk.heard_by_server, "hello");
    std::string out;
    REQUIRE(talk.server->send(base::as_bytes(std::string_view("and back")), out));
    std::string to_server;
    talk.carry(*talk.client, out, talk.heard_by_client, to_server, talk.client_error, nullptr);
    CHECK_EQ(talk.heard_by_client, "and back");
    talk.server->close_notify(out = {});
    talk.carry(*talk.client, out, talk.heard_by_client, to_server, talk.client_error, nullptr);
    CHECK(talk.client->peer_has_closed());
  }
}

TEST_CASE("which host a certificate is for") {
  struct Row {
    const char* alternative;
    const char* host;
    const char* error;  // part of it; empty: it is taken
  };
  const Row rows[] = {
      {"DNS:pool.test", "pool.test", ""},
      {"DNS:pool.test", "POOL.test", ""},
      {"DNS:pool.test", "pool.test.", ""},  // the root's dot
      {"DNS:pool.test", "other.test", "hostname mismatch"},
      {"DNS:pool.test", "a.pool.test", "hostname mismatch"},
      {"DNS:*.pool.test", "eu.pool.test", ""},
      {"DNS:*.pool.test", "a.b.pool.test", "hostname mismatch"},
      {"DNS:e*.pool.test", "eu.pool.test", "hostname mismatch"},  // partial wildcards: no
      {"DNS:a.test,DNS:b.test", "b.test", ""},
      {"IP:192.0.2.7", "192.0.2.7", ""},
      {"IP:192.0.2.7", "192.0.2.8", "IP address mismatch"},
      {"IP:2001:db8::1", "2001:db8:0::1", ""},
      {"DNS:192.0.2.7", "192.0.2.7", "IP address mismatch"},  // a name is no address
      {"IP:192.0.2.7", "pool.test", ""},                      // no name given: the subject's counts
      {"", "pool.test", ""},
      {"", "other.test", "hostname mismatch"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.alternative);
    CAPTURE(row.host);
    const Signed own({.alternative = row.alternative});
    Talk talk(trusting(own.pem()), server_with(own), row.host);
    if (*row.error == '\0') {
      CHECK_EQ(talk.client_error, "");
      CHECK(talk.client->is_established());
    } else {
      CHECK_EQ(talk.client_error, std::string("its certificate is refused: ") + row.error);
      CHECK_FALSE(talk.server_error.empty());
      CHECK(talk.server_blames_peer);  // it was told with an alert
    }
  }
}

TEST_CASE("certificates that are refused, and why") {
  const Signed authority({.name = "Test CA", .alternative = "", .is_authority = true});
  const Signed stranger({.name = "Other CA", .alternative = "", .is_authority = true});
  const Signed own(Wanted{}, &authority);
  const Trust trust = trusting(authority.pem());
  const auto error_of = [&](const Trust& by, const Signed& certificate) {
    return Talk(by, server_with(certificate), "pool.test").client_error;
  };
  const std::string refused = "its certificate is refused: ";
  CHECK_EQ(error_of(trust, own), "");
  CHECK_EQ(error_of(trusting(stranger.pem()), own),
           refused + "unable to get local issuer certificate");
  CHECK_EQ(error_of(trust, Signed(Wanted{})), refused + "self-signed certificate");
  const Signed expired({.from_seconds = -7200, .to_seconds = -3600}, &authority);
  CHECK_EQ(error_of(trust, expired), refused + "certificate has expired");
  const Signed early({.from_seconds = 3600}, &authority);
  CHECK_EQ(error_of(trust, early), refused + "certificate is not yet valid");
  const Signed no_authority({.name = "Test leaf"}, &authority);
  const Signed by_leaf(Wanted{}, &no_authority);
  const Talk talk(trust, server_with(by_leaf, no_authority.pem()), "pool.test");
  CHECK_NE(talk.client_error, "");
}

TEST_CASE("one's own certificate is enough, whoever signed it; no check takes any") {
  const Signed authority({.name = "Test CA", .alternative = "", .is_authority = true});
  const Signed own(Wanted{}, &authority);
  CHECK_EQ(Talk(trusting(own.pem()), server_with(own), "pool.test").client_error, "");
  const Talk wrong_host(trusting(own.pem()), server_with(own), "other.test");
  CHECK_NE(wrong_host.client_error, "");
  Talk unchecked(TlsContext::trusting_anyone(), server_with(own), "other.test");
  CHECK_EQ(unchecked.client_error, "");
  unchecked.say("hello");
  CHECK_EQ(unchecked.heard_by_server, "hello");
}

TEST_CASE("the system's authorities do not know a certificate made on the spot") {
  const Signed own(Wanted{});
  const Talk talk(TlsContext::trusting_system(), server_with(own), "pool.test");
  CHECK_EQ(talk.client_error, "its certificate is refused: self-signed certificate");
}

TEST_CASE("a file of authorities that is none") {
  const std::string good = Signed(Wanted{}).pem();
  CHECK_EQ(trusting("").error(), "ca.pem: holds no certificate in PEM form");
  CHECK_EQ(trusting("hello").error(), "ca.pem: holds no certificate in PEM form");
  CHECK_EQ(trusting(Signed(Wanted{}).key_pem()).error(),
           "ca.pem: holds no certificate in PEM form");
  std::string broken = good;
  broken.replace(100, 4, "!!!!");
  CHECK_EQ(trusting(good + broken).error().find("ca.pem: bad certificate: "), 0);
  CHECK(trusting(good + Signed(Wanted{}).pem()));
  CHECK(trusting("a comment\n" + good));
}

TEST_CASE("what is no TLS server: words, not a crash") {
  const Trust trust = TlsContext::trusting_anyone();
  const auto error_after = [&](std::string_view bytes) {
    const auto client = Tls::connect(*trust, "pool.test");
    std::string out;
    REQUIRE(client->start(out));
    CHECK_EQ(out[0], net::tls_first_byte);
    std::string plaintext;
    const auto done = client->receive(base::as_bytes(bytes), plaintext, out);
    CHECK_EQ(plaintext, "");
    if (!done) {  // it stays broken
      CHECK_FALSE(client->receive(base::as_bytes(bytes), plaintext, out));
    }
    return done ? std::string() : done.error().why;
  };
  CHECK_EQ(error_after("{\"id\":null,\"method\":\"mining.notify\"}\n"), "wrong version number");
  CHECK_EQ(error_after("HTTP/1.1 400 Bad Request\r\n\r\n"), "wrong version number");
  CHECK_NE(error_after(std::string(100, '\xff')), "");
  CHECK_EQ(error_after(std::string("\x16\x03\x03\x00\x04", 5)), "");  // waits for the rest
}

TEST_CASE("a handshake without an end is given up") {
  const Trust trust = TlsContext::trusting_anyone();
  const auto client = Tls::connect(*trust, "pool.test");
  std::string out;
  REQUIRE(client->start(out));
  // Empty handshake fragments are refused by OpenSSL itself; a long certificate message is not.
  std::string flood;
  const std::string record = std::string("\x16\x03\x03\x40\x00", 5) + std::string(16384, '\x0b');
  for (int i = 0; i < 8; ++i) flood += record;
  std::string plaintext;
  const auto done = client->receive(base::as_bytes(flood), plaintext, out);
  CHECK_FALSE(done);
}

}  // namespace
