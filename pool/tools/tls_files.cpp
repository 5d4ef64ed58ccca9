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

}  // namespace

base::Result<std::shared_ptr<const net::TlsContext>, std::string> load_tls(
    const StratumConfig& stratum) {
  if (stratum.tls_certificate.empty()) return nullptr;
  const auto certificate = read_pem("stratum.tls_certificate", stratum.tls_certificate);
  if (!certificate) return base::err(certificate.error());
  const auto key = read_pem("stratum.tls_key", stratum.tls_key);
  if (!key) return base::err(key.error());
  auto context =
      net::TlsContext::from_pem({*certificate, stratum.tls_certificate}, {*key, stratum.tls_key});
  if (!context) return base::err("stratum.tls_certificate, tls_key: " + context.error());
  return context;
}

CertificateText describe_certificate(const net::TlsContext& tls) {
  const std::int64_t until = tls.expires_unix_seconds();
  return {fmt::format("{}, until {:%Y-%m-%d}", tls.subject(),
                      fmt::gmtime(static_cast<std::time_t>(until))),
          until <= uv::read_clock().unix_seconds()};
}

}  // namespace pool
