// What a pool that can't start says; the ways in which it can are tested with a real node and
// database in tests/functional.
#include "pool/server/start_checks.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <string>

namespace pool {
namespace {

TEST_CASE("a database that was never seen has to be there") {
  Config config;
  config.data_dir = "/nonexistent";
  config.database = "host=/nonexistent dbname=phasepool connect_timeout=1";
  const std::string why = check_database(config);
  CHECK_NE(why.find("/nonexistent"), std::string::npos);
  CHECK(why.ends_with("; start PostgreSQL, or correct \"database\" in the config"));
}

TEST_CASE("without a node that can be reached, the first one's trouble is told") {
  Config config;
  NodeConfig node;
  node.rpc = "http://127.0.0.1:1";  // tcpmux: nobody listens there
  node.user = node.password = "x";
  config.nodes = {node, node};
  CHECK_NE(check_nodes(config).find("is bitcoind running there with server=1?"), std::string::npos);
}

TEST_CASE("descriptors: the soft limit is raised to the hard one") {
  rlimit before{};
  REQUIRE_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{before.rlim_max / 2, before.rlim_max};
  REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  CHECK_EQ(raise_descriptor_limit(), before.rlim_max);
  rlimit after{};
  REQUIRE_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
  CHECK_EQ(after.rlim_cur, before.rlim_max);
  REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace pool
