// Whose certificates a pool may show, as the options say it.
#include "miner/pool_trust.h"

#include "tests/loop/miner/relays.h"

#include <doctest/doctest.h>

#include <string>

namespace miner {
namespace {

TEST_CASE("without TLS nothing is read; with it the file, the system or nobody decides") {
  PoolSettings pool;
  pool.ca_file = "/nowhere/ca.pem";
  REQUIRE(trust_of(pool));
  CHECK_EQ(*trust_of(pool), nullptr);
  pool.tls = true;
  CHECK_EQ(trust_of(pool).error(), "--ca-file \"/nowhere/ca.pem\": No such file or directory");
  pool.insecure = true;
  CHECK_NE(trust_of(pool).value(), nullptr);
  pool = {};
  pool.tls = true;
  CHECK_NE(trust_of(pool).value(), nullptr);
}

TEST_CASE("files of authorities: good, empty, no PEM, a folder, endless") {
  PoolSettings pool;
  pool.tls = true;
  const auto error_of = [&](const std::string& path) {
    pool.ca_file = path;
    const auto trust = trust_of(pool);
    return trust ? std::string() : trust.error();
  };
  const fake::TextFile good(tls_test::make_certificate("pool.test").chain);
  CHECK_EQ(error_of(good.path), "");
  const fake::TextFile empty("");
  CHECK_EQ(error_of(empty.path), "--ca-file: " + empty.path + ": holds no certificate in PEM form");
  const fake::TextFile text("hello");
  CHECK_EQ(error_of(text.path), "--ca-file: " + text.path + ": holds no certificate in PEM form");
  CHECK_EQ(error_of("/tmp"), "--ca-file \"/tmp\": Is a directory");
  CHECK_EQ(error_of("/dev/zero"), "--ca-file \"/dev/zero\": expected at most 4194304 bytes");
}

}  // namespace
}  // namespace miner
