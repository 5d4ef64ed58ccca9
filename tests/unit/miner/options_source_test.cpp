// Where the work comes from: which login goes with which pool, and mining without one.
#include "miner/options.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace miner {
namespace {

using Arguments = std::vector<std::string>;

// A regtest address whose checksum is right.
const std::string address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

std::string mistake_of(const Arguments& arguments) {
  const auto options = parse_options(arguments);
  REQUIRE_FALSE(options.has_value());
  CHECK_EQ(options.error().code, 2);
  return options.error().text;
}

void check_logins(const Arguments& arguments, const std::vector<std::string>& expected) {
  CAPTURE(arguments);
  const auto options = parse_options(arguments);
  REQUIRE(options.has_value());
  REQUIRE_EQ(options->pools.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const PoolSettings& pool = options->pools[i];
    CHECK_EQ(pool.host + "/" + pool.username + "/" + pool.password, expected[i]);
  }
}

TEST_CASE("each pool has its login") {
  check_logins({"-o", "h", "-u", "a"}, {"h/a/x"});
  check_logins({"-o", "h", "-o", "i", "-u", "a", "-p", "p"}, {"h/a/p", "i/a/p"});
  check_logins({"-o", "h", "-u", "a", "-p", "p", "-o", "i", "-u", "b", "-p", "q"},
               {"h/a/p", "i/b/q"});
  check_logins({"-o", "h", "-o", "i", "-u", "a", "-u", "b", "-p", "p"}, {"h/a/p", "i/b/p"});
  check_logins({"-o", "h", "-O", "a:b:c", "-o", "i", "-O", "d:"}, {"h/a/b:c", "i/d/"});
  check_logins({"-o", "z:y@h", "-o", "i", "-u", "a", "-p", "p"}, {"h/z/y", "i/a/p"});
  check_logins({"-o", "z@h", "-o", "y:p@i"}, {"h/z/x", "i/y/p"});
}

TEST_CASE("what is said once holds for every pool") {
  const auto options = parse_options({"-o", "stratum+ssl://h", "-o", "i", "-u", "a", "--ca-file",
                                      "ca.pem", "-x", "socks5h://u:p@proxy:9050"});
  REQUIRE(options.has_value());
  CHECK(options->pools.at(0).tls);
  CHECK_FALSE(options->pools.at(1).tls);
  for (const PoolSettings& pool : options->pools) {
    CHECK_EQ(pool.ca_file, "ca.pem");
    CHECK_FALSE(pool.insecure);
    CHECK_EQ(pool.proxy.value(), ProxySettings{"proxy", 9050, "u", "p"});
  }
  CHECK(parse_options({"-o", "h", "-u", "a", "--tls-insecure"})->pools.at(0).insecure);
  CHECK_EQ(parse_options({"-o", "h", "-u", "a", "--cert", "c"})->pools.at(0).ca_file, "c");
}

TEST_CASE("what the pool is asked for") {
  const auto usual = parse_options({"-o", "h", "-u", "a"});
  REQUIRE(usual.has_value());
  CHECK_EQ(usual->suggest_difficulty, 0);
  CHECK(usual->version_rolling);
  CHECK(usual->redirect);
  CHECK_FALSE(usual->protocol_dump);
  CHECK_EQ(usual->timeout_seconds, 90);
  CHECK_EQ(usual->nonce_order, "sequential");
  CHECK_FALSE(usual->solo.has_value());

  const auto all =
      parse_options({"-o", "h", "-u", "a", "--suggest-difficulty", "0.25", "--no-version-rolling",
                     "--no-redirect", "-P", "-T", "300", "--nonce-order", "golden"});
  REQUIRE(all.has_value());
  CHECK_EQ(all->suggest_difficulty, 0.25);
  CHECK_FALSE(all->version_rolling);
  CHECK_FALSE(all->redirect);
  CHECK(all->protocol_dump);
  CHECK_EQ(all->timeout_seconds, 300);
  CHECK_EQ(all->nonce_order, "golden");
}

TEST_CASE("mining without a pool") {
  const auto options = parse_options({"--solo", "http://u:p%40@127.0.0.1:18443/wallet/w",
                                      "--address", address, "--coinbase-tag", "/t/", "--dry-run"});
  REQUIRE(options.has_value());
  CHECK(options->pools.empty());
  const SoloSettings& solo = options->solo.value();
  CHECK_EQ(solo.node.host, "127.0.0.1");
  CHECK_EQ(solo.node.port, 18443);
  CHECK_EQ(solo.node.path, "/wallet/w");
  CHECK_EQ(solo.node.user, "u");
  CHECK_EQ(solo.node.password, "p@");
  CHECK_EQ(solo.address, address);
  CHECK_EQ(solo.coinbase_tag, "/t/");
  CHECK(solo.dry_run);

  const auto cookie = parse_options({"--solo", "http://[::1]:8332", "--cookie-file", "c",
                                     "--coinbase-addr", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"});
  REQUIRE(cookie.has_value());
  CHECK_EQ(cookie->solo->node.host, "::1");
  CHECK_EQ(cookie->solo->node.cookie_file, "c");
  CHECK_EQ(cookie->solo->coinbase_tag, "/phaseminer/");
  CHECK_FALSE(cookie->solo->dry_run);
}

struct Mistake {
  const char* why;
  Arguments arguments;
  const char* named;
  const char* expected;
};

void check_mistakes(const std::vector<Mistake>& rows) {
  for (const Mistake& row : rows) {
    CAPTURE(row.why);
    const std::string text = mistake_of(row.arguments);
    CAPTURE(text);
    CHECK_NE(text.find(row.named), std::string::npos);
    CHECK_NE(text.find(row.expected), std::string::npos);
    CHECK_EQ(text.find('\n'), text.size() - 1);
  }
}

TEST_CASE("a mistake in a pool's options names the option, the value and what was expected") {
  check_mistakes({
      {"more users than pools", {"-o", "h", "-u", "a", "-u", "b"}, "--user is given 2", "--url"},
      {"more passwords than users",
       {"-o", "h", "-u", "a", "-p", "b", "-p", "c"},
       "--pass is given 2",
       "--user"},
      {"two kinds of login", {"-o", "h", "-u", "a", "-O", "b:c"}, "--userpass", "either"},
      {"a second pool without user", {"-o", "a@h", "-o", "i"}, "--user is missing", "ADDRESS"},
      {"a long user", {"-o", "h", "-u", std::string(257, 'u')}, "--user \"uuu", "256 bytes"},
      {"many pools", Arguments(34, "-oh"), "--url is given 34 times", "at most 16"},
      {"a bad proxy", {"-o", "h", "-u", "a", "-x", "http://h"}, "--proxy \"http://h\"", "socks5"},
      {"CA and insecure",
       {"-o", "h", "-u", "a", "--ca-file", "c", "--tls-insecure"},
       "--ca-file \"c\"",
       "--tls-insecure"},
      {"no difficulty",
       {"-o", "h", "-u", "a", "--suggest-difficulty", "0"},
       "\"0\"",
       "from 2.33e-10"},
      {"endless difficulty",
       {"-o", "h", "-u", "a", "--suggest-difficulty", "inf"},
       "--suggest-difficulty \"inf\"",
       "from 2.33e-10 to"},
      {"a difficulty that can't be sent",
       {"-o", "h", "-u", "a", "--suggest-difficulty", "1e-12"},
       "\"1e-12\"",
       "from 2.33e-10"},
      {"a userpass without colon", {"-o", "h", "-O", "hunter2"}, "--userpass: ", "user:password"},
      {"an empty proxy", {"-o", "h", "-u", "a", "-x", ""}, "--proxy: ", "not an empty"},
      {"an empty CA file", {"-o", "h", "-u", "a", "--cert", ""}, "--ca-file: ", "not an empty"},
      {"no threads", {"-o", "h", "-u", "a", "-t", ""}, "--threads: ", "not an empty"},
      {"an empty user", {"-o", "h", "-u", ""}, "--user: ", "not an empty"},
      {"difficulty and more",
       {"-o", "h", "-u", "a", "--suggest-difficulty", "1k"},
       "\"1k\"",
       "number"},
      {"short timeout", {"-o", "h", "-u", "a", "-T", "4"}, "--timeout \"4\"", "5 to 3600"},
      {"unknown order",
       {"-o", "h", "-u", "a", "--nonce-order", "random"},
       "--nonce-order \"random\"",
       "sequential"},
  });
}

TEST_CASE("so does one in the options of mining without a pool") {
  const std::string node = "http://u:p@h:1";
  check_mistakes({
      {"pool and solo", {"--solo", node, "-o", "h", "-u", "a"}, "--solo", "--url"},
      {"no address", {"--solo", node}, "--address is missing", "reward"},
      {"a bad address", {"--solo", node, "--address", address + "x"}, "--address", "checksum"},
      {"no login", {"--solo", "http://h:1", "--address", address}, "--solo", "--cookie-file"},
      {"both logins",
       {"--solo", node, "--address", address, "--cookie-file", "c"},
       "--solo \"http://u:…@h:1\"",
       "either"},
      {"no scheme", {"--solo", "u:p@h:1", "--address", address}, "--solo \"u:…@h:1\"", "http://"},
      {"no port", {"--solo", "http://u:p@h", "--address", address}, "--solo", "port"},
      {"a long tag",
       {"--solo", node, "--address", address, "--coinbase-tag", std::string(61, 't')},
       "--coinbase-tag",
       "60 bytes"},
      {"coherence alone",
       {"--solo", node, "--address", address, "--algo", "coherence"},
       "--solo",
       "--algo sha256d"},
      {"address of a pool", {"-o", "h", "-u", "a", "--address", "b"}, "--address \"b\"", "--solo"},
      {"dry run of a pool", {"-o", "h", "-u", "a", "--dry-run"}, "--dry-run", "--solo"},
  });
}

}  // namespace
}  // namespace miner
