#include "pool/config/config_checks.h"

#include "common/base/host_port.h"
#include "common/base/ip_address.h"
#include "pool/config/config_coherence.h"
#include "pool/config/config_difficulty.h"

#include <rapidjson/pointer.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

namespace pool {
namespace {

using Checked = base::Result<void, ConfigError>;

constexpr std::uint32_t rollable_version_bits = 0x1fffe000;  // BIP320
constexpr std::size_t decimal_digits_max = 30;
constexpr std::size_t window_decimals_max = 18;  // as payout_schemes has them

const rapidjson::Value* at(const ConfigDocument& document, const std::string& pointer) {
  return rapidjson::Pointer(pointer.data(), pointer.size()).Get(document.json());
}

bool is_ip(const std::string& text) { return base::IpAddress::parse(text).has_value(); }

bool is_ip_range(const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  if (!is_ip(address)) return false;
  if (slash == std::string::npos) return true;
  const unsigned bits_max = address.find(':') == std::string::npos ? 32 : 128;
  unsigned bits = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + slash + 1, last, bits);
  return error == std::errc{} && end == last && bits <= bits_max;
}

Checked read_address(const ConfigDocument& document, const std::string& pointer,
                     bitcoin::Network network, bitcoin::Address& out) {
  const rapidjson::Value& given = *at(document, pointer);
  const std::string text(given.GetString(), given.GetStringLength());
  auto address = bitcoin::parse_address(text, network);
  if (address) {
    out = std::move(*address);
    return {};
  }
  std::string why = "not a valid address of " + std::string(network_name(network)) + ": " +
                    std::string(bitcoin::describe(address.error()));
  for (const auto other :
       {bitcoin::Network::mainnet, bitcoin::Network::testnet, bitcoin::Network::regtest}) {
    if (bitcoin::parse_address(text, other)) {
      why += " (it is an address of " + std::string(network_name(other)) + ")";
      break;
    }
  }
  return base::err(document.complain(pointer, why));
}

Checked check_coinbase_outputs(const ConfigDocument& document, Config& config) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < config.coinbase_outputs.size(); ++i) {
    const std::string here = "/coinbase_outputs/" + std::to_string(i);
    CoinbaseOutputConfig& output = config.coinbase_outputs[i];
    if (auto ok = read_address(document, here + "/address", config.network, output.address); !ok) {
      return ok;
    }
    total += output.ppm;
    if (total <= 1'000'000) continue;
    return base::err(document.complain(here + "/ppm",
                                       "the outputs up to this one take " + std::to_string(total) +
                                           " ppm, more than the whole reward (1000000)"));
  }
  return {};
}

// Puts the network's port where none was written.
Checked check_rpc(const ConfigDocument& document, const std::string& pointer,
                  bitcoin::Network network, std::string& rpc) {
  constexpr std::string_view scheme = "http://";
  const std::size_t path_at = rpc.find('/', scheme.size());
  const std::string path = path_at == std::string::npos ? "" : rpc.substr(path_at);
  std::string authority = rpc.substr(
      scheme.size(), path_at == std::string::npos ? std::string::npos : path_at - scheme.size());
  auto where = base::parse_host_port(authority);
  if (!where && where.error() == base::HostPortError::no_port) {
    authority += ":" + std::to_string(default_rpc_port(network));
    where = base::parse_host_port(authority);
  }
  if (!where || where->port == 0) return base::err(document.complain_of_value(pointer));
  rpc = std::string(scheme) + authority + path;
  return {};
}

Checked check_nodes(const ConfigDocument& document, Config& config) {
  for (std::size_t i = 0; i < config.nodes.size(); ++i) {
    const std::string here = "/nodes/" + std::to_string(i);
    NodeConfig& node = config.nodes[i];
    if (auto ok = check_rpc(document, here + "/rpc", config.network, node.rpc); !ok) return ok;
    if (!node.password.empty() && !node.password_file.empty()) {
      return base::err(document.complain(here + "/password_file",
                                         "a password is given too; one of the two is enough"));
    }
    if (node.user.empty() && !(node.password.empty() && node.password_file.empty())) {
      const char* const key = node.password.empty() ? "/password_file" : "/password";
      return base::err(document.complain(here + key, "a password needs a user beside it"));
    }
    if (!node.user.empty() && !node.cookie_file.empty()) {
      return base::err(
          document.complain(here + "/cookie_file", "user is given too; use one way to log in"));
    }
  }
  return {};
}

Checked check_ranges(const ConfigDocument& document, const std::string& pointer,
                     const std::vector<std::string>& ranges) {
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (is_ip_range(ranges[i])) continue;
    return base::err(document.complain_of_value(pointer + "/" + std::to_string(i)));
  }
  return {};
}

// `section`: "stratum" or "http", whose tls_certificate and tls_key these are.
Checked check_tls_pair(const ConfigDocument& document, const std::string& section,
                       const std::string& certificate, const std::string& key) {
  if (certificate.empty() == key.empty()) return {};
  const std::string given = key.empty() ? "tls_certificate" : "tls_key";
  const std::string missing = key.empty() ? "tls_key" : "tls_certificate";
  return base::err(document.complain("/" + section + "/" + given,
                                     section + "." + missing + " is missing beside it"));
}

Checked check_listen(const ConfigDocument& document, StratumConfig& stratum) {
  for (std::size_t i = 0; i < stratum.listen.size(); ++i) {
    const std::string here = "/stratum/listen/" + std::to_string(i);
    ListenConfig& listen = stratum.listen[i];
    if (listen.host == "localhost") listen.host = "127.0.0.1";
    if (!is_ip(listen.host)) return base::err(document.complain_of_value(here + "/host"));
    if (auto ok = check_ranges(document, here + "/proxy_from", listen.proxy_from); !ok) return ok;
    if (listen.tls == "only" && stratum.tls_certificate.empty()) {
      return base::err(document.complain(
          here + "/tls", "\"only\" needs stratum.tls_certificate and stratum.tls_key"));
    }
  }
  return check_tls_pair(document, "stratum", stratum.tls_certificate, stratum.tls_key);
}

Checked check_http_listen(const ConfigDocument& document, const std::string& pointer,
                          std::string& listen) {
  if (listen.empty()) return {};
  constexpr std::string_view localhost = "localhost:";
  if (listen.rfind(localhost, 0) == 0) listen.replace(0, localhost.size() - 1, "127.0.0.1");
  const auto where = base::parse_host_port(listen);
  if (!where || !is_ip(where->host)) return base::err(document.complain_of_value(pointer));
  return {};
}

// Orders are not for other machines: a tunnel or a shell on this one brings them here.
Checked check_admin_listen(const ConfigDocument& document, const std::string& listen) {
  const auto where = base::parse_host_port(listen);
  if (!where || base::IpAddress::parse(where->host)->is_loopback()) return {};
  return base::err(
      document.complain("/http/admin_listen", where->host + " is not a loopback address"));
}

Checked check_http(const ConfigDocument& document, HttpConfig& http) {
  if (auto ok = check_http_listen(document, "/http/listen", http.listen); !ok) return ok;
  if (auto ok = check_http_listen(document, "/http/admin_listen", http.admin_listen); !ok) {
    return ok;
  }
  if (auto ok = check_admin_listen(document, http.admin_listen); !ok) return ok;
  if (auto ok = check_ranges(document, "/http/proxy_from", http.proxy_from); !ok) return ok;
  if (http.tls == "only" && http.tls_certificate.empty()) {
    return base::err(
        document.complain("/http/tls", "\"only\" needs http.tls_certificate and http.tls_key"));
  }
  return check_tls_pair(document, "http", http.tls_certificate, http.tls_key);
}

// Two listeners on one port: the second would fail at start, or steal from the first.
Checked check_ports(const ConfigDocument& document, const Config& config) {
  struct Taken {
    std::string pointer;
    base::HostPort where;
  };
  std::vector<Taken> all;
  for (std::size_t i = 0; i < config.stratum.listen.size(); ++i) {
    const ListenConfig& listen = config.stratum.listen[i];
    all.push_back({"/stratum/listen/" + std::to_string(i), {listen.host, listen.port}});
  }
  if (auto http = base::parse_host_port(config.http.listen)) all.push_back({"/http/listen", *http});
  if (auto admin = base::parse_host_port(config.http.admin_listen)) {
    all.push_back({"/http/admin_listen", *admin});
  }
  const auto any = [](const std::string& host) { return host == "0.0.0.0" || host == "::"; };
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      const base::HostPort& a = all[k].where;
      const base::HostPort& b = all[i].where;
      if (a.port != b.port || a.port == 0) continue;
      if (a.host != b.host && !any(a.host) && !any(b.host)) continue;
      return base::err(document.complain(
          all[i].pointer, "port " + std::to_string(b.port) + " is taken by " +
                              (all[k].pointer[1] == 's' ? "stratum.listen" : "http.listen") +
                              " as well; give one of them another"));
    }
  }
  return {};
}

Checked check_version_mask(const ConfigDocument& document, std::uint32_t& mask) {
  const rapidjson::Value* given = at(document, "/stratum/version_mask");
  if (given == nullptr) return {};
  const std::string text = given->GetString();
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, mask, 16);
  if (error != std::errc{} || end != last || (mask & ~rollable_version_bits) != 0) {
    return base::err(document.complain_of_value("/stratum/version_mask"));
  }
  return {};
}

// A node is asked for templates so seldom that one of them could expire before the next: it would
// be given up again and again though nothing is wrong with it.
Checked check_templates(const ConfigDocument& document, const TemplatesConfig& templates) {
  const bool checks = templates.fee_check_seconds > 0;
  const auto asked_every = checks ? std::min(templates.fee_check_seconds, templates.refresh_seconds)
                                  : templates.refresh_seconds;
  if (templates.expire_seconds >= 2 * asked_every) return {};
  return base::err(document.complain("/templates/expire_seconds",
                                     std::to_string(templates.expire_seconds) +
                                         " is less than twice the time between two templates, " +
                                         std::to_string(asked_every)));
}

// With fewer, the one that is being written would be most of what may wait.
Checked check_journal(const ConfigDocument& document, const JournalConfig& journal) {
  if (journal.segment_bytes <= journal.bytes_max / 4) return {};
  return base::err(
      document.complain("/journal/segment_bytes", std::to_string(journal.segment_bytes) +
                                                      " is more than a quarter of bytes_max, " +
                                                      std::to_string(journal.bytes_max)));
}

// Kept as the digits that were written: a window of 0.1 is a tenth, which no double is.
Checked check_payout(const ConfigDocument& document, PayoutConfig& payout) {
  const std::string window = document.number_text("/payout/pplns_window");
  if (at(document, "/payout/pplns_window") != nullptr) {
    const bool plain = window.find_first_not_of("0123456789.") == std::string::npos;
    const std::size_t point = window.find('.');
    const std::size_t decimals = point == std::string::npos ? 0 : window.size() - point - 1;
    if (!plain || window.size() > decimal_digits_max || decimals > window_decimals_max) {
      return base::err(document.complain_of_value("/payout/pplns_window"));
    }
    payout.pplns_window = window;
  }
  if (payout.fee_ppm + payout.coherence_ppm > 1'000'000) {
    return base::err(document.complain("/payout/coherence_ppm",
                                       std::to_string(payout.coherence_ppm) + " and fee_ppm, " +
                                           std::to_string(payout.fee_ppm) +
                                           ", are more than the whole reward together (1000000)"));
  }
  return {};
}

}  // namespace

std::uint16_t default_rpc_port(bitcoin::Network network) {
  switch (network) {  // Bitcoin Core, chainparamsbase.cpp
    case bitcoin::Network::mainnet:
      return 8332;
    case bitcoin::Network::testnet:
      return 18332;
    case bitcoin::Network::testnet4:
      return 48332;
    case bitcoin::Network::signet:
      return 38332;
    case bitcoin::Network::regtest:
      return 18443;
  }
  return 8332;
}

Checked check_config(const ConfigDocument& document, Config& config) {
  if (auto ok = read_address(document, "/payout_address", config.network, config.payout_address);
      !ok) {
    return ok;
  }
  if (auto ok = check_coinbase_outputs(document, config); !ok) return ok;
  if (auto ok = check_nodes(document, config); !ok) return ok;
  if (auto ok = check_listen(document, config.stratum); !ok) return ok;
  if (auto ok = check_difficulty(document, config.stratum); !ok) return ok;
  if (auto ok = check_user_agents(document, config.stratum); !ok) return ok;
  if (auto ok = check_version_mask(document, config.stratum.version_mask); !ok) return ok;
  if (auto ok = check_http(document, config.http); !ok) return ok;
  if (auto ok = check_ports(document, config); !ok) return ok;
  if (auto ok = check_templates(document, config.templates); !ok) return ok;
  if (auto ok = check_journal(document, config.journal); !ok) return ok;
  if (auto ok = check_coherence(document, config); !ok) return ok;
  return check_payout(document, config.payout);
}

}  // namespace pool
