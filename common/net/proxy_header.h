// The PROXY protocol's header, versions 1 and 2: what a TCP proxy says of the client before the
// client's own bytes. Only for connections from a proxy one trusts.
//
// parse_proxy_header() is given all bytes that have come so far, and says "more", "done, so many of
// them", or why not. It never asks for more than proxy_header_bytes_max.
//
// Strictness: what the specification tells a receiver to refuse is refused. A header that names no
//             TCP client over IP (LOCAL, UNKNOWN, UNSPEC, UDP, Unix sockets) is valid and has no
//             source: the socket's own address counts. Extensions (TLVs) are skipped.
// Errors: ProxyError; the connection is to be closed, since its first bytes can't be trusted.
// Thread: pure.
// Source: "The PROXY protocol, versions 1 & 2", HAProxy Technologies, revision of 2020/03/05.
#pragma once

#include "common/base/bytes.h"
#include "common/base/ip_address.h"
#include "common/base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace net {

// Version 1 has 107 at most; version 2 may carry extensions, and 64 KiB of them is too much.
inline constexpr std::size_t proxy_header_bytes_max = 2048;

struct ProxySource {
  base::IpAddress address;
  std::uint16_t port = 0;
  friend bool operator==(const ProxySource&, const ProxySource&) = default;
};

struct ProxyHeader {
  std::optional<ProxySource> source;  // none: the socket's address counts
  std::size_t bytes = 0;              // the header's length; what follows is the client's
};

enum class ProxyError : std::uint8_t {
  no_header,  // the first bytes are another protocol's
  line_too_long,
  bad_line,
  bad_address,
  bad_port,
  bad_version,
  bad_command,
  bad_family,
  too_short,
  too_long,
};
std::string_view describe(ProxyError error);

// Nothing: more bytes are needed.
[[nodiscard]] base::Result<std::optional<ProxyHeader>, ProxyError> parse_proxy_header(
    base::ByteSpan so_far);

}  // namespace net
