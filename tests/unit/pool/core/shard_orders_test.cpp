// What the operator may have a shard do: find miners by their names, and close an address's
// connections.
#include "pool/core/shard.h"

#include "tests/unit/pool/core/shard_fixture.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace pool_test;

namespace {

constexpr const char* other_address =
    "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry";

std::vector<pool::ConnectionId> sorted(std::vector<pool::ConnectionId> ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

void log_in(World& world, pool::ConnectionId who, const std::string& user) {
  world.say(who, R"({"id":1,"method":"mining.subscribe","params":["test/1"]})");
  world.say(who, R"({"id":2,"method":"mining.authorize","params":[")" + user + R"(","x"]})");
}

}  // namespace

TEST_CASE("miners are found by worker, by address, or all of them") {
  World world;
  world.new_job({.id = 1});
  const pool::ConnectionId second{43};
  const pool::ConnectionId third{44};
  const pool::ConnectionId silent{45};
  for (const auto id : {second, third, silent}) {
    REQUIRE(world.shard.on_connect(id, test_peer(), world.clock.now));
  }
  world.handshake();  // address.rig
  log_in(world, second, std::string(address) + ".rig2");
  log_in(world, third, other_address);
  CHECK_EQ(sorted(world.shard.miners({})),
           std::vector<pool::ConnectionId>{world.miner, second, third});
  CHECK_EQ(sorted(world.shard.miners({address, ""})),
           std::vector<pool::ConnectionId>{world.miner, second});
  CHECK_EQ(world.shard.miners({address, "rig2"}), std::vector<pool::ConnectionId>{second});
  CHECK_EQ(world.shard.miners({other_address, ""}), std::vector<pool::ConnectionId>{third});
  CHECK(world.shard.miners({other_address, "rig"}).empty());
  CHECK(world.shard.miners({address, "ri"}).empty());
}

TEST_CASE("an address that is expelled is closed and stays out; others are not touched") {
  World world;
  world.new_job({.id = 1});
  const pool::ConnectionId beside{43};
  const pool::ConnectionId elsewhere{44};
  REQUIRE(world.shard.on_connect(beside, test_peer(), world.clock.now));
  REQUIRE(world.shard.on_connect(elsewhere, test_peer("192.0.2.2"), world.clock.now));
  world.handshake();
  pool::Ban ban;
  ban.prefix = *pool::AddressPrefix::parse("192.0.2.1");
  ban.until = world.clock.now.mono + 60s;
  CHECK_EQ(world.shard.expel(ban), 2);
  CHECK_EQ(world.host.closed.size(), 2);
  CHECK_EQ(world.host.closed.at(world.miner), pool::CloseReason::banned);
  CHECK_EQ(world.host.closed.at(beside), pool::CloseReason::banned);
  CHECK_EQ(pool::name_of(pool::CloseReason::banned), "banned");
  world.disconnect(world.miner);
  world.disconnect(beside);
  CHECK_FALSE(world.shard.on_connect(pool::ConnectionId{50}, test_peer(), world.clock.now));
  CHECK(world.shard.unban(ban.prefix));
  CHECK_FALSE(world.shard.unban(ban.prefix));
  CHECK(world.shard.on_connect(pool::ConnectionId{51}, test_peer(), world.clock.now));
  CHECK_EQ(world.shard.stats().closes[static_cast<std::size_t>(pool::CloseReason::banned)], 2);
}

TEST_CASE("a peer that limits do not hold for is not expelled") {
  World world;
  const pool::ConnectionId trusted{43};
  pool::Peer peer = test_peer();
  peer.limited = false;
  REQUIRE(world.shard.on_connect(trusted, peer, world.clock.now));
  pool::Ban ban;
  ban.prefix = peer.prefix;
  ban.until = world.clock.now.mono + 60s;
  CHECK_EQ(world.shard.expel(ban), 1);
  CHECK_EQ(world.host.closed.count(trusted), 0);
}

TEST_CASE("a shard that drains says so") {
  World world;
  CHECK_FALSE(world.shard.stats().draining);
  world.shard.set_draining(true);
  CHECK(world.shard.stats().draining);
  world.shard.set_draining(false);
  CHECK_FALSE(world.shard.stats().draining);
}
