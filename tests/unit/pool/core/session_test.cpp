#include "pool/core/session.h"
#include "tests/unit/pool/core/shard_fixture.h"

using namespace pool_test;
using pool::CloseReason;
using stratum::RejectReason;

namespace {

const bitcoin::Difficulty start = test_options().ports[0].start;

std::uint64_t rejects(const World& world, RejectReason reason) {
  return world.shard.stats().rejects[static_cast<std::size_t>(reason)];
}
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the handshake is answered in the order that every miner found can take") {
  World world;
  world.new_job({.id = 9, .clean = false});
  world.say(
      R"({"id":0,"method":"mining.configure","params":[["version-rolling","foo"],{"version-rolling.mask":"ffffffff"}]})");
  world.say(R"({"id":1,"method":"mining.subscribe","params":["cgminer/4.11.1"]})");
  auto lines = world.heard();
  REQUIRE_EQ(lines.size(), 2);
  CHECK_EQ(lines[0],
           "{\"id\":0,\"result\":{\"version-rolling\":true,\"version-rolling.mask\":\"1fffe000\","
           "\"foo\":false},\"error\":null}\n");
  CHECK(contains(lines[1], R"(["mining.notify",)"));
  CHECK(contains(lines[1], R"("00030000",8])"));

  world.say(std::string(R"({"id":2,"method":"mining.authorize","params":[")") + address +
            R"(","x"]})");
  lines = world.heard();
  REQUIRE_EQ(lines.size(), 4);
  CHECK_EQ(lines[0], "{\"id\":2,\"result\":true,\"error\":null}\n");
  CHECK(contains(lines[1], "mining.set_version_mask"));
  CHECK(contains(lines[2], "mining.set_difficulty"));
  CHECK(contains(lines[3], "mining.notify"));
  CHECK(contains(lines[3], "true]}"));  // a first job is clean, though this one was a refresh
}

TEST_CASE("the same handshake arrives whole, however the bytes are cut") {
  const std::string bytes =
      "{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[]}\r\n\n"
      "{\"id\":2,\"method\":\"mining.authorize\",\"params\":[\"" +
      std::string(address) + ".rig\",\"x\"]}\n";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{10},
                                  std::size_t{100}, bytes.size()}) {
    CAPTURE(piece);
    World world;
    world.new_job({});
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      world.shard.on_bytes(world.miner, base::as_bytes(std::string_view(bytes).substr(at, piece)),
                           world.clock.now);
    }
    CHECK_EQ(world.heard().size(), 4);  // two results, set_difficulty, notify
  }
}

TEST_CASE("authorize before subscribe is answered, and mining begins when both are there") {
  World world;
  world.new_job({});
  world.say(std::string(R"({"id":2,"method":"mining.authorize","params":[")") + address + R"("]})");
  CHECK_EQ(world.heard().size(), 1);
  world.say(R"({"id":1,"method":"mining.subscribe","params":[]})");
  CHECK_EQ(world.heard().size(), 3);
}

TEST_CASE("a user name that is no address of the network is refused with the reason") {
  World world;
  struct Row {
    const char* why;
    const char* user;
    const char* text;
  };
  const Row rows[] = {
      {"mainnet address on regtest", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4.rig", "network"},
      {"one letter wrong", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt081", "checksum"},
      {"nothing", "", ""},
      {"a name only", ".rig", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    world.say(std::string(R"({"id":2,"method":"mining.authorize","params":[")") + row.user +
              R"(","x"]})");
    const auto lines = world.heard();
    REQUIRE_EQ(lines.size(), 1);
    CHECK(contains(lines[0], R"("result":false,"error":[24,)"));
    CHECK(contains(lines[0], row.text));
  }
  CHECK_EQ(rejects(world, RejectReason::bad_address), 4);
  CHECK(world.host.closed.empty());  // left open, so that the answer can be read
}

TEST_CASE("an accepted share is answered only when it is on disk") {
  World world;
  world.new_job({.id = 5});
  world.handshake();
  world.heard();
  const Ground share = grind(*make_job({.id = 5}), first_extranonce1, meets(start));
  world.say(world.submit_line(share, 5));
  world.shard.on_turn_end();
  CHECK(world.heard().empty());
  REQUIRE_EQ(world.host.appends.size(), 1);
  CHECK_EQ(world.shard.stats().shares_accepted, 0);
  CHECK_EQ(world.shard.stats().shares_pending, 1);

  world.shard.on_durable(world.host.appends[0].id);
  const auto lines = world.heard();
  REQUIRE_EQ(lines.size(), 1);
  CHECK_EQ(lines[0], "{\"id\":7,\"result\":true,\"error\":null}\n");
  CHECK_EQ(world.shard.stats().shares_accepted, 1);
  CHECK_EQ(world.shard.stats().work_accepted, bitcoin::Target256::from_difficulty(start).work());

  // The journalled record says what was credited, to whom, and names the header.
  const base::Bytes& payloads = world.host.appends[0].payloads;
  base::Bytes frames;
  REQUIRE_EQ(pool::append_frames(frames, payloads, 1), 1);
  const auto frame = pool::parse_frame(frames);
  REQUIRE(frame);
  const auto* record = std::get_if<pool::ShareRecord>(&frame->record);
  REQUIRE(record != nullptr);
  CHECK_EQ(record->address, address);
  CHECK_EQ(record->worker_name, "rig");
  CHECK_EQ(record->difficulty, start.value());
  CHECK_EQ(record->hash, share.hash);
  CHECK_EQ(record->job_id, 5);
}

TEST_CASE("a share that could not be written is refused, not counted, and may be sent again") {
  World world;
  world.new_job({.id = 5});
  world.handshake();
  world.heard();
  const Ground share = grind(*make_job({.id = 5}), first_extranonce1, meets(start));
  world.say(world.submit_line(share, 5));
  world.shard.on_turn_end();
  world.shard.on_not_durable(world.host.appends[0].id, world.host.appends[0].id);
  auto lines = world.heard();
  REQUIRE_EQ(lines.size(), 1);
  CHECK(contains(lines[0], R"("result":false,"error":[20,)"));
  CHECK_EQ(world.shard.stats().shares_accepted, 0);

  world.say(world.submit_line(share, 5, "8"));
  world.shard.on_turn_end();
  REQUIRE_EQ(world.host.appends.size(), 2);
  world.shard.on_durable(world.host.appends[1].id);
  lines = world.heard();
  REQUIRE_EQ(lines.size(), 1);
  CHECK(contains(lines[0], R"("id":8,"result":true)"));
}

TEST_CASE("each reason to refuse a share has its code and its count") {
  World world;
  world.new_job({.id = 5});
  world.handshake();
  world.heard();
  const auto job = make_job({.id = 5});
  const Ground good = grind(*job, first_extranonce1, meets(start));
  const Ground poor = grind(*job, first_extranonce1, misses(start));
  const auto refused = [&](const std::string& line, RejectReason reason, int code) {
    const auto before = rejects(world, reason);
    world.settle();
    world.heard();
    world.say(line);
    const auto lines = world.heard();
    REQUIRE_EQ(lines.size(), 1);
    CHECK(contains(lines[0], "\"error\":[" + std::to_string(code) + ","));
    CHECK_EQ(rejects(world, reason), before + 1);
  };
  refused(world.submit_line(poor, 5), RejectReason::low_difficulty, 23);
  refused(world.submit_line(good, 4), RejectReason::job_not_found, 21);
  refused(world.submit_line(good, 5, "7", R"(,"20000000")"), RejectReason::bad_version_bits, 20);
  refused(R"({"id":7,"method":"mining.submit","params":["x"]})", RejectReason::malformed, 20);

  std::string line = world.submit_line(good, 5);
  line.replace(line.find("0000000000000000\""), 2, "");
  refused(line, RejectReason::bad_extranonce2, 20);

  line = world.submit_line(good, 5);
  line.replace(line.find(".rig"), 4, ".pig");
  refused(line, RejectReason::unauthorized, 24);

  const auto with_time = [&](std::int64_t seconds) {
    std::string text = world.submit_line(good, 5);
    const std::string was = base::u32_hex(static_cast<std::uint32_t>(start_seconds));
    text.replace(text.find("\"" + was) + 1, 8, base::u32_hex(static_cast<std::uint32_t>(seconds)));
    return text;
  };
  refused(with_time(start_seconds - 3601), RejectReason::ntime_too_old, 20);
  refused(with_time(start_seconds + 7201), RejectReason::ntime_too_new, 20);

  world.say(world.submit_line(good, 5));  // accepted, so its repeat is a duplicate
  refused(world.submit_line(good, 5), RejectReason::duplicate, 22);
}

TEST_CASE("submit before subscribe, and ten without authorization, end as they should") {
  World world;
  world.new_job({.id = 5});
  const Ground any;
  world.say(world.submit_line(any, 5));
  CHECK(contains(world.heard().at(0), "\"error\":[25,"));
  world.say(R"({"id":1,"method":"mining.subscribe","params":[]})");
  for (int i = 0; i < 10; ++i) {
    CHECK(world.host.closed.empty());
    world.say(world.submit_line(any, 5));
  }
  REQUIRE(world.host.closed.contains(world.miner));
  CHECK_EQ(world.host.closed[world.miner], CloseReason::too_many_unauthorized);
}

TEST_CASE("a new tip makes shares for the old one stale; a refresh does not") {
  World world;
  world.new_job({.id = 5, .tip = 1});
  world.handshake();
  world.new_job({.id = 6, .tip = 1, .clean = false});
  world.heard();
  const Ground share = grind(*make_job({.id = 5, .tip = 1}), first_extranonce1, meets(start));
  world.say(world.submit_line(share, 5));
  CHECK(world.heard().empty());  // accepted, waiting for the disk
  world.settle();

  world.new_job({.id = 7, .tip = 2});
  world.heard();
  const Ground late =
      grind(*make_job({.id = 5, .tip = 1}), first_extranonce1, meets(start), share.nonce + 1);
  world.say(world.submit_line(late, 5));
  CHECK(contains(world.heard().at(0), "\"error\":[21,\"Stale"));
}

TEST_CASE("a block is submitted first, whatever is wrong with its share") {
  const std::uint32_t easy = 0x207fffff;  // regtest: every other hash is a block
  const auto is_block = [](const mining::ShareVerdict& verdict) { return verdict.is_block; };
  const auto block_only = [&](const mining::ShareVerdict& verdict) {
    return verdict.is_block && misses(start)(verdict);
  };
  auto options = test_options();
  options.ports[0].min = start;  // above the network's: the floor wins
  World world(options);
  world.new_job({.id = 5, .tip = 1, .nbits = easy});
  world.handshake();
  world.heard();
  const auto job = make_job({.id = 5, .tip = 1, .nbits = easy});

  SUBCASE("low difficulty: the share is refused, the block goes out") {
    world.host.order.clear();
    world.say(world.submit_line(grind(*job, first_extranonce1, block_only), 5));
    REQUIRE_EQ(world.host.blocks.size(), 1);
    CHECK_EQ(world.host.order.front(), "submit_block");
    CHECK(contains(world.heard().at(0), "\"error\":[23,"));
  }
  SUBCASE("stale: a late block may still win") {
    world.new_job({.id = 6, .tip = 2, .nbits = easy});
    world.heard();
    world.say(world.submit_line(grind(*job, first_extranonce1, is_block), 5));
    REQUIRE_EQ(world.host.blocks.size(), 1);
    CHECK_EQ(world.host.blocks[0].job->id.value, 5);
    CHECK(contains(world.heard().at(0), "\"error\":[21,"));
  }
  SUBCASE("worker not authorized: the pool's own address is credited") {
    std::string line = world.submit_line(grind(*job, first_extranonce1, is_block), 5);
    line.replace(line.find(".rig"), 4, ".pig");
    world.say(line);
    REQUIRE_EQ(world.host.blocks.size(), 1);
    CHECK(contains(world.heard().at(0), "\"error\":[24,"));
  }
  SUBCASE("not logged in yet: a miner that comes back sends what it had queued") {
    const pool::ConnectionId back{43};
    REQUIRE(world.shard.on_connect(back, test_peer(), world.clock.now));
    world.say(back, R"({"id":1,"method":"mining.subscribe","params":["test/1"]})");
    const pool::Extranonce1 second{0, 3, 0, 1};
    world.host.sent[back].clear();
    world.say(back, world.submit_line(grind(*job, second, is_block), 5));
    REQUIRE_EQ(world.host.blocks.size(), 1);
    CHECK_EQ(world.host.blocks[0].candidate.worker_name, "unauthorized");
    CHECK(contains(world.host.sent[back].at(0), "\"error\":[24,"));
  }
  SUBCASE("the same block twice is submitted once") {
    const Ground block = grind(*job, first_extranonce1, block_only);
    world.say(world.submit_line(block, 5));
    world.say(world.submit_line(block, 5));
    CHECK_EQ(world.host.blocks.size(), 1);
    CHECK_EQ(world.shard.stats().blocks_found, 1);
  }
  SUBCASE("version bits outside the mask are refused, but consensus allows the block") {
    const Ground block = grind(*job, first_extranonce1, is_block, 0, 0x00000002);
    world.say(world.submit_line(block, 5, "7", R"(,"00000002")"));
    REQUIRE_EQ(world.host.blocks.size(), 1);
    CHECK(contains(world.heard().at(0), "\"error\":[20,"));
  }
}

TEST_CASE("a block candidate's true waits for the vault as well as for the journal") {
  const std::uint32_t easy = 0x207fffff;
  auto options = test_options();
  options.ports[0].start = *bitcoin::Difficulty::from_double(bitcoin::Difficulty::least);
  World world(options);
  world.new_job({.id = 5, .nbits = easy});
  world.handshake();
  world.heard();
  const Ground block = grind(*make_job({.id = 5, .nbits = easy}), first_extranonce1,
                             [](const mining::ShareVerdict& verdict) { return verdict.is_block; });
  world.say(world.submit_line(block, 5));
  world.shard.on_turn_end();
  REQUIRE_EQ(world.host.appends.size(), 1);
  // The share alone: the block's own record goes with the block.
  base::Bytes frames;
  REQUIRE_EQ(pool::append_frames(frames, world.host.appends[0].payloads, 1), 1);
  CHECK(std::holds_alternative<pool::ShareRecord>(pool::parse_frame(frames)->record));
  const pool::FoundBlock& found = world.host.blocks.at(0);
  CHECK_EQ(found.candidate.hash, block.hash);
  CHECK_EQ(found.candidate.header, found.header);
  CHECK_EQ(found.candidate.coinbase, found.coinbase);
  CHECK_EQ(found.candidate.address, pool_test::address);
  CHECK_EQ(found.candidate.worker_name, "rig");
  CHECK_EQ(found.candidate.height, found.job->height());
  SUBCASE("journal first") {
    world.shard.on_durable(world.host.appends[0].id);
    CHECK(world.heard().empty());
    CHECK_FALSE(world.shard.drained());
    world.shard.on_block_vaulted(block.hash);
  }
  SUBCASE("vault first") {
    world.shard.on_block_vaulted(block.hash);
    CHECK(world.heard().empty());
    world.shard.on_durable(world.host.appends[0].id);
  }
  CHECK_EQ(world.heard().size(), 1);
  CHECK(world.shard.drained());
}

TEST_CASE("a true waits for the vault also when another submit brought the block") {
  const std::uint32_t easy = 0x207fffff;
  auto options = test_options();
  options.ports[0].start = *bitcoin::Difficulty::from_double(bitcoin::Difficulty::least);
  World world(options);
  world.new_job({.id = 5, .nbits = easy});
  world.handshake();
  world.heard();
  const Ground block = grind(*make_job({.id = 5, .nbits = easy}), first_extranonce1,
                             [](const mining::ShareVerdict& verdict) { return verdict.is_block; });
  std::string by_a_stranger = world.submit_line(block, 5);
  by_a_stranger.replace(by_a_stranger.find(".rig"), 4, ".who");
  world.say(by_a_stranger);
  REQUIRE_EQ(world.host.blocks.size(), 1);
  CHECK(contains(world.heard().at(0), "\"error\":[24,"));
  world.say(world.submit_line(block, 5));
  CHECK_EQ(world.host.blocks.size(), 1);
  world.shard.on_turn_end();
  world.shard.on_durable(world.host.appends.at(0).id);
  CHECK(world.heard().empty());
  world.shard.on_block_vaulted(block.hash);
  CHECK_EQ(world.heard().size(), 1);
}

TEST_CASE("a static difficulty comes back when the network's has been low for a while") {
  auto options = test_options();
  options.ports[0].vardiff = false;
  World world(options);
  world.new_job({.id = 5, .nbits = 0x207fffff});
  world.handshake();
  CHECK(contains(world.heard().at(2), "[0.000000000465654"));
  world.new_job({.id = 6, .tip = 2});
  CHECK(contains(world.heard().at(0), "[" + start.text() + "]"));
}

TEST_CASE("an hour without an accepted share ends the connection") {
  World world;
  world.new_job({.id = 5});
  world.handshake();
  world.clock.advance(test_options().idle_deadline);
  world.shard.on_tick(world.clock.now);
  CHECK(world.host.closed.empty());
  world.clock.advance(1ms);
  world.shard.on_tick(world.clock.now);
  REQUIRE(world.host.closed.contains(world.miner));
  CHECK_EQ(world.host.closed[world.miner], CloseReason::idle);
}

TEST_CASE("unknown methods, bad JSON and notifications") {
  World world;
  world.say(R"({"id":"abc","method":"mining.fancy","params":[]})");
  CHECK(contains(world.heard().at(0), R"("id":"abc","result":null,"error":[20,)"));
  world.say(R"({"id":null,"method":"mining.suggest_difficulty","params":[1]})");
  CHECK(world.heard().empty());
  world.say("GET / HTTP/1.1");
  world.say("\x16\x03\x01");
  CHECK(world.host.closed.empty());
  world.say("again");
  REQUIRE(world.host.closed.contains(world.miner));
  CHECK_EQ(world.host.closed[world.miner], CloseReason::not_stratum);
  world.say(R"({"id":1,"method":"mining.subscribe","params":[]})");
  CHECK(world.heard().empty());  // deaf from then on
}

TEST_CASE("a line without end closes the connection at the limit") {
  World world;
  const std::string flood(pool::limits::line_bytes_max + 1, 'x');
  world.shard.on_bytes(world.miner, base::as_bytes(flood), world.clock.now);
  REQUIRE(world.host.closed.contains(world.miner));
  CHECK_EQ(world.host.closed[world.miner], CloseReason::line_too_long);
}

TEST_CASE("a connection that never says who it is is closed in time") {
  World world;
  world.clock.advance(test_options().subscribe_deadline);
  world.shard.on_tick(world.clock.now);
  CHECK(world.host.closed.empty());
  world.clock.advance(1ms);
  world.shard.on_tick(world.clock.now);
  CHECK(world.host.closed.contains(world.miner));
}

TEST_CASE("one connection may carry many workers; past the limit the silent ones make room") {
  World world;
  world.new_job({});
  world.handshake();
  world.heard();
  for (std::size_t i = 1; i <= pool::limits::workers_per_connection_max; ++i) {
    world.say(std::string(R"({"id":3,"method":"mining.authorize","params":[")") + address + ".w" +
              std::to_string(i) + R"(","x"]})");
    CHECK(contains(world.heard().at(0), R"("result":true)"));
  }
  CHECK_EQ(world.shard.stats().workers, pool::limits::workers_per_connection_max);
  CHECK_EQ(world.shard.stats().miners, 1);
  world.disconnect(world.miner);
  CHECK_EQ(world.shard.stats().workers, 0);
}

TEST_CASE(
    "answers leave in the order of their requests, also behind a share that waits for the disk") {
  World world;
  world.new_job({.id = 5});
  world.handshake();
  world.heard();
  const Ground share = grind(*make_job({.id = 5}), first_extranonce1, meets(start));
  const std::string ping = R"({"id":8,"method":"mining.ping","params":[]})";
  world.say(world.submit_line(share, 5));
  world.say(ping);
  world.say(world.submit_line(share, 5, "9"));  // a duplicate
  world.shard.on_turn_end();
  CHECK(world.heard().empty());
  // What the pool has to say by itself does not wait.
  world.new_job({.id = 6, .clean = false});
  CHECK_EQ(world.heard().size(), 1);
  world.shard.on_durable(world.host.appends[0].id);
  auto lines = world.heard();
  REQUIRE_EQ(lines.size(), 3);
  CHECK_EQ(lines[0], "{\"id\":7,\"result\":true,\"error\":null}\n");
  CHECK(contains(lines[1], "pong"));
  CHECK(contains(lines[2], "{\"id\":9,\"result\":false,\"error\":[22,"));
  world.say(ping);
  CHECK_EQ(world.heard().size(), 1);  // nothing waits any more
}

TEST_CASE("an answer behind a share that could not be stored is sent after the refusal") {
  World world;
  world.new_job({.id = 5});
  world.handshake();
  world.heard();
  world.say(world.submit_line(grind(*make_job({.id = 5}), first_extranonce1, meets(start)), 5));
  world.say(R"({"id":8,"method":"mining.ping","params":[]})");
  world.shard.on_turn_end();
  const auto append = world.host.appends[0].id;
  world.shard.on_not_durable(append, append);
  const auto lines = world.heard();
  REQUIRE_EQ(lines.size(), 2);
  CHECK(contains(lines[0], "\"id\":7,\"result\":false"));
  CHECK(contains(lines[1], "pong"));
}

TEST_CASE("who asks on and on while the disk hangs is not read from after a while") {
  World world;
  world.new_job({.id = 5});
  world.handshake();
  world.heard();
  world.say(world.submit_line(grind(*make_job({.id = 5}), first_extranonce1, meets(start)), 5));
  world.shard.on_turn_end();
  for (std::uint32_t i = 0; i <= pool::limits::answers_waiting_max; ++i) {
    world.say(R"({"id":8,"method":"mining.ping","params":[]})");
  }
  CHECK(world.heard().empty());
  CHECK(world.host.paused.contains(world.miner));
  world.clock.advance(60s);
  world.shard.on_tick(world.clock.now);
  CHECK(world.host.paused.contains(world.miner));
  world.shard.on_durable(world.host.appends[0].id);
  CHECK_EQ(world.heard().size(), pool::limits::answers_waiting_max + 2);
  world.shard.on_tick(world.clock.now);
  CHECK_FALSE(world.host.paused.contains(world.miner));
}
