// The certificate and key that the config names, from their files. Read at start, by
// `phasepool check`, and again at SIGHUP.
//
// Errors: one line for the operator: the key in the config, the file, what is wrong with it.
// Thread: any.
#pragma once

#include "common/base/result.h"
#include "common/net/tls.h"
#include "pool/config/config.h"

#include <memory>
#include <string>

namespace pool {

// Null when the config names none.
[[nodiscard]] base::Result<std::shared_ptr<const net::TlsContext>, std::string> load_tls(
    const StratumConfig& stratum);
[[nodiscard]] base::Result<std::shared_ptr<const net::TlsContext>, std::string> load_tls(
    const HttpConfig& http);

// "CN=pool.example, until 2027-01-31"; and whether that day has passed.
struct CertificateText {
  std::string text;
  bool expired = false;
};
CertificateText describe_certificate(const net::TlsContext& tls);

}  // namespace pool
