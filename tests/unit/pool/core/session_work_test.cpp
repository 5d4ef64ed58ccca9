#include "pool/core/limits.h"
#include "tests/unit/pool/core/shard_fixture.h"

using namespace pool_test;

namespace {

constexpr std::uint64_t step = mining::job_id_step;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
std::string job_id_of(const std::string& notify) {
  const std::size_t at = notify.find("\"params\":[\"") + 11;
  return notify.substr(at, 16);
}
pool::ShardOptions options_from(double start, double min) {
  auto options = test_options();
  options.ports[0].start = *bitcoin::Difficulty::from_double(start);
  options.ports[0].min = *bitcoin::Difficulty::from_double(min);
  return options;
}
std::string suggest(const std::string& value) {
  return R"({"id":4,"method":"mining.suggest_difficulty","params":[)" + value + "]}";
}

}  // namespace

TEST_CASE(
    "a suggestion is announced at once, with a job of its own, once, and not under the floor") {
  World world(options_from(0.125, 0.0625));
  world.new_job({.id = 5 * step});
  world.handshake();
  const auto first = world.heard();
  world.say(suggest("0.5"));
  auto lines = world.heard();
  REQUIRE_EQ(lines.size(), 3);
  CHECK_EQ(lines[0], "{\"id\":4,\"result\":true,\"error\":null}\n");
  CHECK(contains(lines[1], R"("mining.set_difficulty","params":[0.5])"));
  CHECK(contains(lines[2], R"("mining.notify")"));
  CHECK(contains(lines[2], "false]}"));
  CHECK_NE(job_id_of(lines[2]), job_id_of(first.back()));

  // The same again is a keepalive.
  world.say(suggest("\"0.500000\""));
  CHECK_EQ(world.heard().size(), 1);
  world.new_job({.id = 6 * step, .clean = false});
  CHECK_EQ(world.heard().size(), 1);

  // So soon after the last, another suggestion waits for the next job.
  world.say(suggest("0.00001"));
  CHECK_EQ(world.heard().size(), 1);
  world.new_job({.id = 7 * step, .clean = false});
  lines = world.heard();
  REQUIRE_EQ(lines.size(), 2);
  CHECK(contains(lines[0], R"("params":[0.0625])"));
}

TEST_CASE("a suggestion before login decides the first difficulty, and makes no job of its own") {
  World world(options_from(0.125, 0.0625));
  world.new_job({.id = 5 * step});
  world.say(suggest("0.25"));
  CHECK_EQ(world.heard().size(), 1);
  world.handshake();
  const auto lines = world.heard();
  REQUIRE_EQ(lines.size(), 4);
  CHECK(contains(lines[2], R"("params":[0.25])"));
  CHECK_EQ(job_id_of(lines[3]), mining::job_id_text(mining::JobId{5 * step}));
}

TEST_CASE("a repeated suggestion changes nothing, a minimum only raises") {
  World world(options_from(0.5, 0.0001));
  world.new_job({.id = 5 * step});
  world.say(
      R"({"id":1,"method":"mining.configure","params":[["minimum-difficulty"],{"minimum-difficulty.value":0.25}]})");
  world.handshake();
  CHECK(contains(world.heard().at(3), R"("mining.set_difficulty","params":[0.5])"));
  for (int i = 0; i < 4; ++i) {
    world.say(suggest("0.5"));
    CHECK_EQ(world.heard().size(), 1);
    world.clock.advance(30s);
  }
}

TEST_CASE("several miners that need another job share it") {
  World world(options_from(0.125, 0.0625));
  world.new_job({.id = 5 * step});
  world.handshake();
  world.heard();
  world.say(suggest("0.5"));
  const std::string shared = job_id_of(world.heard().back());
  const pool::ConnectionId other{43};
  REQUIRE(world.shard.on_connect(other, test_peer(), world.clock.now));
  world.say(other, R"({"id":1,"method":"mining.subscribe","params":["test/1"]})");
  world.say(other,
            std::string(R"({"id":2,"method":"mining.authorize","params":[")") + address + R"("]})");
  world.say(other, suggest("0.5"));
  CHECK_EQ(job_id_of(world.host.sent[other].back()), shared);
}

TEST_CASE("a new instance number reaches those who can change, with their next job") {
  World world;
  world.new_job({.id = 5 * step});
  world.say(R"({"id":9,"method":"mining.extranonce.subscribe","params":[]})");
  world.handshake();
  world.heard();
  const pool::ConnectionId other{43};
  REQUIRE(world.shard.on_connect(other, test_peer(), world.clock.now));
  world.say(other, R"({"id":1,"method":"mining.subscribe","params":["test/1"]})");
  world.say(other,
            std::string(R"({"id":2,"method":"mining.authorize","params":[")") + address + R"("]})");
  world.host.sent[other].clear();

  world.shard.set_instance(9, world.clock.now);
  const auto lines = world.heard();
  REQUIRE_EQ(lines.size(), 2);
  CHECK_EQ(lines[0],
           "{\"id\":null,\"method\":\"mining.set_extranonce\",\"params\":[\"09030000\",8]}\n");
  CHECK(contains(lines[1], "mining.notify"));
  REQUIRE_EQ(world.host.sent[other].size(), 1);  // the other one never asked for it
  CHECK(contains(world.host.sent[other][0], "client.reconnect"));

  // Shares of the old job count with the old value, those of the new one with the new.
  const auto start = test_options().ports[0].start;
  const auto old_job = make_job({.id = 5 * step});
  mining::JobId new_id;
  REQUIRE(mining::parse_job_id(job_id_of(lines[1]), new_id));
  const auto new_job = mining::reissue_job(*old_job, new_id, old_job->ntime);
  const auto answer_to = [&](const Ground& share, std::uint64_t job) {
    world.say(world.submit_line(share, job));
    world.shard.on_turn_end();
    if (world.host.appends.empty()) return world.heard();
    world.shard.on_durable(world.host.appends.back().id);
    world.host.appends.clear();
    return world.heard();
  };
  const auto is_true = [](const std::vector<std::string>& said) {
    return said == std::vector<std::string>{"{\"id\":7,\"result\":true,\"error\":null}\n"};
  };
  const pool::Extranonce1 renewed{9, 3, 0, 0};
  CHECK(is_true(answer_to(grind(*old_job, first_extranonce1, meets(start)), old_job->id.value)));
  CHECK(is_true(answer_to(grind(*new_job, renewed, meets(start)), new_id.value)));
  CHECK_FALSE(is_true(answer_to(grind(*new_job, first_extranonce1, meets(start)), new_id.value)));
  CHECK_FALSE(is_true(answer_to(grind(*old_job, renewed, meets(start)), old_job->id.value)));
}

TEST_CASE("a new instance number before login waits for its end") {
  World world;
  world.new_job({.id = 5 * step});
  world.say(R"({"id":1,"method":"mining.subscribe","params":["test/1"]})");
  world.say(R"({"id":9,"method":"mining.extranonce.subscribe","params":[]})");
  world.heard();
  world.shard.set_instance(9, world.clock.now);
  CHECK(world.heard().empty());  // some would take it for the answer to authorize
  world.say(std::string(R"({"id":2,"method":"mining.authorize","params":[")") + address + R"("]})");
  const auto lines = world.heard();
  REQUIRE_EQ(lines.size(), 4);
  CHECK_EQ(lines[0], "{\"id\":2,\"result\":true,\"error\":null}\n");
  CHECK_EQ(lines[1],
           "{\"id\":null,\"method\":\"mining.set_extranonce\",\"params\":[\"09030000\",8]}\n");
  CHECK(contains(lines[2], "mining.set_difficulty"));
  CHECK(contains(lines[3], "mining.notify"));
}

TEST_CASE("a miner far too fast is told so before its next regular job") {
  World world;  // starts at 2^-24
  world.new_job({.id = step});
  world.handshake();
  world.heard();
  const auto job = make_job({.id = step});
  const auto start = test_options().ports[0].start;
  std::uint32_t nonce = 0;
  bool raised = false;
  for (int i = 0; i < 200 && !raised; ++i) {
    const Ground share = grind(*job, first_extranonce1, meets(start), nonce);
    nonce = share.nonce + 1;
    world.clock.advance(60ms);
    world.say(world.submit_line(share, step));
    for (const std::string& line : world.heard()) raised |= contains(line, "set_difficulty");
  }
  CHECK(raised);
}

TEST_CASE("who sends nothing but refused shares gets a job, a reconnect, and its leave") {
  World world;
  world.new_job({.id = step});
  world.handshake();
  world.heard();
  const auto start = test_options().ports[0].start;
  const Ground bad = grind(*make_job({.id = step}), first_extranonce1, misses(start));
  const auto until = [&](std::chrono::seconds time) {
    world.clock.advance(time);
    world.say(world.submit_line(bad, step));
    world.shard.on_tick(world.clock.now);
    std::string said;
    for (const std::string& line : world.heard()) said += line;
    return said;
  };
  until(1s);
  const std::string fresh = until(60s);
  CHECK(contains(fresh, "mining.notify"));
  CHECK(contains(fresh, "true]}"));  // it shall let go of the old one
  CHECK_FALSE(contains(until(1s), "mining.notify"));
  CHECK(contains(until(59s), "client.reconnect"));
  CHECK_FALSE(contains(until(1s), "client.reconnect"));
  CHECK(world.host.closed.empty());
  until(60s);
  CHECK_EQ(world.host.closed.at(world.miner), pool::CloseReason::only_rejects);
}

TEST_CASE("one refused share and then silence is no miner that is stuck") {
  World world;
  world.new_job({.id = step});
  world.handshake();
  world.heard();
  const auto wait = [&](int seconds) {
    std::string said;
    for (int i = 0; i < seconds; ++i) {
      world.clock.advance(1s);
      world.shard.on_tick(world.clock.now);
    }
    for (const std::string& line : world.heard()) said += line;
    return said;
  };
  world.say(world.submit_line({}, 7 * step));  // no such job
  CHECK_FALSE(contains(wait(600), "client.reconnect"));
  CHECK(world.host.closed.empty());
  // Each step takes a refused share of its own.
  world.say(world.submit_line({}, 7 * step));  // no such job
  CHECK_FALSE(contains(wait(600), "client.reconnect"));
  world.say(world.submit_line({}, 7 * step));  // no such job
  CHECK(contains(wait(600), "client.reconnect"));
  CHECK(world.host.closed.empty());
  world.say(world.submit_line({}, 7 * step));  // no such job
  CHECK_EQ(world.host.closed.at(world.miner), pool::CloseReason::only_rejects);
}

TEST_CASE("a connection that sends faster than it may is not read from until it has tokens") {
  auto options = test_options();
  options.address_limits.lines_per_second = 10;  // and so 100 at once
  World world(options);
  const std::string ping = R"({"id":1,"method":"mining.ping","params":[]})";
  for (int i = 0; i < 100; ++i) world.say(ping);
  CHECK(world.host.paused.empty());
  for (int i = 0; i < 10; ++i) world.say(ping);  // what was read is answered nevertheless
  CHECK_EQ(world.heard().size(), 110);
  CHECK(world.host.paused.contains(world.miner));
  world.clock.advance(500ms);
  world.shard.on_tick(world.clock.now);
  CHECK(world.host.paused.contains(world.miner));
  world.clock.advance(600ms);
  world.shard.on_tick(world.clock.now);
  CHECK_FALSE(world.host.paused.contains(world.miner));
  CHECK_EQ(world.shard.stats().pauses, 1);
}

TEST_CASE("a proxy that names a worker too many now and then is not closed while it earns") {
  World world;
  world.new_job({.id = step});
  world.handshake();
  world.heard();
  const auto start = test_options().ports[0].start;
  std::uint32_t nonce = 0;
  for (int i = 0; i < 12; ++i) {
    const Ground share = grind(*make_job({.id = step}), first_extranonce1, meets(start), nonce);
    nonce = share.nonce + 1;
    std::string line = world.submit_line(share, step);
    line.replace(line.find(".rig"), 4, ".pig");
    world.say(line);
    world.clock.advance(60s);
    world.say(world.submit_line(share, step));
  }
  CHECK(world.host.closed.empty());
}

TEST_CASE("miners that come back get work that their extranonce1 has not seen, the same for all") {
  World world;
  world.new_job({.id = step});
  const auto login = [&](std::uint64_t number, const std::string& session_id) {
    const pool::ConnectionId id{number};
    REQUIRE(world.shard.on_connect(id, test_peer(), world.clock.now));
    world.say(id,
              R"({"id":1,"method":"mining.subscribe","params":["test/1",")" + session_id + "\"]}");
    world.say(id, std::string(R"({"id":2,"method":"mining.authorize","params":[")") + address +
                      R"(.rig","x"]})");
    return std::exchange(world.host.sent[id], {}).back();  // the notify
  };
  const std::string first = login(1, "");
  CHECK_EQ(login(2, ""), first);
  world.disconnect(pool::ConnectionId{1});
  world.disconnect(pool::ConnectionId{2});
  const std::string again = login(3, "00030000");
  CHECK_NE(again, first);
  CHECK(contains(again, mining::job_id_text(mining::JobId{step + 0x301})));
  CHECK(contains(again, ",true]}"));
  CHECK_EQ(login(4, "00030001"), again);
  CHECK_EQ(login(5, ""), first);  // a stranger's is new to the job
}
