// PoolSource against pools on loopback, without threads that mine.
#include "miner/pool_source.h"

#include "miner/status.h"
#include "tests/loop/miner/fake_pool.h"
#include "tests/loop/miner/waiting.h"

#include <doctest/doctest.h>

namespace miner {
namespace {

using std::chrono::milliseconds;

PoolSourceSettings settings_for(const fake::Pool& pool) {
  PoolSourceSettings settings;
  PoolSettings& only = settings.pools.emplace_back();
  only.host = "127.0.0.1";
  only.port = pool.port();
  only.username = "bcrt1qaddress.rig";
  settings.client.user_agent = "phaseminer/test";
  settings.retry_first = milliseconds(10);
  settings.retry_most = milliseconds(40);
  return settings;
}

LinkState link_of(const PoolSource& source) {
  Status status;
  source.describe(status);
  return status.link;
}

TEST_CASE("its link is told at each step, and work goes with the connection") {
  uv::Loop loop;
  fake::Pool pool(loop);
  RecordingHost host;
  PoolSource source(loop, settings_for(pool), host);
  CHECK_EQ(link_of(source), LinkState::disconnected);
  source.start();
  CHECK_EQ(link_of(source), LinkState::connecting);
  REQUIRE(wait_until(loop, [&] { return link_of(source) == LinkState::waiting_for_job; }));
  pool.set_job(fake::make_job(1, 1, true));
  REQUIRE(wait_until(loop, [&] { return host.work != nullptr; }));
  CHECK_EQ(link_of(source), LinkState::mining);
  CHECK(host.was_told("connected to 127.0.0.1"));
  CHECK_GT(host.appetite_changes, 0);

  pool.drop_connection();
  REQUIRE(wait_until(loop, [&] { return host.work == nullptr; }));
  CHECK(host.was_told("not mining, next attempt in"));
  REQUIRE(wait_until(loop, [&] {
    source.on_tick(uv::read_clock().mono);
    return host.work != nullptr;
  }));
  Status status;
  source.describe(status);
  CHECK_EQ(status.reconnects, 1);
  CHECK_EQ(host.gave_up, "");
}

}  // namespace
}  // namespace miner
