// AddressMeter: how much of the web side one address may take: connections, and requests a second.
// IPv6 counts by /64.
//
// This machine's own addresses are not limited, as they are not for miners. A reverse proxy on it
// says whom it asks for: client_of().
//
// Memory: bounded: addresses without connections go when their rate has recovered, and all of
//         them when the table is full; those with connections are as many as connections.
// Thread: the web loop's. Pure: time is an argument.
#pragma once

#include "common/base/ip_address.h"
#include "common/base/time.h"
#include "common/net/http.h"
#include "pool/core/address_prefix.h"
#include "pool/core/token_bucket.h"

#include <cstddef>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace pool {

namespace limits {

// Of one address. A page loads with about ten requests and then watches, or asks a few times in a
// few seconds; households and offices behind one address are many pages.
inline constexpr std::size_t http_connections_per_address_max = 256;
inline constexpr double http_requests_per_second_per_address = 50;
inline constexpr double http_requests_at_once_per_address = 500;
inline constexpr std::size_t http_addresses_remembered_max = 16'384;

}  // namespace limits

class AddressMeter {
 public:
  // Who makes this request: the peer, or for a proxy on this machine the last address of
  // X-Forwarded-For, which is the one that the proxy itself saw. Nothing: nobody who is limited.
  static std::optional<AddressPrefix> client_of(const std::optional<base::IpAddress>& peer,
                                                const net::HttpHeaders& headers);

  // False: the address has too many already. Else it counts until on_disconnect().
  [[nodiscard]] bool on_connect(const AddressPrefix& address);
  void on_disconnect(const AddressPrefix& address);
  // False: too many requests.
  [[nodiscard]] bool on_request(const AddressPrefix& address, base::MonoTime now);
  // About once a second.
  void expire(base::MonoTime now);
  std::size_t addresses() const { return addresses_.size(); }

 private:
  struct Address {
    std::size_t connections = 0;
    TokenBucket requests;
  };

  const TokenRate rate_ = TokenRate::of(limits::http_requests_per_second_per_address,
                                        limits::http_requests_at_once_per_address);
  std::unordered_map<AddressPrefix, Address> addresses_;
};

}  // namespace pool
