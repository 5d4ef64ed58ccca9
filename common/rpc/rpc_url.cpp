// parse_rpc_url: the operator's "http://host:port[/path]" taken apart.
#include "common/rpc/rpc_client.h"

#include <charconv>

namespace rpc {

namespace {

base::Result<RpcEndpoint, std::string> refuse(std::string_view url, std::string_view why) {
  return base::err("'" + std::string(url) + "': " + std::string(why) +
                   "; expected http://host:port");
}

bool parse_port(std::string_view text, std::uint16_t& out) {
  const char* end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, out);
  return failed == std::errc() && stop == end && out > 0;
}

bool is_plain(char c) { return c > ' ' && c < 0x7f; }

}  // namespace

base::Result<RpcEndpoint, std::string> parse_rpc_url(std::string_view url) {
  constexpr std::string_view scheme = "http://";
  for (const char c : url) {
    if (!is_plain(c)) return base::err(std::string("a URL has no spaces or control characters"));
  }
  if (!url.starts_with(scheme)) return refuse(url, "does not begin with http://");
  std::string_view rest = url.substr(scheme.size());
  RpcEndpoint endpoint;
  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos) endpoint.path = rest.substr(slash);
  const std::string_view authority = rest.substr(0, slash);
  if (authority.find('@') != std::string_view::npos) {
    // Not repeated in the message: it holds a password.
    return base::err(
        std::string("user and password do not belong into the URL: they have keys of "
                    "their own"));
  }
  const std::size_t colon = authority.rfind(':');
  const bool bracketed = authority.starts_with('[');
  const std::size_t bracket = authority.find(']');
  if (colon == std::string_view::npos || (bracketed && bracket + 1 != colon)) {
    return refuse(url, "the port is missing");
  }
  std::string_view host = authority.substr(0, colon);
  if (bracketed) host = host.substr(1, bracket - 1);
  if (host.empty()) return refuse(url, "the host is missing");
  if (!bracketed && host.find(':') != std::string_view::npos) {
    return refuse(url, "an IPv6 address goes in brackets");
  }
  if (!parse_port(authority.substr(colon + 1), endpoint.port)) {
    return refuse(url, "the port is not a number from 1 to 65535");
  }
  endpoint.host = host;
  return endpoint;
}

}  // namespace rpc
