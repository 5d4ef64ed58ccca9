// A miner that comes back through another shard: two ShardLoops in threads of their own, a port
// each, and the connection that moves between them.
#include "pool/net/shard_loop.h"

#include "tests/loop/pool/net/pool_fixture.h"
#include "tests/unit/common/net/tls_fixture.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>

using namespace pool_test;

namespace {

constexpr std::uint32_t shard_count = 2;

pool::ShardOptions options_of(std::uint32_t index) {
  pool::ShardOptions options = test_options();
  options.index = pool::ShardIndex{index};
  options.shard_count = shard_count;
  return options;
}

class TwoShards {
 public:
  explicit TwoShards(const std::shared_ptr<const net::TlsContext>& tls = nullptr,
                     const char* proxy_from = nullptr) {
    for (std::uint32_t index = 0; index < shard_count; ++index) {
      loops_[index] = std::make_unique<pool::ShardLoop>(options_of(index), hooks(index));
      loops_[index]->set_tls(tls);
      pool::ShardLoop::Endpoint where{"127.0.0.1", 0};
      if (proxy_from != nullptr) where.proxy_from = {*pool::AddressRange::parse(proxy_from)};
      const auto port = loops_[index]->listen(where);
      REQUIRE(port);
      ports_[index] = *port;
      REQUIRE(loops_[index]->mailbox().post(pool::NewJob{make_job({.id = 5})}));
    }
    for (std::uint32_t index = 0; index < shard_count; ++index) {
      threads_[index] = std::thread([this, index] { loops_[index]->run(); });
    }
  }
  ~TwoShards() {
    for (auto& loop : loops_) loop->mailbox().post_reserved(pool::Shutdown{});
    for (auto& thread : threads_) thread.join();
  }
  std::uint16_t port(std::uint32_t index) const { return ports_[index]; }

  std::atomic<int> moves = 0;
  std::atomic<bool> mailboxes_full = false;

 private:
  pool::ShardLoop::Hooks hooks(std::uint32_t index) {
    pool::ShardLoop::Hooks made;
    made.journal = [this, index](pool::JournalAppend append) {
      loops_[index]->mailbox().post_reserved(pool::Durable{append.id});
    };
    made.found = [](pool::FoundBlock) {};
    made.stats = [](pool::ShardStats) {};
    made.moved = [this](pool::ShardIndex owner, const pool::ConnectionMoved& moved) {
      if (mailboxes_full) return false;
      ++moves;
      return loops_[owner.value]->mailbox().post(pool::ShardMessage(moved));
    };
    return made;
  }

  std::array<std::unique_ptr<pool::ShardLoop>, shard_count> loops_;
  std::array<std::uint16_t, shard_count> ports_{};
  std::array<std::thread, shard_count> threads_;
};

std::string subscribe(const std::string& session_id = "") {
  const std::string second = session_id.empty() ? "" : ",\"" + session_id + "\"";
  return R"({"id":1,"method":"mining.subscribe","params":["t/1")" + second + "]}\n";
}
const std::string configure =
    R"({"id":0,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"1fffe000"}]})"
    "\n";
const std::string authorize = std::string(R"({"id":2,"method":"mining.authorize","params":[")") +
                              address + ".rig\",\"x\"]}\n";

// Eight hex digits before the size of extranonce2.
std::string extranonce1_in(const std::string& line) {
  const std::size_t end = line.rfind("\",8]");
  return end == std::string::npos || end < 8 ? "" : line.substr(end - 8, 8);
}

// Subscribes at the port until the answer names `wanted`: the shard that has it may still have to
// notice that its old connection has gone.
template <class Talk>
bool comes_back(const std::string& wanted, Talk talk) {
  for (int i = 0; i < 1000; ++i) {
    if (talk() == wanted) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a miner that comes back through another shard has its extranonce1 again, and mines") {
  TwoShards pool;
  std::string session;
  {
    Client first(pool.port(0));
    first.say(subscribe());
    session = extranonce1_in(first.line());
    CHECK_EQ(session.substr(0, 4), "0000");  // instance 0, shard 0
  }
  std::unique_ptr<Client> miner;
  CHECK(comes_back(session, [&] {
    miner = std::make_unique<Client>(pool.port(1));
    // All in one segment, as the busiest firmware sends it.
    miner->say(configure + subscribe(session) + authorize);
    CHECK(miner->line().find("1fffe000") != std::string::npos);
    return extranonce1_in(miner->line());
  }));
  CHECK_GT(pool.moves, 0);
  CHECK_EQ(miner->line(), R"({"id":2,"result":true,"error":null})");
  CHECK(miner->line().find("mining.set_version_mask") != std::string::npos);
  CHECK(miner->line().find("mining.set_difficulty") != std::string::npos);
  CHECK(miner->line().find("\"mining.notify\"") != std::string::npos);
  miner->say(R"({"id":9,"method":"mining.ping","params":[]})"
             "\n");
  CHECK(miner->line().find("pong") != std::string::npos);
}

TEST_CASE("it moves encrypted, and byte by byte, too") {
  const auto certificate = tls_test::make_certificate("pool.test");
  const auto tls = net::TlsContext::from_pem({certificate.chain, "cert"}, {certificate.key, "key"});
  REQUIRE(tls);
  TwoShards pool(*tls);
  std::string session;
  {
    Client first(pool.port(0));
    first.say(subscribe());
    session = extranonce1_in(first.line());
  }
  CHECK(comes_back(session, [&] {
    Client socket(pool.port(1));
    tls_test::Client client;
    const auto exchange = [&](auto done) {
      while (!done()) {
        for (const char byte : client.take()) socket.say(std::string_view(&byte, 1));
        if (done()) return true;
        const std::string more = socket.bytes();
        if (more.empty()) return false;
        client.hear(more);
      }
      return true;
    };
    CHECK(exchange([&] { return client.is_established(); }));
    client.write(subscribe(session) + authorize);
    CHECK(exchange(
        [&] { return client.heard.find("\"mining.notify\",\"params\"") != std::string::npos; }));
    return extranonce1_in(client.heard.substr(0, client.heard.find('\n')));
  }));
  CHECK_GT(pool.moves, 0);
}

TEST_CASE("the address behind a proxy goes along, and counts where the connection is") {
  TwoShards pool(nullptr, "127.0.0.1");
  const std::string header = "PROXY TCP4 192.0.2.1 192.0.2.9 1000 3333\r\n";
  std::string session;
  {
    Client first(pool.port(0));
    first.say(header + subscribe());
    session = extranonce1_in(first.line());
  }
  CHECK(comes_back(session, [&] {
    Client miner(pool.port(1));
    miner.say(header + subscribe(session) + authorize);
    const std::string got = extranonce1_in(miner.line());
    CHECK_EQ(miner.line(), R"({"id":2,"result":true,"error":null})");
    return got;
  }));
}

TEST_CASE("when the other shard is too busy, the miner stays and gets a new extranonce1") {
  TwoShards pool;
  pool.mailboxes_full = true;
  Client first(pool.port(0));
  first.say(subscribe());
  const std::string session = extranonce1_in(first.line());
  Client miner(pool.port(1));
  miner.say(subscribe(session) + authorize);
  CHECK_EQ(extranonce1_in(miner.line()).substr(0, 4), "0001");
  CHECK_EQ(miner.line(), R"({"id":2,"result":true,"error":null})");
}

TEST_CASE("who is closed in the moment of its move takes nobody along") {
  TwoShards pool;
  const std::string endings[] = {
      "no json\nno json\nno json\n",
      std::string(20'000, '{'),
  };
  for (const std::string& ending : endings) {
    Client enemy(pool.port(1));
    enemy.say(subscribe("00000001") + ending);
    CHECK_EQ(extranonce1_in(enemy.line()).substr(0, 4), "0000");  // it was moved to shard 0
    CHECK_EQ(enemy.line(), "");
    Client miner(pool.port(0));
    CHECK_EQ(miner.handshake().substr(0, 4), "0000");
  }
  CHECK_EQ(pool.moves, 2);
}
