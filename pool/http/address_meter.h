// AddressMeter: how much of the web side one address may take: connections, places to watch from,
// and requests a second. IPv6 counts by /64.
//
// This machine's own addresses are not limited, as they are not for miners. A reverse proxy on it,
// or one that the configuration names (http.proxy_from), says whom it asks for: client_of().
//
// Memory: bounded: addresses with none of these go when their rate has recovered, and all of
//         them when the table is full; those with connections are as many as connections.
// Thread: the web loop's. Pure: time is an argument.
#pragma once

#include "common/base/ip_address.h"
#include "common/base/time.h"
#include "common/net/http.h"
#include "pool/core/address_prefix.h"
#include "pool/core/limits.h"
#include "pool/core/token_bucket.h"

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <vector>

namespace pool {

class AddressMeter {
 public:
  struct Options {
    // And as many watchers.
    std::size_t connections_max = limits::http_connections_per_address_max;
    double requests_per_second = limits::http_requests_per_second_per_address;  // 0: any number
    std::vector<AddressRange> proxies;  // besides this machine's own
  };

  AddressMeter() : AddressMeter(Options{}) {}
  explicit AddressMeter(Options options);

  // Who makes this request: the peer; for a proxy, the last address of X-Forwarded-For that is no
  // proxy itself, which is the one that the outermost of them saw, or the proxy itself where that
  // is no address. Nothing: nobody who is limited.
  std::optional<AddressPrefix> client_of(const std::optional<base::IpAddress>& peer,
                                         const net::HttpHeaders& headers) const;

  // False: the address has too many already. Else it counts until on_disconnect().
  [[nodiscard]] bool on_connect(const AddressPrefix& address);
  void on_disconnect(const AddressPrefix& address);
  // The same for those who watch events, also through a proxy, as whose client they come.
  [[nodiscard]] bool on_watch(const AddressPrefix& address);
  void on_unwatch(const AddressPrefix& address);
  // False: too many requests.
  [[nodiscard]] bool on_request(const AddressPrefix& address, base::MonoTime now);
  // About once a second.
  void expire(base::MonoTime now);
  std::size_t addresses() const { return addresses_.size(); }

 private:
  struct Address {
    std::size_t connections = 0;
    std::size_t watchers = 0;
    TokenBucket requests;
    bool is_in_use() const { return connections > 0 || watchers > 0; }
  };

  bool is_proxy(const base::IpAddress& address) const;

  const Options options_;
  const TokenRate rate_;
  std::unordered_map<AddressPrefix, Address> addresses_;
};

}  // namespace pool
