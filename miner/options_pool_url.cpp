// The pool's address as -o takes it.
#include "miner/options.h"

#include <fmt/format.h>

#include <charconv>

namespace miner {
namespace {

constexpr std::uint16_t default_port = 3333;

bool read_port(std::string_view text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

}  // namespace

base::Result<PoolAddress, std::string> parse_pool_url(std::string_view url) {
  const std::string form = "stratum+tcp://HOST:PORT or HOST:PORT";
  const std::size_t scheme_end = url.find("://");
  if (scheme_end != std::string_view::npos) {
    const std::string_view scheme = url.substr(0, scheme_end);
    if (scheme != "stratum+tcp" && scheme != "tcp" && scheme != "stratum") {
      return base::err(form + fmt::format("; {}:// is not supported", scheme));
    }
    url.remove_prefix(scheme_end + 3);
  }
  while (url.ends_with('/')) url.remove_suffix(1);
  std::size_t port_colon = url.rfind(':');
  std::string_view host = url.substr(0, port_colon);
  if (url.starts_with('[')) {
    const std::size_t close = url.find(']');
    if (close == std::string_view::npos) return base::err(form);
    host = url.substr(1, close - 1);
    if (close + 1 < url.size() && url[close + 1] != ':') return base::err(form);
    port_colon = close + 1 < url.size() ? close + 1 : std::string_view::npos;
  } else if (port_colon != std::string_view::npos && host.find(':') != std::string_view::npos) {
    return base::err(form + ", an IPv6 address in brackets");
  }
  if (host.empty() || host.find_first_of("/@ \t") != std::string_view::npos) return base::err(form);
  PoolAddress address{std::string(host), default_port};
  if (port_colon == std::string_view::npos) return address;
  const std::string port(url.substr(port_colon + 1));
  if (!read_port(port, address.port)) {
    return base::err(form + " with a port from 1 to 65535");
  }
  return address;
}

}  // namespace miner
