// Where the work comes from: pools with their logins, or a node.
#include "common/bitcoin/address.h"
#include "common/bitcoin/coinbase.h"
#include "miner/options_table.h"
#include "miner/options_values.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace miner {
namespace {

constexpr std::size_t pools_max = 16;
constexpr std::size_t username_bytes_max = 256;

struct Login {
  std::string username;
  std::string password = "x";
};

// The n-th --user and --pass are of the n-th pool that has no login in its URL.
Mistake read_logins(const Texts& texts, std::vector<Login>& logins) {
  if (!texts.userpasses.empty() && !(texts.users.empty() && texts.passes.empty())) {
    return "--userpass: expected either it, or --user and --pass";
  }
  for (const std::string& text : texts.userpasses) {
    const std::size_t colon = text.find(':');
    // It is not shown: it may be a password.
    if (colon == std::string::npos) return "--userpass: expected user:password";
    logins.push_back({text.substr(0, colon), text.substr(colon + 1)});
  }
  for (const std::string& user : texts.users) logins.push_back({user, "x"});
  if (texts.passes.size() > std::max<std::size_t>(1, logins.size())) {
    return fmt::format("--pass is given {} times: expected at most one for each --user",
                       texts.passes.size());
  }
  for (std::size_t i = 0; i < logins.size() && !texts.passes.empty(); ++i) {
    logins[i].password = texts.passes[std::min(i, texts.passes.size() - 1)];
  }
  return std::nullopt;
}

Mistake check_username(const std::string& username) {
  if (username.empty()) {
    return "--user is missing: expected the payout address, and a worker's name after a dot "
           "(-u ADDRESS.WORKER)";
  }
  if (username.size() <= username_bytes_max) return std::nullopt;
  return expected("--user", username.substr(0, 40) + "…",
                  fmt::format("at most {} bytes", username_bytes_max));
}

// What is the same for every pool.
Mistake read_transport(const Texts& texts, PoolSettings& pool) {
  pool.ca_file = texts.ca_file;
  pool.insecure = texts.tls_insecure;
  if (pool.insecure && !pool.ca_file.empty()) {
    return expected("--ca-file", pool.ca_file, "not to be given with --tls-insecure");
  }
  if (texts.proxy.empty()) return std::nullopt;
  auto proxy = parse_proxy_url(texts.proxy);
  if (!proxy) return expected("--proxy", without_password(texts.proxy), proxy.error());
  pool.proxy = std::move(*proxy);
  return std::nullopt;
}

Mistake read_pools(const Texts& texts, Options& options) {
  if (texts.urls.size() > pools_max) {
    return fmt::format("--url is given {} times: expected at most {} pools", texts.urls.size(),
                       pools_max);
  }
  PoolSettings common;
  std::vector<Login> logins;
  if (Mistake mistake = first_of({read_transport(texts, common), read_logins(texts, logins)})) {
    return mistake;
  }
  std::size_t logins_used = 0;
  for (const std::string& url : texts.urls) {
    auto address = parse_pool_url(url);
    if (!address) return expected("--url", without_password(url), address.error());
    PoolSettings pool = common;
    pool.host = std::move(address->host);
    pool.port = address->port;
    pool.tls = address->tls;
    if (address->username) {
      pool.username = std::move(*address->username);
      pool.password = address->password.value_or("x");
    } else if (!logins.empty()) {
      const Login& login = logins[std::min(logins_used++, logins.size() - 1)];
      pool.username = login.username;
      pool.password = login.password;
    }
    if (Mistake mistake = check_username(pool.username)) return mistake;
    options.pools.push_back(std::move(pool));
  }
  if (logins.size() <= std::max<std::size_t>(1, logins_used)) return std::nullopt;
  return fmt::format("--user is given {} times: expected at most one for each --url without a user",
                     logins.size());
}

Mistake read_node(const Texts& texts, rpc::RpcEndpoint& node) {
  constexpr std::string_view scheme = "http://";
  constexpr std::string_view form = "http://HOST:PORT, USER:PASSWORD@ before HOST";
  std::string_view rest = texts.solo;
  if (!rest.starts_with(scheme)) return expected("--solo", without_password(rest), form);
  rest.remove_prefix(scheme.size());
  const auto user = take_user_info(rest);
  if (!user) return expected("--solo", without_password(texts.solo), form);
  auto endpoint = rpc::parse_rpc_url(std::string(scheme) + std::string(rest));
  if (!endpoint) return fmt::format("--solo {}", endpoint.error());
  node = std::move(*endpoint);
  node.user = user->username.value_or("");
  node.password = user->password.value_or("");
  node.cookie_file = texts.cookie_file;
  if (node.user.empty() == node.cookie_file.empty()) {
    return expected("--solo", without_password(texts.solo),
                    "either USER:PASSWORD@ in it or --cookie-file");
  }
  return std::nullopt;
}

bool is_address(const std::string& text) {
  using bitcoin::Network;
  constexpr Network networks[] = {Network::mainnet, Network::testnet, Network::regtest};
  return std::any_of(std::begin(networks), std::end(networks), [&](Network network) {
    return bitcoin::parse_address(text, network).has_value();
  });
}

Mistake read_solo(const Texts& texts, Options& options) {
  SoloSettings solo;
  if (!texts.urls.empty() && options.command != Command::selftest) {
    return expected("--solo", without_password(texts.solo), "not to be given with --url");
  }
  if (options.algorithm != Algorithm::sha256d) {
    return expected("--solo", without_password(texts.solo),
                    "--algo sha256d: coherence work comes from a pool");
  }
  if (Mistake mistake = read_node(texts, solo.node)) return mistake;
  if (texts.address.empty() && options.command == Command::selftest) {
    options.solo = std::move(solo);
    return std::nullopt;
  }
  if (texts.address.empty()) {
    return "--address is missing: expected who gets the reward of --solo (--address ADDRESS)";
  }
  solo.address = texts.address;
  if (!is_address(solo.address)) {
    return expected("--address", solo.address.substr(0, 100), "an address with a right checksum");
  }
  if (!texts.coinbase_tag.empty()) solo.coinbase_tag = texts.coinbase_tag;
  if (solo.coinbase_tag.size() > bitcoin::coinbase_tag_bytes_max) {
    return expected("--coinbase-tag", solo.coinbase_tag.substr(0, 40) + "…",
                    fmt::format("at most {} bytes", bitcoin::coinbase_tag_bytes_max));
  }
  solo.dry_run = texts.dry_run;
  options.solo = std::move(solo);
  return std::nullopt;
}

// What only says something about mining without a pool.
Mistake check_solo_only(const Texts& texts) {
  constexpr std::string_view where = "to be given with --solo";
  if (!texts.address.empty()) return expected("--address", texts.address, where);
  if (!texts.cookie_file.empty()) return expected("--cookie-file", texts.cookie_file, where);
  if (!texts.coinbase_tag.empty()) return expected("--coinbase-tag", texts.coinbase_tag, where);
  if (texts.dry_run) return fmt::format("--dry-run: expected {}", where);
  return std::nullopt;
}

}  // namespace

Mistake read_positive(std::string_view option, const std::string& text, double least, double most,
                      double& out) {
  if (text.empty()) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  if (!is_number || !std::isfinite(value) || value <= 0 || value < least || value > most) {
    return expected(option, text,
                    least > 0 ? fmt::format("a number from {:.3g} to {}", least, most)
                              : fmt::format("a number above 0, at most {}", most));
  }
  out = value;
  return std::nullopt;
}

Mistake read_source(const Texts& texts, Options& options) {
  const bool tests = options.command == Command::selftest;
  if (!texts.solo.empty()) {
    if (Mistake mistake = read_solo(texts, options)) return mistake;
    if (!tests || !texts.network) return std::nullopt;
  } else if (Mistake mistake = check_solo_only(texts)) {
    return mistake;
  }
  if (tests && !texts.network) return std::nullopt;
  if (texts.urls.empty()) {
    return "--url is missing: expected the pool's address (-o stratum+tcp://HOST:PORT)";
  }
  return read_pools(texts, options);
}

}  // namespace miner
