// PoolSettings: one pool as the options name it: where it is, how to get there, who logs in.
// Thread: plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace miner {

// A SOCKS5 proxy (RFC 1928, with a password RFC 1929). It looks up the pool's name.
struct ProxySettings {
  std::string host;
  std::uint16_t port = 0;
  std::string username;  // empty: no login
  std::string password;

  bool operator==(const ProxySettings&) const = default;
};

struct PoolSettings {
  std::string host;
  std::uint16_t port = 0;
  bool tls = false;
  std::string username;
  std::string password = "x";
  std::optional<ProxySettings> proxy;
  std::string ca_file;    // PEM; empty: the system's
  bool insecure = false;  // the certificate is not checked

  bool operator==(const PoolSettings&) const = default;
};

// "stratum+ssl://pool.example:3443"
inline std::string url_of(const PoolSettings& pool) {
  const bool is_ipv6 = pool.host.find(':') != std::string::npos;
  return std::string(pool.tls ? "stratum+ssl://" : "stratum+tcp://") +
         (is_ipv6 ? "[" + pool.host + "]" : pool.host) + ":" + std::to_string(pool.port);
}

}  // namespace miner
