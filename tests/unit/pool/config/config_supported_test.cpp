#include "pool/config/config_supported.h"

#include <doctest/doctest.h>

using pool::check_supported;

TEST_CASE("settings that this version can't honour are named by their key") {
  pool::Config config;
  config.stratum.listen = {{}, {}};
  CHECK_EQ(check_supported(config), "");

  pool::Config proxied = config;
  proxied.stratum.listen[1].proxy_from = {"10.0.0.0/8"};
  CHECK_EQ(check_supported(proxied).find("stratum.listen[1].proxy_from: "), 0);

  pool::Config encrypted = config;
  encrypted.stratum.tls_certificate = "chain.pem";
  CHECK_EQ(check_supported(encrypted).find("stratum.tls_certificate: "), 0);
  CHECK_EQ(check_supported(encrypted).find('\n'), std::string::npos);
}
