// Addresses as -o, -x and --solo take them.
#include "miner/options_values.h"

#include "common/base/percent.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace miner {
namespace {

constexpr std::uint16_t default_port = 3333;
constexpr std::uint16_t default_tls_port = 3443;
constexpr std::uint16_t default_proxy_port = 1080;

bool read_port(std::string_view text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

struct Scheme {
  std::string_view name;
  bool tls;
};
// As miners write them; a pool's own page may say any of these.
constexpr Scheme pool_schemes[] = {
    {"stratum+tcp", false}, {"stratum", false},     {"tcp", false}, {"stratum+ssl", true},
    {"stratum+tls", true},  {"stratum+tcps", true}, {"ssl", true},  {"tls", true},
};

// HOST, HOST:PORT, [IPV6] or [IPV6]:PORT; the error is empty, or what to add to what was expected.
base::Result<PoolAddress, std::string> read_host_and_port(std::string_view text,
                                                          std::uint16_t port_if_missing) {
  std::size_t port_colon = text.rfind(':');
  std::string_view host = text.substr(0, port_colon);
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return base::err(std::string());
    host = text.substr(1, close - 1);
    if (close + 1 < text.size() && text[close + 1] != ':') return base::err(std::string());
    port_colon = close + 1 < text.size() ? close + 1 : std::string_view::npos;
  } else if (port_colon != std::string_view::npos && host.find(':') != std::string_view::npos) {
    return base::err(std::string(", an IPv6 address in brackets"));
  }
  if (host.empty() || host.find_first_of("/@ \t") != std::string_view::npos) {
    return base::err(std::string());
  }
  PoolAddress address;
  address.host = host;
  address.port = port_if_missing;
  if (port_colon == std::string_view::npos) return address;
  if (!read_port(text.substr(port_colon + 1), address.port)) {
    return base::err(std::string(" with a port from 1 to 65535"));
  }
  return address;
}

}  // namespace

std::optional<UserInfo> take_user_info(std::string_view& rest) {
  // The last one: a password may hold an @ that nobody wrote as %40.
  const std::size_t at = rest.rfind('@');
  if (at == std::string_view::npos) return UserInfo{};
  const std::string_view info = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  const std::size_t colon = info.find(':');
  UserInfo user;
  user.username = base::percent_decoded(info.substr(0, colon));
  if (user.username->empty()) return std::nullopt;
  if (colon != std::string_view::npos) {
    user.password = base::percent_decoded(info.substr(colon + 1));
  }
  return user;
}

std::string without_password(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  const std::size_t begin = scheme_end == std::string_view::npos ? 0 : scheme_end + 3;
  const std::size_t at = url.rfind('@');
  const std::size_t colon = url.find(':', begin);
  if (at == std::string_view::npos || colon == std::string_view::npos || colon > at) {
    return std::string(url);
  }
  return fmt::format("{}:…{}", url.substr(0, colon), url.substr(at));
}

base::Result<PoolAddress, std::string> parse_pool_url(std::string_view url) {
  const std::string form = "stratum+tcp://HOST:PORT, stratum+ssl://HOST:PORT or HOST:PORT";
  bool tls = false;
  const std::size_t scheme_end = url.find("://");
  if (scheme_end != std::string_view::npos) {
    const std::string_view name = url.substr(0, scheme_end);
    const auto* const scheme = std::find_if(std::begin(pool_schemes), std::end(pool_schemes),
                                            [&](const Scheme& one) { return one.name == name; });
    if (scheme == std::end(pool_schemes)) {
      return base::err(form + fmt::format("; {}:// is not supported", name));
    }
    tls = scheme->tls;
    url.remove_prefix(scheme_end + 3);
  }
  const auto user = take_user_info(url);
  if (!user) return base::err(form + ", with a login before it as USER:PASSWORD@");
  while (url.ends_with('/')) url.remove_suffix(1);
  auto address = read_host_and_port(url, tls ? default_tls_port : default_port);
  if (!address) return base::err(form + address.error());
  address->tls = tls;
  address->username = user->username;
  address->password = user->password;
  return address;
}

base::Result<ProxySettings, std::string> parse_proxy_url(std::string_view url) {
  const std::string form = "socks5://HOST:PORT or socks5h://HOST:PORT";
  ProxySettings proxy;
  const std::size_t scheme_end = url.find("://");
  if (scheme_end != std::string_view::npos) {
    const std::string_view scheme = url.substr(0, scheme_end);
    if (scheme != "socks5" && scheme != "socks5h") {
      return base::err(form + fmt::format("; {}:// is not supported", scheme));
    }
    url.remove_prefix(scheme_end + 3);
  }
  const auto user = take_user_info(url);
  constexpr std::size_t rfc1929_bytes_max = 255;
  const bool login_fits = user && user->username.value_or("").size() <= rfc1929_bytes_max &&
                          user->password.value_or("").size() <= rfc1929_bytes_max;
  if (!login_fits) {
    return base::err(form + ", with a login before it as USER:PASSWORD@, 255 bytes each at most");
  }
  while (url.ends_with('/')) url.remove_suffix(1);
  auto address = read_host_and_port(url, default_proxy_port);
  if (!address) return base::err(form + address.error());
  proxy.host = std::move(address->host);
  proxy.port = address->port;
  proxy.username = user->username.value_or("");
  proxy.password = user->password.value_or("");
  return proxy;
}

}  // namespace miner
