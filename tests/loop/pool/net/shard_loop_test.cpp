// A ShardLoop in a thread of its own, with real sockets on loopback; the test plays the journal,
// the node and the miners.
#include "pool/net/shard_loop.h"

#include "tests/loop/pool/net/pool_fixture.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace pool_test;

namespace {

pool::Extranonce1 extranonce1_of(const std::string& hex) {
  pool::Extranonce1 extranonce1{};
  REQUIRE(base::decode_hex(hex, extranonce1));
  return extranonce1;
}

// Like World::submit_line, with the time of the real clock's day: ntime is the job's own.
std::string submit_line(const Ground& share, const std::string& id) {
  return R"({"id":)" + id + R"(,"method":"mining.submit","params":[")" + std::string(address) +
         R"(.rig",")" + mining::job_id_text(mining::JobId{5}) + R"(",")" + share.extranonce2 +
         R"(",")" + base::u32_hex(static_cast<std::uint32_t>(start_seconds)) + R"(",")" +
         base::u32_hex(share.nonce) + "\"]}\n";
}

}  // namespace

TEST_CASE("a miner connects, mines, and gets a new job on a new tip") {
  Pool pool;
  Client miner(pool.port());
  const std::string extranonce1 = miner.handshake();
  REQUIRE_EQ(extranonce1.size(), 8);
  const Ground share = grind(*make_job({.id = 5}), extranonce1_of(extranonce1),
                             meets(test_options().ports[0].start));
  miner.say(submit_line(share, "7"));
  CHECK_EQ(miner.line(), R"({"id":7,"result":true,"error":null})");
  CHECK_EQ(pool.appends_, 1);
  pool.job(6, 2, true);
  CHECK(miner.line().find("mining.notify") != std::string::npos);
}

TEST_CASE("no answer leaves before the journal says so, not even at shutdown") {
  Pool pool;
  Client miner(pool.port());
  const std::string extranonce1 = miner.handshake();
  pool.hold_ = true;
  const Ground share = grind(*make_job({.id = 5}), extranonce1_of(extranonce1),
                             meets(test_options().ports[0].start));
  miner.say(submit_line(share, "7") + R"({"id":8,"method":"mining.ping","params":[]})" + "\n");
  // A job is told at once; the answers wait.
  while (pool.appends_ == 0) std::this_thread::yield();
  pool.job(6, 1, false);
  CHECK(miner.line().find("mining.notify") != std::string::npos);
  std::thread stopper([&] { pool.stop(); });
  pool.release_held();
  // The answers in their order, and somewhere between them the wish to come back later.
  std::vector<std::string> answers;
  std::size_t wishes = 0;
  for (std::string line = miner.line(); !line.empty(); line = miner.line()) {  // until it closes
    if (line.find("client.reconnect") == std::string::npos) {
      answers.push_back(line);
    } else {
      ++wishes;
    }
  }
  CHECK_EQ(wishes, 1);
  REQUIRE_EQ(answers.size(), 2);
  CHECK_EQ(answers[0], R"({"id":7,"result":true,"error":null})");
  CHECK(answers[1].find("pong") != std::string::npos);
  stopper.join();
}

TEST_CASE("who comes back to another shard goes on at the one that knows its session") {
  auto options = test_options();
  options.shard_count = 8;
  Pool here(options);
  options.index = pool::ShardIndex{5};
  Pool there(options);
  here.give_moved_to(there);
  std::string session;
  {
    Client before(there.port());
    session = before.handshake();
    REQUIRE_EQ(session, "00050000");
  }
  const std::string subscribe =
      R"({"id":1,"method":"mining.subscribe","params":["t",")" + session + "n\"]}\n";
  const std::string authorize = std::string(R"({"id":2,"method":"mining.authorize","params":[")") +
                                address + ".rig\",\"x\"]}\n";
  // The old connection's end may be heard of a moment later than the new one's beginning.
  for (int tries = 0; tries < 100; ++tries) {
    Client miner(here.port());
    const int moved_before = here.moved_;
    miner.say(subscribe + authorize);
    const std::string answer = miner.line();
    CHECK_EQ(miner.line(), R"({"id":2,"result":true,"error":null})");
    CHECK_EQ(here.moved_, moved_before + 1);
    if (answer.find(session + "\",8]") == std::string::npos) continue;
    CHECK(miner.line().find("set_difficulty") != std::string::npos);
    CHECK(miner.line().find("notify") != std::string::npos);
    // Its shares count there, and new jobs come from there.
    const Ground share =
        grind(*make_job({.id = 5}), extranonce1_of(session), meets(test_options().ports[0].start));
    miner.say(submit_line(share, "7"));
    CHECK_EQ(miner.line(), R"({"id":7,"result":true,"error":null})");
    CHECK_EQ(there.appends_, 1);
    CHECK_EQ(here.appends_, 0);
    there.job(2 * mining::job_id_step, 2, true);  // ids of a node are in such steps
    CHECK(miner.line().find("mining.notify") != std::string::npos);
    return;
  }
  FAIL("the session was never given back");
}

TEST_CASE("a session whose shard takes nobody goes on here, with another extranonce1") {
  auto options = test_options();
  options.shard_count = 8;
  Pool here(options);
  Client miner(here.port());
  miner.say(R"({"id":1,"method":"mining.subscribe","params":["t","00050000"]})"
            "\n");
  CHECK(miner.line().find("\"00030000\",8]") != std::string::npos);
  miner.say(R"({"id":8,"method":"mining.ping","params":[]})"
            "\n");
  CHECK(miner.line().find("pong") != std::string::npos);
}

TEST_CASE("garbage and endless lines cost only their own connection") {
  Pool pool;
  Client good(pool.port());
  good.handshake();
  const std::string garbage[] = {std::string("\x16\x03\x01\x02\x00\x01\n\x00\xff\n{\n", 11),
                                 std::string(64 * 1024, 'x'), "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                 "[]\n[]\n[]\n"};
  for (const std::string& bytes : garbage) {
    Client bad(pool.port());
    bad.say(bytes);
    bad.say("\n\n{}{}\n}{\n]\n");
    while (!bad.line().empty()) {
    }
  }
  good.say(R"({"id":9,"method":"mining.ping","params":[]})"
           "\n");
  CHECK(good.line().find("pong") != std::string::npos);
}

TEST_CASE("hundreds of miners come, get a job, and go") {
  Pool pool;
  std::vector<std::unique_ptr<Client>> miners;
  std::set<std::string> extranonces;
  for (int i = 0; i < 300; ++i) {
    miners.push_back(std::make_unique<Client>(pool.port()));
    extranonces.insert(miners.back()->handshake());
  }
  CHECK_EQ(extranonces.size(), 300);
  pool.job(6, 2, true);
  for (auto& miner : miners) CHECK(miner->line().find("mining.notify") != std::string::npos);
  miners.clear();
  Client late(pool.port());
  CHECK_EQ(late.handshake().size(), 8);
}

TEST_CASE("another pool on the same port is noticed, though the ports are shared") {
  Pool pool;
  const std::string why = pool::ShardLoop::probe({"127.0.0.1", pool.port()});
  CHECK(why.find("EADDRINUSE") != std::string::npos);
  const std::uint16_t port = pool.port();
  pool.stop();
  CHECK_EQ(pool::ShardLoop::probe({"127.0.0.1", port}), "");
}

TEST_CASE("an address that is not ours is an error") {
  pool::ShardLoop loop(test_options(), {[](pool::JournalAppend) {}, [](pool::FoundBlock) {},
                                        [](pool::ShardStats) {}});
  CHECK_FALSE(loop.listen({"203.0.113.1", 3333}));
  CHECK_FALSE(loop.listen({"no such host", 3333}));
}
