// What the TLS files share of OpenSSL: errors are taken once and leave nothing behind, passphrases
// are never asked for, and a Wire carries no more than one call's bytes.
#include "common/net/tls_openssl.h"

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>
#include <string>

namespace {

using namespace net::openssl;

TEST_CASE("the first error is the reason, and the queue is empty afterwards") {
  ERR_clear_error();
  CHECK_EQ(take_reason("nothing was said"), "nothing was said");
  ERR_raise(ERR_LIB_PEM, PEM_R_BAD_BASE64_DECODE);
  ERR_raise(ERR_LIB_PEM, PEM_R_NO_START_LINE);
  CHECK_EQ(take_reason("nothing was said"), "bad base64 decode");
  CHECK_EQ(ERR_peek_error(), 0);
}

TEST_CASE("the end of PEM text is no error, anything else is") {
  ERR_clear_error();
  CHECK_FALSE(at_end_of_pem());
  const OwnedBio none = reader_of("no certificate here");
  CHECK_EQ(PEM_read_bio_X509(none.get(), nullptr, no_passphrase, nullptr), nullptr);
  CHECK(at_end_of_pem());
  CHECK_EQ(ERR_peek_error(), 0);
  const OwnedBio broken =
      reader_of("-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n");
  CHECK_EQ(PEM_read_bio_X509(broken.get(), nullptr, no_passphrase, nullptr), nullptr);
  CHECK_FALSE(at_end_of_pem());
  ERR_clear_error();
}

TEST_CASE("nobody is asked for a passphrase") {
  std::array<char, 16> buffer{};
  CHECK_EQ(no_passphrase(buffer.data(), buffer.size(), 0, nullptr), -1);
}

TEST_CASE("a wire hands over what came, says when there is no more, and takes what goes out") {
  const OwnedMethod method = make_wire_method();
  REQUIRE(method);
  Wire wire;
  const OwnedBio bio(BIO_new(method.get()));
  BIO_set_data(bio.get(), &wire);
  const std::string incoming = "hello";
  std::string outgoing = "before ";
  wire.incoming = base::as_bytes(std::string_view(incoming));
  wire.outgoing = &outgoing;
  std::array<char, 4> bytes{};
  CHECK_EQ(BIO_read(bio.get(), bytes.data(), 4), 4);
  CHECK_EQ(BIO_read(bio.get(), bytes.data(), 4), 1);
  CHECK_EQ(BIO_read(bio.get(), bytes.data(), 4), -1);
  CHECK(BIO_should_retry(bio.get()));
  CHECK_EQ(BIO_write(bio.get(), "after", 5), 5);
  CHECK_EQ(outgoing, "before after");
  wire.incoming = base::as_bytes(std::string_view(incoming));
  wire.key_updates = net::tls_key_updates_max;
  CHECK_EQ(BIO_read(bio.get(), bytes.data(), 4), 4);
  ++wire.key_updates;  // from here on nothing is read
  CHECK_EQ(BIO_read(bio.get(), bytes.data(), 4), -1);
}

}  // namespace
