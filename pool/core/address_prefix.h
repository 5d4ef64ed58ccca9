// Who counts as one peer when limits are kept and bans given: an IPv4 address, or the /64 that an
// IPv6 address lies in, since a /64 is what one customer gets and costs nothing to hop about in.
// AddressRange is a CIDR block, as stratum.listen[].proxy_from names them.
//
// Thread: pure values.
#pragma once

#include "common/base/ip_address.h"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pool {

class AddressPrefix {
 public:
  AddressPrefix() = default;  // "::/64"
  explicit AddressPrefix(const base::IpAddress& address);
  // From a whole address: "192.0.2.1", "2001:db8::1".
  static std::optional<AddressPrefix> parse(std::string_view address);

  // "192.0.2.1", "2001:db8::/64"
  std::string text() const;
  std::size_t hash() const;
  friend auto operator<=>(const AddressPrefix&, const AddressPrefix&) = default;

 private:
  base::IpAddress first_;  // IPv6: the lower 64 bits are zero
};

class AddressRange {
 public:
  // "10.0.0.0/8", "2001:db8::/32", or a single address. Bits below the prefix are ignored.
  static std::optional<AddressRange> parse(std::string_view text);
  // A range of one family never holds an address of the other.
  bool contains(const base::IpAddress& address) const;

 private:
  AddressRange(const base::IpAddress& network, unsigned bits) : network_(network), bits_(bits) {}

  base::IpAddress network_;
  unsigned bits_;  // of all 128: an IPv4 range has at least 96
};

}  // namespace pool

template <>
struct std::hash<pool::AddressPrefix> {
  std::size_t operator()(const pool::AddressPrefix& prefix) const noexcept { return prefix.hash(); }
};
