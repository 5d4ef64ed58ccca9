// Each loop's options say what the configuration says.
#include "pool/server/server_options.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

namespace pool {
namespace {

using namespace std::chrono_literals;

Config config(const std::string& members) {
  const auto read = parse_config(
      R"({"network":"regtest","payout_address":"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",)"
      R"("nodes":[{"rpc":"http://127.0.0.1:18443","user":"u","password":"p"}])" +
          members + "}",
      "pool.json", [](const std::string&) { return std::nullopt; });
  REQUIRE_MESSAGE(read.has_value(), (read ? "" : read.error().why));
  return *read;
}

TEST_CASE("the journal and the store share one bound of the disk") {
  const Config read = config(
      R"(,"data_dir":"/d","stratum":{"durability":"relaxed"},"journal":{"bytes_max":2000000000,)"
      R"("segment_bytes":1000000,"fsync_ms":7,"keep_days":3,"keep_bytes":1000000000})");
  const JournalLoop::Options journal = journal_options(read);
  CHECK_EQ(journal.data_dir, "/d");
  CHECK_FALSE(journal.fsync);
  CHECK_EQ(journal.segment_bytes_max, 1'000'000);
  CHECK(journal.fsync_window == 7ms);
  CHECK_EQ(journal.bytes_max, 2'000'000'000);
  const StoreLoop::Options store = store_options(read);
  CHECK_EQ(store.folder_bytes_max, journal.bytes_max);
  CHECK(store.stored_kept_for == 72h);
  CHECK_EQ(store.stored_bytes_max, 1'000'000'000);
  CHECK(journal_options(config("")).fsync);
}

TEST_CASE("the page says where miners connect, and TLS only where there is a certificate") {
  const std::string ports =
      R"("listen":[{"host":"10.0.0.1","port":3333,"tls":"off"},{"host":"10.0.0.1","port":3334}])";
  const HttpLoop::Options plain = http_options(config(R"(,"stratum":{)" + ports + "}"));
  CHECK_EQ(plain.stratum_hint, "stratum+tcp://10.0.0.1:3333");
  CHECK_EQ(plain.stratum_tls_hint, "");
  const HttpLoop::Options secured = http_options(
      config(R"(,"stratum":{"tls_certificate":"c.pem","tls_key":"k.pem",)" + ports + "}"));
  CHECK_EQ(secured.stratum_tls_hint, "stratum+ssl://10.0.0.1:3334");
  CHECK(secured.tls == nullptr);
}

TEST_CASE("the payout's terms reach the page and the node's records alike") {
  const Config read = config(
      R"(,"payout":{"scheme":"pplns","pplns_window":2.5,"fee_ppm":10000,"coherence_ppm":5000,)"
      R"("minimum_sats":2000},"coherence":{"enabled":true})");
  const HttpLoop::Options page = http_options(read);
  CHECK_EQ(page.pplns_window, "2.5");
  CHECK_EQ(page.fee_ppm, 10'000);
  CHECK_EQ(page.coherence_ppm, 5'000);
  CHECK_EQ(page.minimum_sats, 2'000);
  const PayoutSchemeRecord record = node_options(read).scheme.value();
  CHECK_EQ(record.scheme, "pplns");
  CHECK_EQ(record.pplns_window, "2.5");
  CHECK_EQ(record.fee_ppm, 10'000);
  CHECK_EQ(record.coherence_ppm, 5'000);
  CHECK_EQ(record.minimum.value, 2'000);
  CHECK_EQ(http_options(config(R"(,"payout":{"scheme":"prop"})")).pplns_window, "");
}

TEST_CASE("limits of an address are parted among the shards, and each port has its difficulty") {
  const Config read = config(
      R"(,"stratum":{"listen":[{"host":"127.0.0.1","port":3333},{"host":"127.0.0.1","port":3334,"difficulty":{"start":64}}],)"
      R"("difficulty":{"start":8,"min":1},"limits":{"idle_seconds":77}})");
  const ShardOptions options = shard_options(read, 2);
  CHECK_EQ(options.shard_count, 2);
  REQUIRE_EQ(options.ports.size(), 2);
  CHECK_EQ(options.ports[0].start.value(), 8.0);
  CHECK_EQ(options.ports[1].start.value(), 64.0);
  CHECK(options.idle_deadline == 77s);
  CHECK_EQ(options.address_limits.shards, 2);
}

TEST_CASE("a port's TLS and proxies") {
  const Config read =
      config(R"(,"stratum":{"tls_certificate":"c.pem","tls_key":"k.pem",)"
             R"("listen":[{"host":"127.0.0.1","port":1,"tls":"only","proxy_from":["10.0.0.0/8"]},)"
             R"({"host":"127.0.0.1","port":2,"tls":"off"}]})");
  const ShardLoop::Endpoint first = endpoint_of(read.stratum.listen.at(0));
  CHECK(first.tls == TlsMode::only);
  REQUIRE_EQ(first.proxy_from.size(), 1);
  CHECK(endpoint_of(read.stratum.listen.at(1)).tls == TlsMode::off);
}

}  // namespace
}  // namespace pool
