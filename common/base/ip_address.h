// An IP address as a value: parsed from text or bytes, compared, printed. No resolver, no socket.
//
// An IPv4 address that arrives inside IPv6 (::ffff:192.0.2.1, RFC 4291 2.5.5.2) is the IPv4
// address: a dual-stack socket and a plain one name the same peer alike.
//
// Errors: parse() gives nothing for what is not exactly one numeric address: names, zones (%eth0),
//         octets with leading zeros (which some take for octal), anything before or after it.
// Thread: pure.
// Source: RFC 4291 (text forms read), RFC 5952 (the one text form written).
#pragma once

#include "common/base/bytes.h"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace base {

class IpAddress {
 public:
  using V6Bytes = std::array<std::uint8_t, 16>;

  constexpr IpAddress() = default;  // "::"
  static std::optional<IpAddress> parse(std::string_view text);
  // Network order. REQUIRES: 4 or 16 bytes.
  static IpAddress from_bytes(ByteSpan bytes);

  bool is_v4() const;
  bool is_loopback() const;
  // "192.0.2.1", "2001:db8::1"
  std::string text() const;
  // All 16 bytes; an IPv4 address stands in its mapped form.
  const V6Bytes& v6_bytes() const { return bytes_; }

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  V6Bytes bytes_{};
};

}  // namespace base
