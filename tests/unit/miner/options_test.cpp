// The command line: what is understood, and how each mistake is named.
#include "miner/options.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace miner {
namespace {

using Arguments = std::vector<std::string>;

TEST_CASE("cpuminer's flags, short and long") {
  const auto brief = parse_options(
      {"-o", "stratum+tcp://pool.example:3334", "-u", "addr.rig", "-p", "d=1", "-t", "3", "-q"});
  REQUIRE(brief.has_value());
  CHECK_EQ(brief->host, "pool.example");
  CHECK_EQ(brief->port, 3334);
  CHECK_EQ(brief->username, "addr.rig");
  CHECK_EQ(brief->password, "d=1");
  CHECK_EQ(brief->threads, 3);
  CHECK(brief->quiet);
  CHECK_FALSE(brief->json);
  CHECK_EQ(brief->command, Command::mine);

  const auto words =
      parse_options({"--url=localhost", "--userpass", "a:b:c", "--json", "--kernel", "portable",
                     "--retry-pause", "5", "--retries=0", "--max-shares-per-second", "100"});
  REQUIRE(words.has_value());
  CHECK_EQ(words->port, 3333);
  CHECK_EQ(words->username, "a");
  CHECK_EQ(words->password, "b:c");
  CHECK(words->json);
  CHECK_EQ(words->kernel, "portable");
  CHECK_EQ(words->retry_pause_seconds, 5);
  CHECK_EQ(words->retries, 0);
  CHECK_EQ(words->shares_per_second_max, 100);
}

TEST_CASE("bench and selftest need no pool") {
  const auto bench = parse_options({"bench", "--seconds", "1", "--json"});
  REQUIRE(bench.has_value());
  CHECK_EQ(bench->command, Command::bench);
  CHECK_EQ(bench->bench_seconds, 1);
  CHECK(bench->json);
  const auto selftest = parse_options({"selftest"});
  REQUIRE(selftest.has_value());
  CHECK_EQ(selftest->command, Command::selftest);
}

TEST_CASE("help and version end well") {
  const auto help = parse_options({"--help"});
  REQUIRE_FALSE(help.has_value());
  CHECK_EQ(help.error().code, 0);
  CHECK_NE(help.error().text.find("--url"), std::string::npos);
  const auto version = parse_options({"--version"});
  REQUIRE_FALSE(version.has_value());
  CHECK_EQ(version.error().code, 0);
  CHECK_EQ(version.error().text.substr(0, 11), "phaseminer ");
}

TEST_CASE("a mistake is one line that names the option, the value and what was expected; code 2") {
  struct Row {
    const char* why;
    Arguments arguments;
    const char* named;
    const char* expected;
  };
  const Row rows[] = {
      {"no pool", {"-u", "a"}, "--url", "expected"},
      {"no user", {"-o", "h:1"}, "--user", "expected"},
      {"threads not a number", {"-o", "h:1", "-u", "a", "-t", "x"}, "--threads \"x\"", "0 to 1024"},
      {"threads negative", {"-o", "h:1", "-u", "a", "-t", "-1"}, "--threads \"-1\"", "0 to 1024"},
      {"threads with more behind", {"-o", "h", "-u", "a", "-t", "1k"}, "\"1k\"", "whole number"},
      {"unknown kernel",
       {"-o", "h", "-u", "a", "--kernel", "cuda"},
       "--kernel \"cuda\"",
       "portable"},
      {"unsupported scheme", {"-o", "stratum+ssl://h:1", "-u", "a"}, "--url", "HOST:PORT"},
      {"port too large", {"-o", "h:65536", "-u", "a"}, "--url \"h:65536\"", "1 to 65535"},
      {"userpass without colon", {"-o", "h", "-O", "a"}, "--userpass \"a\"", "user:password"},
      {"retry pause zero", {"-o", "h", "-u", "a", "-R", "0"}, "--retry-pause \"0\"", "1 to 3600"},
      {"unknown option", {"-o", "h", "-u", "a", "--bogus"}, "\"--bogus\"", "--help"},
      {"an option without its value", {"-o"}, "--url", "--help"},
      {"bench: bad seconds", {"bench", "--seconds", "0"}, "--seconds \"0\"", "1 to 3600"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto options = parse_options(row.arguments);
    REQUIRE_FALSE(options.has_value());
    const std::string& text = options.error().text;
    CAPTURE(text);
    CHECK_EQ(options.error().code, 2);
    CHECK_NE(text.find(row.named), std::string::npos);
    CHECK_NE(text.find(row.expected), std::string::npos);
    CHECK_EQ(text.find('\n'), text.size() - 1);
    CHECK_EQ(text.rfind("phaseminer: ", 0), 0);
  }
}

TEST_CASE("pool addresses") {
  struct Row {
    const char* url;
    const char* host;  // null: refused
    int port;
  };
  const Row rows[] = {
      {"stratum+tcp://h:1", "h", 1},
      {"tcp://h:65535/", "h", 65535},
      {"h", "h", 3333},
      {"10.0.0.1:3333", "10.0.0.1", 3333},
      {"[::1]:3334", "::1", 3334},
      {"stratum+tcp://[fe80::1]", "fe80::1", 3333},
      {"::1", nullptr, 0},
      {"h:", nullptr, 0},
      {"h:0", nullptr, 0},
      {"h:99999", nullptr, 0},
      {"", nullptr, 0},
      {":1", nullptr, 0},
      {"stratum+tcp://", nullptr, 0},
      {"[::1", nullptr, 0},
      {"[::1]x:1", nullptr, 0},
      {"http://h:1", nullptr, 0},
      {"user:pass@h:1", nullptr, 0},
      {"h:1x", nullptr, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.url);
    const auto address = parse_pool_url(row.url);
    REQUIRE_EQ(address.has_value(), row.host != nullptr);
    if (row.host == nullptr) continue;
    CHECK_EQ(address->host, row.host);
    CHECK_EQ(address->port, row.port);
  }
}

}  // namespace
}  // namespace miner
