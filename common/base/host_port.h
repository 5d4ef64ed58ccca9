// "host:port" as operators write it: "127.0.0.1:8080", "[::1]:8080", "pool.example:3333".
//
// Errors: one sentence half, which completes "… is not an address: ".
// Thread: pure.
#pragma once

#include "common/base/result.h"

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace base {

struct HostPort {
  std::string host;  // without brackets
  std::uint16_t port = 0;
  friend bool operator==(const HostPort&, const HostPort&) = default;
};

enum class HostPortError { no_host, no_port, bad_port, bare_ipv6 };

inline std::string_view describe(HostPortError error) {
  switch (error) {
    case HostPortError::no_host:
      return "the host is missing";
    case HostPortError::no_port:
      return "the port is missing";
    case HostPortError::bad_port:
      return "the port is not a number from 0 to 65535";
    case HostPortError::bare_ipv6:
      return "an IPv6 address needs brackets";
  }
  return "";
}

// The port is required; 0 is allowed (any free port).
[[nodiscard]] inline Result<HostPort, HostPortError> parse_host_port(std::string_view text) {
  std::string_view host;
  std::string_view rest;
  if (!text.empty() && text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return err(HostPortError::bare_ipv6);
    host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    const std::size_t colon = text.find(':');
    if (colon != text.rfind(':')) return err(HostPortError::bare_ipv6);
    host = text.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
  }
  if (host.empty()) return err(HostPortError::no_host);
  if (rest.empty()) return err(HostPortError::no_port);
  if (rest.front() != ':') return err(HostPortError::bad_port);
  rest.remove_prefix(1);
  HostPort out{std::string(host), 0};
  const char* const last = rest.data() + rest.size();
  const auto [end, error] = std::from_chars(rest.data(), last, out.port);
  if (rest.empty() || error != std::errc{} || end != last) return err(HostPortError::bad_port);
  return out;
}

}  // namespace base
