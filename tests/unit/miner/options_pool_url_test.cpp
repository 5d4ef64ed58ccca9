// Addresses of pools and proxies: what is understood, and what is refused.
#include "miner/options_values.h"

#include <doctest/doctest.h>

#include <string>

namespace miner {
namespace {

TEST_CASE("pool addresses") {
  struct Row {
    const char* url;
    const char* host;  // null: refused
    int port;
    bool tls = false;
  };
  const Row rows[] = {
      {"stratum+tcp://h:1", "h", 1},
      {"tcp://h:65535/", "h", 65535},
      {"stratum://h", "h", 3333},
      {"h", "h", 3333},
      {"10.0.0.1:3333", "10.0.0.1", 3333},
      {"[::1]:3334", "::1", 3334},
      {"stratum+tcp://[fe80::1]", "fe80::1", 3333},
      {"stratum+ssl://h", "h", 3443, true},
      {"stratum+tls://h:1", "h", 1, true},
      {"stratum+tcps://h:2", "h", 2, true},
      {"ssl://[::1]", "::1", 3443, true},
      {"tls://h:443/", "h", 443, true},
      {"::1", nullptr, 0},
      {"h:", nullptr, 0},
      {"h:0", nullptr, 0},
      {"h:99999", nullptr, 0},
      {"", nullptr, 0},
      {":1", nullptr, 0},
      {"stratum+tcp://", nullptr, 0},
      {"[::1", nullptr, 0},
      {"[::1]x:1", nullptr, 0},
      {"[]:1", nullptr, 0},
      {"http://h:1", nullptr, 0},
      {"://h:1", nullptr, 0},
      {"h:1x", nullptr, 0},
      {"h/path:1", nullptr, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.url);
    const auto address = parse_pool_url(row.url);
    REQUIRE_EQ(address.has_value(), row.host != nullptr);
    if (row.host == nullptr) continue;
    CHECK_EQ(address->host, row.host);
    CHECK_EQ(address->port, row.port);
    CHECK_EQ(address->tls, row.tls);
    CHECK_FALSE(address->username.has_value());
    CHECK_FALSE(address->password.has_value());
  }
}

TEST_CASE("a login in a pool's address") {
  struct Row {
    const char* url;
    const char* username;  // null: refused
    const char* password;  // null: none
  };
  const Row rows[] = {
      {"stratum+tcp://bc1q.rig:x@h:1", "bc1q.rig", "x"},
      {"bc1q.rig@h:1", "bc1q.rig", nullptr},
      {"a:@h", "a", ""},
      {"a:b:c@h", "a", "b:c"},
      {"a:b@c@h", "a", "b@c"},
      {"a%40b:%3a%25@h", "a@b", ":%"},
      {"stratum+ssl://a:b@[::1]:3443", "a", "b"},
      {"@h", nullptr, nullptr},
      {":x@h", nullptr, nullptr},
      {"a%4:%zz@h", "a%4", "%zz"},  // nobody encoded it
      {"a:b@", nullptr, nullptr},
  };
  for (const Row& row : rows) {
    CAPTURE(row.url);
    const auto address = parse_pool_url(row.url);
    REQUIRE_EQ(address.has_value(), row.username != nullptr);
    if (row.username == nullptr) continue;
    CHECK_EQ(address->username.value(), row.username);
    REQUIRE_EQ(address->password.has_value(), row.password != nullptr);
    if (row.password != nullptr) CHECK_EQ(address->password.value(), row.password);
  }
}

TEST_CASE("proxies") {
  const auto plain = parse_proxy_url("10.0.0.1");
  REQUIRE(plain.has_value());
  CHECK_EQ(plain.value(), ProxySettings{"10.0.0.1", 1080, "", ""});
  const auto login = parse_proxy_url("socks5://u:p@[::1]:9050");
  REQUIRE(login.has_value());
  CHECK_EQ(login.value(), ProxySettings{"::1", 9050, "u", "p"});
  CHECK_EQ(parse_proxy_url("socks5h://localhost:9050"), parse_proxy_url("socks5://localhost:9050"));
  CHECK(parse_proxy_url("socks5://" + std::string(255, 'u') + "@h").has_value());
  for (const std::string& url :
       {std::string("http://h:1"), std::string("socks4://h:1"), std::string("h:0"), std::string(),
        std::string("socks5://"), "socks5://" + std::string(256, 'u') + "@h",
        "socks5://u:" + std::string(256, 'p') + "@h"}) {
    CAPTURE(url);
    CHECK_FALSE(parse_proxy_url(url).has_value());
  }
}

TEST_CASE("a pool's address as it is shown") {
  PoolSettings pool;
  pool.host = "h";
  pool.port = 3333;
  pool.password = "secret";
  CHECK_EQ(url_of(pool), "stratum+tcp://h:3333");
  pool.host = "::1";
  pool.tls = true;
  CHECK_EQ(url_of(pool), "stratum+ssl://[::1]:3333");
}

TEST_CASE("a password is not repeated in a message") {
  CHECK_EQ(without_password("stratum+tcp://a:secret@h:1"), "stratum+tcp://a:…@h:1");
  CHECK_EQ(without_password("a:sec@ret@h"), "a:…@h");
  CHECK_EQ(without_password("a@h:1"), "a@h:1");
  CHECK_EQ(without_password("stratum+tcp://h:1"), "stratum+tcp://h:1");
}

}  // namespace
}  // namespace miner
