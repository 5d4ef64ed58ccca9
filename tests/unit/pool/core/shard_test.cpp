#include "pool/core/shard.h"
#include "tests/unit/pool/core/shard_fixture.h"

using namespace pool_test;

TEST_CASE("extranonce1 is unique among live connections and given back at the end") {
  World world;
  std::map<std::string, int> seen;
  for (std::uint64_t i = 100; i < 200; ++i) {
    REQUIRE(world.shard.on_connect(pool::ConnectionId{i}, test_peer(), world.clock.now));
    world.say(pool::ConnectionId{i}, R"({"id":1,"method":"mining.subscribe","params":[]})");
    ++seen[world.host.sent[pool::ConnectionId{i}].at(0)];
  }
  CHECK_EQ(seen.size(), 100);
  for (std::uint64_t i = 100; i < 200; ++i) world.disconnect(pool::ConnectionId{i});
  CHECK_EQ(world.shard.stats().connections, 1);
}

TEST_CASE("a new job reaches every miner that is mining, and no other") {
  World world;
  world.new_job({.id = 1});
  world.handshake();
  const pool::ConnectionId silent{7};
  REQUIRE(world.shard.on_connect(silent, test_peer(), world.clock.now));
  world.heard();
  world.new_job({.id = 2, .tip = 2});
  CHECK_EQ(world.heard().size(), 1);
  CHECK(world.host.sent[silent].empty());
}

TEST_CASE("miners that came before the first job get it when it comes") {
  World world;
  world.handshake();
  CHECK_EQ(world.heard().size(), 2);
  world.new_job({.id = 1, .clean = false});
  const auto lines = world.heard();
  REQUIRE_EQ(lines.size(), 2);
  CHECK(lines[0].find("mining.set_difficulty") != std::string::npos);
  CHECK(lines[1].find("true]}") != std::string::npos);
}

TEST_CASE("reading stops while too much waits for the disk, and nothing read is lost") {
  auto options = test_options();
  options.ports[0].start = *bitcoin::Difficulty::from_double(bitcoin::Difficulty::least);
  World world(options);
  world.new_job({.id = 1});
  world.handshake();
  world.heard();
  std::uint32_t sent = 0;
  while (world.shard.reading_allowed() && sent < 200'000) {
    Ground share;
    share.nonce = sent++;
    world.say(world.submit_line(share, 1));
    world.shard.on_turn_end();
  }
  CHECK_FALSE(world.shard.reading_allowed());
  CHECK_LE(world.host.appends.size(), pool::limits::appends_in_flight_max);

  std::size_t handed_over = 0;
  while (!world.shard.drained()) {
    REQUIRE_LT(handed_over, world.host.appends.size());
    world.shard.on_durable(world.host.appends[handed_over++].id);
    world.shard.on_turn_end();
  }
  CHECK(world.shard.reading_allowed());
  const auto stats = world.shard.stats();
  CHECK_EQ(stats.shares_accepted +
               stats.rejects[static_cast<std::size_t>(stratum::RejectReason::low_difficulty)],
           sent);
  CHECK_EQ(world.heard().size(), sent);
}

TEST_CASE("draining takes nothing new but answers what it took") {
  World world;
  world.new_job({.id = 1});
  world.handshake();
  world.heard();
  const auto start = test_options().ports[0].start;
  world.say(world.submit_line(grind(*make_job({.id = 1}), first_extranonce1, meets(start)), 1));
  world.shard.on_turn_end();
  world.shard.drain(world.clock.now);
  const auto told = world.heard();
  REQUIRE_EQ(told.size(), 1);
  CHECK_EQ(told[0], "{\"id\":null,\"method\":\"client.reconnect\",\"params\":[]}\n");
  CHECK_FALSE(world.shard.drained());
  CHECK_FALSE(world.shard.on_connect(pool::ConnectionId{8}, test_peer(), world.clock.now));
  world.say(R"({"id":1,"method":"mining.subscribe","params":[]})");
  CHECK(world.heard().empty());
  world.shard.on_durable(world.host.appends.at(0).id);
  CHECK_EQ(world.heard().size(), 1);
  CHECK(world.shard.drained());
  world.shard.close_all(pool::CloseReason::shutting_down);
  CHECK(world.host.closed.contains(world.miner));
}

TEST_CASE("an answer for a connection that has gone is dropped, its share still counts") {
  World world;
  world.new_job({.id = 1});
  world.handshake();
  const auto start = test_options().ports[0].start;
  world.say(world.submit_line(grind(*make_job({.id = 1}), first_extranonce1, meets(start)), 1));
  world.shard.on_turn_end();
  world.disconnect(world.miner);
  world.heard();
  world.shard.on_durable(world.host.appends.at(0).id);
  CHECK(world.heard().empty());
  CHECK_EQ(world.shard.stats().shares_accepted, 1);
}

TEST_CASE("from a share's arrival to its answer on the way: one time each, for those accepted") {
  World world;
  world.new_job({.id = 1});
  world.handshake();
  const auto start = test_options().ports[0].start;
  const auto good = grind(*make_job({.id = 1}), first_extranonce1, meets(start));
  world.say(world.submit_line(good, 1));
  world.say(world.submit_line(good, 1));  // a duplicate
  world.shard.on_turn_end();
  world.shard.note_replies_sent(world.clock.now.mono + std::chrono::milliseconds(1));
  CHECK_EQ(world.shard.stats().share_to_reply.count(), 0);
  world.shard.on_durable(world.host.appends.at(0).id);
  world.shard.note_replies_sent(world.clock.now.mono + std::chrono::milliseconds(3));
  world.shard.note_replies_sent(world.clock.now.mono + std::chrono::milliseconds(9));
  CHECK_EQ(world.shard.stats().share_to_reply.count(), 1);
  CHECK_EQ(world.shard.stats().share_to_reply.sum(), 3'000);
}

TEST_CASE("reading stops while many blocks are not in the vault yet") {
  const std::uint32_t easy = 0x207fffff;
  World world;
  world.new_job({.id = 1, .nbits = easy});
  world.handshake();
  const auto job = make_job({.id = 1, .nbits = easy});
  std::uint32_t next = 0;
  for (std::size_t i = 0; i < pool::limits::candidates_in_flight_max; ++i) {
    CHECK(world.shard.reading_allowed());
    const Ground block = grind(
        *job, first_extranonce1, [](const mining::ShareVerdict& v) { return v.is_block; }, next);
    next = block.nonce + 1;
    world.say(world.submit_line(block, 1));
  }
  REQUIRE_EQ(world.host.blocks.size(), pool::limits::candidates_in_flight_max);
  CHECK_FALSE(world.shard.reading_allowed());
  world.shard.on_block_vaulted(world.host.blocks[0].hash);
  CHECK(world.shard.reading_allowed());
}

TEST_CASE("a flood of blocks at no cost reaches the node as a bounded number of siblings") {
  const std::uint32_t easy = 0x207fffff;
  World world;
  world.new_job({.id = 1, .nbits = easy});
  world.handshake();
  std::string flood;
  for (std::uint32_t nonce = 0; nonce < 5000; ++nonce) {
    Ground share;
    share.nonce = nonce;
    flood += world.submit_line(share, 1) + "\n";
  }
  world.shard.on_bytes(world.miner, base::as_bytes(flood), world.clock.now);
  CHECK_EQ(world.host.blocks.size(), pool::limits::candidates_per_tip_max);
  world.shard.on_turn_end();
  CHECK_EQ(world.shard.stats().blocks_found, pool::limits::candidates_per_tip_max);
}

TEST_CASE("a full shard takes no more connections, and takes them again when one has left") {
  auto options = test_options();
  options.connections_max = 2;
  World world(options);
  CHECK(world.shard.on_connect(pool::ConnectionId{1}, test_peer(), world.clock.now));
  CHECK_FALSE(world.shard.on_connect(pool::ConnectionId{2}, test_peer(), world.clock.now));
  world.disconnect(pool::ConnectionId{1});
  CHECK(world.shard.on_connect(pool::ConnectionId{3}, test_peer(), world.clock.now));
}

TEST_CASE("without work miners are sent away and nobody is let in, until there is work again") {
  World world;
  world.new_job({.id = 1});
  world.handshake();
  world.heard();
  world.shard.on_no_work(world.clock.now);
  world.shard.on_no_work(world.clock.now);
  const auto told = world.heard();
  REQUIRE_EQ(told.size(), 1);
  CHECK_EQ(told[0], "{\"id\":null,\"method\":\"client.reconnect\",\"params\":[]}\n");
  CHECK_FALSE(world.shard.on_connect(pool::ConnectionId{8}, test_peer(), world.clock.now));

  SUBCASE("it is over before those that stay are closed") {
    world.clock.advance(9s);
    world.shard.on_tick(world.clock.now);
    world.shard.on_work_again();
    world.clock.advance(9s);
    world.shard.on_tick(world.clock.now);
    CHECK(world.host.closed.empty());
  }
  SUBCASE("those that stay are closed") {
    world.clock.advance(10s);
    world.shard.on_tick(world.clock.now);
    REQUIRE(world.host.closed.contains(world.miner));
    CHECK_EQ(world.host.closed.at(world.miner), pool::CloseReason::no_work);
    world.shard.on_work_again();
  }
  CHECK(world.shard.on_connect(pool::ConnectionId{9}, test_peer(), world.clock.now));
}

// ---------------------------------------------------------------- limits of an address

TEST_CASE("a shard keeps the limits of an address, and forgets a connection that it refuses") {
  auto options = test_options();
  options.address_limits.connections_per_address = 3;
  options.address_limits.handshakes_per_address = 2;
  World world(options);  // has one connection
  const auto connect = [&](std::uint64_t id, const char* from) {
    return world.shard.on_connect(pool::ConnectionId{id}, test_peer(from), world.clock.now);
  };
  CHECK(connect(1, "192.0.2.1"));
  CHECK_FALSE(connect(2, "192.0.2.1"));  // two that do not mine
  CHECK(connect(3, "192.0.2.2"));
  world.handshake();
  CHECK(connect(4, "192.0.2.1"));
  CHECK_FALSE(connect(5, "192.0.2.1"));  // three in all
  CHECK_EQ(world.shard.stats().connections_refused, 2);
  CHECK_EQ(world.shard.stats().connections, 4);
  world.disconnect(world.miner);
  CHECK_FALSE(connect(6, "192.0.2.1"));  // the one that mined has gone: again two that do not
  world.disconnect(pool::ConnectionId{4});
  CHECK(connect(7, "192.0.2.1"));
}

TEST_CASE("an address can't get past its limits by way of another shard") {
  auto options = test_options();
  options.address_limits.handshakes_per_address = 2;
  World world(options);  // has one connection
  const auto arrive = [&](std::uint64_t id) {
    pool::HandOver state;
    state.subscribe_id.json = "1";
    return world.shard.on_hand_over(pool::ConnectionId{id}, test_peer(), state, world.clock.now);
  };
  CHECK(arrive(1));
  CHECK_FALSE(arrive(2));
  CHECK_EQ(world.shard.stats().connections_refused, 1);
  CHECK_EQ(world.shard.stats().connections, 2);
  world.disconnect(pool::ConnectionId{1});
  CHECK(arrive(3));
}

TEST_CASE("loopback and trusted proxies have no limits and are not banned") {
  auto options = test_options();
  options.address_limits.connections_per_address = 1;
  World world(options);
  pool::Peer proxy = test_peer("192.0.2.1");
  proxy.limited = false;
  for (std::uint64_t i = 100; i < 150; ++i) {
    REQUIRE(world.shard.on_connect(pool::ConnectionId{i}, proxy, world.clock.now));
    world.shard.on_bytes(pool::ConnectionId{i}, base::as_bytes("x\nx\nx\n"), world.clock.now);
    CHECK_EQ(world.host.closed.count(pool::ConnectionId{i}), 1);
    world.disconnect(pool::ConnectionId{i});
  }
  CHECK(world.host.bans.empty());
}

TEST_CASE("garbage again and again is a ban, told to the other shards; probes never are") {
  World world;
  const auto visit = [&](std::uint64_t id, const char* from, const std::string& bytes) {
    const pool::ConnectionId who{id};
    if (!world.shard.on_connect(who, test_peer(from), world.clock.now)) return false;
    world.shard.on_bytes(who, base::as_bytes(bytes), world.clock.now);
    world.disconnect(who);
    return true;
  };
  for (std::uint64_t i = 100; i < 110; ++i) CHECK(visit(i, "198.51.100.7", "x\ny\nz\n"));
  CHECK_FALSE(visit(110, "198.51.100.7", "x\ny\nz\n"));
  REQUIRE_EQ(world.host.bans.size(), 1);
  CHECK(world.host.bans[0].why == pool::Offence::not_stratum);

  for (std::uint64_t i = 200; i < 205; ++i) {
    CHECK(visit(i, "198.51.100.8", std::string(pool::limits::line_bytes_max + 1, '{')));
  }
  CHECK_FALSE(visit(205, "198.51.100.8", "{}\n"));

  const std::string probe =
      std::string(R"({"id":1,"method":"mining.subscribe","params":["bitaxe/BM1370/v2.9.0"]})") +
      "\n" + R"({"id":2,"method":"mining.authorize","params":[")" + address + "\",\"x\"]}\n";
  for (std::uint64_t i = 1000; i < 3000; ++i) CHECK(visit(i, "198.51.100.9", probe));
  CHECK_EQ(world.host.bans.size(), 2);

  world.shard.on_ban({*pool::AddressPrefix::parse("198.51.100.10"), world.clock.now.mono + 60s,
                      pool::Offence::http});
  CHECK_FALSE(visit(4000, "198.51.100.10", probe));
  world.clock.advance(60s);
  CHECK(visit(4001, "198.51.100.10", probe));
}

TEST_CASE("an offence before the first line counts for the connection's address") {
  World world;
  const pool::ConnectionId who{7};
  REQUIRE(world.shard.on_connect(who, test_peer("198.51.100.7"), world.clock.now));
  for (int i = 0; i < 10; ++i) {
    world.shard.on_offence(who, pool::Offence::not_stratum, world.clock.now);
  }
  REQUIRE_EQ(world.host.bans.size(), 1);
  CHECK_EQ(world.host.bans[0].prefix.text(), "198.51.100.7");
  world.shard.on_offence(pool::ConnectionId{999}, pool::Offence::http, world.clock.now);  // gone
}
