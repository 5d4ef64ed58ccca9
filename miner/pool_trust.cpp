#include "miner/pool_trust.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace miner {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

base::Result<std::string, std::string> read_file(const std::string& path) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "re"));
  if (!file) return base::err(std::string(std::strerror(errno)));
  std::string text(ca_file_bytes_max + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return base::err(std::string(std::strerror(errno)));
  if (text.size() <= ca_file_bytes_max) return text;
  return base::err(fmt::format("expected at most {} bytes", ca_file_bytes_max));
}

}  // namespace

base::Result<std::shared_ptr<const net::TlsContext>, std::string> trust_of(
    const PoolSettings& pool) {
  if (!pool.tls) return nullptr;
  if (pool.insecure) return net::TlsContext::trusting_anyone();
  if (pool.ca_file.empty()) return net::TlsContext::trusting_system();
  const auto text = read_file(pool.ca_file);
  if (!text) return base::err(fmt::format("--ca-file \"{}\": {}", pool.ca_file, text.error()));
  auto trust = net::TlsContext::trusting({*text, pool.ca_file});
  if (!trust) return base::err(fmt::format("--ca-file: {}", trust.error()));
  return trust;
}

}  // namespace miner
