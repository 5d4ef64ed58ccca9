#include "pool/tools/tls_files.h"

#include "common/uv/clock.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>

namespace pool {
namespace {

constexpr std::size_t pem_bytes_max = 256 * 1024;

base::Result<std::string, std::string> read_pem(std::string_view key, const std::string& path) {
  const auto complain = [&](std::string_view what) {
    return base::err(fmt::format("{}: {}: {}", key, path, what));
  };
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return complain(errno != 0 ? std::strerror(errno) : "can't be read");
  std::string text(pem_bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.gcount() == 0 && errno != 0)) {
    return complain(errno != 0 ? std::strerror(errno) : "can't be read");  // a folder, say
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > pem_bytes_max) return complain("too large for PEM");
  return text;
}

using Loaded = base::Result<std::shared_ptr<const net::TlsContext>, std::string>;

// `section`: whose tls_certificate and tls_key these are.
Loaded load(const std::string& section, const std::string& certificate_path,
            const std::string& key_path) {
  if (certificate_path.empty()) return nullptr;
  const auto certificate = read_pem(section + ".tls_certificate", certificate_path);
  if (!certificate) return base::err(certificate.error());
  const auto key = read_pem(section + ".tls_key", key_path);
  if (!key) return base::err(key.error());
  auto context = net::TlsContext::from_pem({*certificate, certificate_path}, {*key, key_path});
  if (!context) return base::err(section + ".tls_certificate, tls_key: " + context.error());
  return context;
}

}  // namespace

Loaded load_tls(const StratumConfig& stratum) {
  return load("stratum", stratum.tls_certificate, stratum.tls_key);
}

Loaded load_tls(const HttpConfig& http) {
  if (http.tls == "off") return nullptr;
  return load("http", http.tls_certificate, http.tls_key);
}

CertificateText describe_certificate(const net::TlsContext& tls) {
  const std::int64_t until = tls.expires_unix_seconds();
  return {fmt::format("{}, until {:%Y-%m-%d}", tls.subject(),
                      fmt::gmtime(static_cast<std::time_t>(until))),
          until <= uv::read_clock().unix_seconds()};
}

}  // namespace pool
