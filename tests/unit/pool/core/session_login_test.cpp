#include "pool/core/limits.h"
#include "tests/unit/pool/core/shard_fixture.h"

using namespace pool_test;
using pool::ConnectionId;

namespace {

constexpr std::uint64_t step = mining::job_id_step;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
std::string subscribe(const std::string& user_agent, const std::string& session_id) {
  return R"({"id":1,"method":"mining.subscribe","params":[")" + user_agent + "\",\"" + session_id +
         "\"]}";
}
std::string authorize(const std::string& user, const std::string& password = "x") {
  return R"({"id":2,"method":"mining.authorize","params":[")" + user + "\",\"" + password + "\"]}";
}
// The lines that a client gets for what it says.
struct Client {
  World& world;
  ConnectionId id;

  Client(World& where, std::uint64_t number) : world(where), id(number) {
    REQUIRE(world.shard.on_connect(id, test_peer(), world.clock.now));
  }
  std::vector<std::string> say(const std::string& text) {
    world.say(id, text);
    return std::exchange(world.host.sent[id], {});
  }
};

}  // namespace

TEST_CASE("who comes back in time gets its extranonce1 again") {
  World world;
  Client first(world, 100);
  CHECK(contains(first.say(subscribe("cgminer/4.11.1", "")).at(0), "\"00030000\",8]"));
  world.clock.advance(10s);
  world.disconnect(first.id);
  Client other(world, 101);
  CHECK(contains(other.say(subscribe("cgminer/4.11.1", "")).at(0), "\"00030001\",8]"));
  world.clock.advance(100s);
  Client again(world, 102);
  CHECK(contains(again.say(subscribe("cgminer/4.11.1", "00030000n")).at(0), "\"00030000\",8]"));
  CHECK_EQ(world.shard.stats().resumed, 1);
  // It lives again, so nobody else can have it.
  Client thief(world, 103);
  CHECK(contains(thief.say(subscribe("cgminer/4.11.1", "00030000")).at(0), "\"00030002\",8]"));
  world.disconnect(again.id);
  world.clock.advance(181s);
  world.shard.on_tick(world.clock.now);
  Client late(world, 104);
  CHECK_FALSE(contains(late.say(subscribe("cgminer/4.11.1", "00030000")).at(0), "\"00030000\",8]"));
}

TEST_CASE("a second subscribe gets the same answer") {
  World world;
  Client miner(world, 100);
  const auto answer = miner.say(subscribe("a/1", ""));
  CHECK_EQ(miner.say(subscribe("a/1", "")), answer);
  CHECK_EQ(miner.say(subscribe("b/1", "00030077")), answer);
}

TEST_CASE("a session of another shard goes there, with all that was said") {
  auto options = test_options();
  options.shard_count = 8;
  World here(options);
  options.index = pool::ShardIndex{5};
  World there(options);
  there.new_job({.id = step});
  {
    Client before(there, 900);
    CHECK(contains(before.say(subscribe("x/1", "")).at(0), "\"00050000\",8]"));
    there.disconnect(before.id);
  }
  Client miner(here, 100);
  miner.say(
      R"({"id":0,"method":"mining.configure","params":[["version-rolling","subscribe-extranonce"],{"version-rolling.mask":"00ffe000"}]})");
  const std::string rest = authorize(address) + "\n{\"id\":3,\"method\":\"mining.pi";
  const std::string text = subscribe("x/1", "00050000") + "\n" + rest;
  here.shard.on_bytes(miner.id, base::as_bytes(text), here.clock.now);
  CHECK(here.host.sent[miner.id].empty());
  REQUIRE(here.host.handed_over.contains(miner.id));
  pool::HandOver state = std::move(here.host.handed_over[miner.id]);
  CHECK_EQ(state.owner, pool::ShardIndex{5});
  CHECK_EQ(base::as_text(state.unread), rest);
  // Bytes that come before the loop has moved it are not lost, but here they mean nothing any more.
  here.shard.on_bytes(miner.id, base::as_bytes(std::string_view("x\n")), here.clock.now);
  here.disconnect(miner.id);
  CHECK(here.host.closed.empty());

  const ConnectionId moved{901};
  REQUIRE(there.shard.on_hand_over(moved, test_peer(), std::move(state), there.clock.now));
  auto lines = std::exchange(there.host.sent[moved], {});
  REQUIRE_EQ(lines.size(), 5);
  CHECK(contains(lines[0], "\"00050000\",8]"));
  CHECK_EQ(lines[1], "{\"id\":2,\"result\":true,\"error\":null}\n");
  CHECK(contains(lines[2], R"("mining.set_version_mask","params":["00ffe000"])"));
  CHECK(contains(lines[3], "set_difficulty"));
  CHECK(contains(lines[4], "notify"));
  there.say(moved, "ng\",\"params\":[]}");
  CHECK(contains(there.host.sent[moved].at(0), "pong"));
}

TEST_CASE("who can't be given its session stays where it is") {
  auto options = test_options();
  options.shard_count = 4;
  struct Row {
    const char* why;
    const char* session_id;
  };
  const Row rows[] = {{"another pool's", "07010000"},
                      {"a shard there is not", "00040000"},
                      {"this shard's, never given out", "00030777"},
                      {"not a session id", "deadbeefdeadbeefdeadbeefdeadbeef"}};
  for (const Row& row : rows) {
    CAPTURE(row.why);
    World world(options);
    Client miner(world, 100);
    CHECK(contains(miner.say(subscribe("x/1", row.session_id)).at(0), "\"00030000\",8]"));
    CHECK(world.host.handed_over.empty());
  }
  // One that has logged in already is known here.
  World world(options);
  Client miner(world, 100);
  miner.say(authorize(address));
  CHECK(contains(miner.say(subscribe("x/1", "00010000")).at(0), "\"00030000\",8]"));
  // A shard that does not have it free gives another.
  pool::HandOver state;
  state.owner = pool::ShardIndex{3};
  state.subscribe_id.json = "1";
  state.subscribe.session_id = "00030000";
  REQUIRE(
      world.shard.on_hand_over(ConnectionId{200}, test_peer(), std::move(state), world.clock.now));
  CHECK(contains(world.host.sent[ConnectionId{200}].at(0), "\"00030001\",8]"));
}

TEST_CASE(
    "NiceHash hears its difficulty right after subscribe, and once more before its first job") {
  auto options = test_options();
  options.user_agents[0] = {"NiceHash/", "nicehash", {}, {}, {}, true};
  World world(options);
  world.new_job({.id = step});
  Client miner(world, 100);
  auto lines = miner.say(subscribe("NiceHash/1.0.0", ""));
  REQUIRE_EQ(lines.size(), 2);
  CHECK(contains(lines[1], "mining.set_difficulty"));
  const std::string early = lines[1];
  lines = miner.say(authorize(address));
  REQUIRE_EQ(lines.size(), 3);
  CHECK_EQ(lines[1], early);
  CHECK(contains(lines[2], "mining.notify"));
  // With a password that changes it, it is told.
  Client picky(world, 101);
  picky.say(subscribe("NiceHash/1.0.0", ""));
  lines = picky.say(authorize(address, "d=0.5"));
  REQUIRE_EQ(lines.size(), 3);
  CHECK(contains(lines[1], R"("params":[0.5])"));
}

TEST_CASE("NiceHash hears its difficulty early once, however often it subscribes") {
  auto options = test_options();
  options.user_agents[0] = {"NiceHash/", "nicehash", {}, {}, {}, true};
  World world(options);
  world.new_job({.id = step});
  Client miner(world, 100);
  CHECK_EQ(miner.say(subscribe("NiceHash/1.0.0", "")).size(), 2);
  CHECK_EQ(miner.say(subscribe("NiceHash/1.0.0", "")).size(), 1);
}

TEST_CASE("the password of the first to log in decides the difficulty") {
  World world;
  world.new_job({.id = step});
  Client miner(world, 100);
  miner.say(subscribe("x/1", ""));
  const auto lines = miner.say(authorize(std::string(address) + ".a", "x,d=0.25"));
  CHECK(contains(lines.at(1), R"("params":[0.25])"));
  CHECK_EQ(miner.say(authorize(std::string(address) + ".b", "d=0.5")).size(), 1);
  world.new_job({.id = 2 * step, .clean = false});
  CHECK_EQ(std::exchange(world.host.sent[miner.id], {}).size(), 1);
}

TEST_CASE("a worker's proven difficulty is remembered, here and on other shards") {
  World world;
  world.new_job({.id = step});
  Client miner(world, 100);
  miner.say(subscribe("x/1", ""));
  miner.say(authorize(std::string(address) + ".rig", "fd=0.0000002384185791015625"));  // 2^-22
  const auto difficulty = *bitcoin::Difficulty::from_double(1.0 / (1 << 22));
  std::uint32_t nonce = 0;
  const pool::Extranonce1 extranonce1{0, 3, 0, 0};
  for (int i = 0; i < 12; ++i) {
    const Ground share = grind(*make_job({.id = step}), extranonce1, meets(difficulty), nonce);
    nonce = share.nonce + 1;
    world.clock.advance(10s);
    miner.say(world.submit_line(share, step));
  }
  world.disconnect(miner.id);
  const auto told = world.shard.take_difficulties();
  // A difficulty that the miner fixed proves nothing, and is its own affair.
  CHECK_LE(told.size(), 1);

  World elsewhere;
  elsewhere.new_job({.id = step});
  elsewhere.shard.on_difficulties(
      {{std::string(address) + ".rig", *bitcoin::Difficulty::from_double(0.25),
        elsewhere.clock.now.mono}});
  Client back(elsewhere, 100);
  back.say(subscribe("x/1", ""));
  CHECK(contains(back.say(authorize(std::string(address) + "_rig")).at(1), R"("params":[0.25])"));
}

TEST_CASE("ten refused logins end the connection, ten good ones do not") {
  World world;
  Client miner(world, 100);
  for (std::uint32_t i = 0; i < pool::limits::bad_authorizes_max; ++i) {
    CHECK(world.host.closed.empty());
    miner.say(authorize("nobody"));
  }
  CHECK_EQ(world.host.closed.at(miner.id), pool::CloseReason::auth_failed);
}

TEST_CASE("who did not say what it is, is asked when its login is long over") {
  World world;
  world.new_job({.id = step});
  Client miner(world, 100);
  miner.say(R"({"id":1,"method":"mining.subscribe","params":[]})");
  miner.say(authorize(address));
  world.clock.advance(pool::limits::get_version_after);
  world.shard.on_tick(world.clock.now);
  const auto lines = std::exchange(world.host.sent[miner.id], {});
  REQUIRE_EQ(lines.size(), 1);
  CHECK_EQ(lines[0], "{\"id\":1,\"method\":\"client.get_version\",\"params\":[]}\n");
  CHECK(miner.say(R"({"id":1,"result":"cgminer/4.11.1","error":null})").empty());
  world.shard.on_tick(world.clock.now);
  CHECK(world.host.sent[miner.id].empty());
}

TEST_CASE("the pool's greeting comes after the first job") {
  auto options = test_options();
  options.welcome = "maintenance at \"noon\"";
  World world(options);
  world.new_job({.id = step});
  Client miner(world, 100);
  miner.say(subscribe("x/1", ""));
  const auto lines = miner.say(authorize(address));
  REQUIRE_EQ(lines.size(), 4);
  CHECK(contains(lines[2], "mining.notify"));
  CHECK_EQ(lines[3],
           "{\"id\":null,\"method\":\"client.show_message\",\"params\":[\"maintenance at "
           "\\\"noon\\\"\"]}\n");
}

TEST_CASE("each kind of miner gets a coinbase that it can take") {
  auto options = test_options();
  options.user_agents[0] = {"Tiny/", "tiny", {}, {}, {}, false};
  options.coinbase_tiers = {{"tiny", 1}, {"default", 100'000}};
  World world(options);
  mining::JobSpec spec;
  const auto one = make_job({.id = step});
  spec.id = one->id;
  spec.block_template = one->block_template;
  spec.outputs.push_back({one->coinbase_value, bitcoin::witness_script(0, base::Bytes(20, 7))});
  spec.coinbase_tag = "/a tag to be left out/";
  spec.tier_bytes_max = {1, 100'000};
  spec.clean_jobs = true;
  const auto job = mining::build_job(spec);
  REQUIRE(job);
  world.shard.on_new_job(*job, false, {}, world.clock.now);
  Client tiny(world, 100);
  Client other(world, 101);
  tiny.say(subscribe("tiny/2", ""));
  other.say(subscribe("Other/2", ""));
  CHECK_EQ(tiny.say(authorize(address)).back(), (*job)->work(0).notify_line_clean);
  CHECK_EQ(other.say(authorize(address)).back(), (*job)->work(1).notify_line_clean);
}

TEST_CASE(
    "a remembered difficulty is for the same kind of miner, and what was too high is lowered") {
  const std::string rig = std::string(address) + ".rig";
  const auto three = *bitcoin::Difficulty::from_double(3.0 / (1 << 24));
  const auto told_at_login = [&](World& world, std::uint64_t number, const char* user_agent) {
    Client miner(world, number);
    miner.say(subscribe(user_agent, ""));
    return miner.say(authorize(rig)).at(1);
  };
  World world;
  world.new_job({.id = step});
  Client miner(world, 100);
  miner.say(subscribe("test/1", ""));
  miner.say(authorize(rig));
  const auto start = test_options().ports[0].start;
  const std::string usual = told_at_login(world, 101, "bitaxe/1");
  std::uint32_t nonce = 0;
  for (int i = 0; i < 12; ++i) {  // a share a second: vardiff raises it
    const Ground share = grind(*make_job({.id = step}), first_extranonce1, meets(three), nonce);
    nonce = share.nonce + 1;
    world.clock.advance(1s);
    miner.say(world.submit_line(share, step));
  }
  world.new_job({.id = 9 * step, .clean = false});
  world.disconnect(miner.id);
  auto told = world.shard.take_difficulties();
  REQUIRE_EQ(told.size(), 1);
  REQUIRE(start < told[0].difficulty);
  CHECK_EQ(told_at_login(world, 102, "bitaxe/1"), usual);
  const std::string high = told_at_login(world, 103, "test/2");
  CHECK(contains(high, "[" + told[0].difficulty.text() + "]"));
  // No share comes: it is lowered, and the next connection begins there.
  for (int i = 1; i < 1200; ++i) {
    world.clock.advance(1s);
    if (i % 30 == 0) world.new_job({.id = (9U + i) * step, .clean = false});
    world.shard.on_tick(world.clock.now);
  }
  world.disconnect(ConnectionId{103});
  told = world.shard.take_difficulties();
  REQUIRE_EQ(told.size(), 1);
  const std::string lowered = told_at_login(world, 104, "test/1");
  CHECK(contains(lowered, "[" + told[0].difficulty.text() + "]"));
  CHECK_NE(lowered, high);
  world.disconnect(ConnectionId{104});  // one that asks and goes changes nothing
  CHECK_EQ(told_at_login(world, 105, "test/1"), lowered);
}
