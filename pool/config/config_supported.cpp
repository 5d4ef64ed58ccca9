#include "pool/config/config_supported.h"

#include <fmt/format.h>

namespace pool {

std::string check_supported(const Config& config) {
  if (!config.stratum.tls_certificate.empty()) {
    return "stratum.tls_certificate: this version has no TLS. Leave it empty, or put a TLS proxy "
           "in "
           "front of the Stratum port.";
  }
  for (std::size_t i = 0; i < config.stratum.listen.size(); ++i) {
    if (config.stratum.listen[i].proxy_from.empty()) continue;
    return fmt::format(
        "stratum.listen[{}].proxy_from: this version does not read PROXY headers. Leave it empty.",
        i);
  }
  return {};
}

}  // namespace pool
