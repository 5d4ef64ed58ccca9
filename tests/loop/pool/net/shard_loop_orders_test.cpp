// The operator's orders to a ShardLoop in a thread of its own, with real sockets.
#include "pool/net/shard_loop.h"

#include "tests/loop/pool/net/pool_fixture.h"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace pool_test;
using pool::OperatorOrder;
using pool::OrderDone;

namespace {

OrderDone order(Pool& pool, decltype(OperatorOrder::what) what) {
  static std::uint64_t number = 0;
  pool.tell(OperatorOrder{++number, std::move(what)});
  OrderDone done = pool.wait_for_order();
  CHECK_EQ(done.number, number);
  return done;
}

bool is_let_in(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool connected = connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  ::close(fd);
  return connected;
}

}  // namespace

TEST_CASE("a drain frees the port and asks who mines to reconnect; resume opens it again") {
  Pool pool;
  Client miner(pool.port());
  miner.handshake();
  OperatorOrder::Drain drain;
  drain.reconnect = stratum::Reconnect{"b.example", 3334, 5};
  const OrderDone done = order(pool, drain);
  CHECK_EQ(done.error, "");
  CHECK_EQ(done.connections, 1);
  CHECK_EQ(miner.line(),
           R"({"id":null,"method":"client.reconnect","params":["b.example",3334,5]})");
  CHECK_FALSE(is_let_in(pool.port()));
  // Who stays goes on.
  miner.say(R"({"id":8,"method":"mining.ping","params":[]})"
            "\n");
  CHECK(miner.line().find("pong") != std::string::npos);
  CHECK_EQ(order(pool, OperatorOrder::Drain{}).connections, 0);  // once more, without a word
  CHECK_EQ(order(pool, OperatorOrder::Resume{}).error, "");
  Client again(pool.port());
  CHECK_EQ(again.handshake().size(), 8);
  CHECK_EQ(order(pool, OperatorOrder::Resume{}).error, "");  // once more
}

TEST_CASE("a port that somebody else has taken meanwhile is told of, and the drain goes on") {
  Pool pool;
  order(pool, OperatorOrder::Drain{});
  const int taker = socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  setsockopt(taker, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(pool.port());
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE_EQ(bind(taker, reinterpret_cast<sockaddr*>(&where), sizeof where), 0);
  REQUIRE_EQ(listen(taker, 1), 0);
  const std::string error = order(pool, OperatorOrder::Resume{}).error;
  CHECK_EQ(error.rfind("can't listen on 127.0.0.1:" + std::to_string(pool.port()) + " again: ", 0),
           0);
  ::close(taker);
  CHECK_EQ(order(pool, OperatorOrder::Resume{}).error, "");
  CHECK(is_let_in(pool.port()));
}

TEST_CASE("a message reaches those it is for, however many they are") {
  Pool pool;
  std::vector<std::unique_ptr<Client>> miners;
  for (int i = 0; i < 250; ++i) {  // more than are told at once
    miners.push_back(std::make_unique<Client>(pool.port()));
    REQUIRE_EQ(miners.back()->handshake().size(), 8);
  }
  CHECK_EQ(order(pool, OperatorOrder::Tell{{}, "Moving at 12:00"}).connections, 250);
  for (const auto& miner : miners) {
    CHECK_EQ(miner->line(),
             R"({"id":null,"method":"client.show_message","params":["Moving at 12:00"]})");
  }
  CHECK_EQ(order(pool, OperatorOrder::Tell{{address, "rig"}, "hello"}).connections, 250);
  CHECK_EQ(order(pool, OperatorOrder::Tell{{address, "other"}, "hello"}).connections, 0);
}

TEST_CASE("a banned address loses its connections and is not let in until it is lifted") {
  pool::ShardLoop::Endpoint where{"127.0.0.1", 0};
  where.proxy_from = {*pool::AddressRange::parse("127.0.0.1")};
  Pool pool(test_options(), where);
  const std::string from = "PROXY TCP4 192.0.2.1 192.0.2.9 1000 3333\r\n";
  Client miner(pool.port());
  miner.say(from);
  REQUIRE_EQ(miner.handshake().size(), 8);
  Client neighbour(pool.port());
  neighbour.say("PROXY TCP4 192.0.2.2 192.0.2.9 1000 3333\r\n");
  REQUIRE_EQ(neighbour.handshake().size(), 8);
  const auto banned = *pool::AddressPrefix::parse("192.0.2.1");
  CHECK_EQ(order(pool, OperatorOrder::BanAddress{banned, 3600s}).connections, 1);
  CHECK_EQ(miner.everything(), "");
  {
    Client again(pool.port());
    again.say(from + R"({"id":1,"method":"mining.subscribe","params":["t"]})" + "\n");
    CHECK_EQ(again.everything(), "");
  }
  CHECK_EQ(order(pool, OperatorOrder::Unban{banned}).note, "");
  CHECK_EQ(order(pool, OperatorOrder::Unban{banned}).note, "it was not banned");
  Client again(pool.port());
  again.say(from);
  CHECK_EQ(again.handshake().size(), 8);
  neighbour.say(R"({"id":8,"method":"mining.ping","params":[]})"
                "\n");
  CHECK(neighbour.line().find("pong") != std::string::npos);
}

TEST_CASE("a shard says who is connected, while it goes on") {
  Pool pool;
  Client miner(pool.port());
  miner.handshake();
  const auto wanted =
      std::make_shared<const pool::LiveWanted>(pool::LiveWanted{address, {"rig", "no such rig"}});
  pool.tell(pool::LiveQuestion{17, wanted});
  const pool::LiveAnswer answer = pool.wait_for_live();
  CHECK_EQ(answer.request, 17);
  CHECK_EQ(answer.workers, 1);
  REQUIRE_EQ(answer.asked.size(), 1);
  CHECK_EQ(answer.asked[0].name, "rig");
  CHECK_EQ(answer.asked[0].user_agent, "t");
  CHECK_GT(answer.asked[0].connected_us, 0);
}
