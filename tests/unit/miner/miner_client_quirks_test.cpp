// What pools say while mining goes on: each word of theirs, in the forms that occur, and absurd
// ones.
#include "miner/miner_client.h"

#include "tests/unit/miner/conversation.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace miner {
namespace {

using namespace conversation;

struct Mining : Conversation {
  explicit Mining(ClientOptions options = {}) : Conversation(at_pool(std::move(options))) {
    handshake();
    line(notify_line("a1", "01", true));
    REQUIRE_EQ(host.works.size(), 1);
  }
  static ClientOptions at_pool(ClientOptions options) {
    options.host = "Pool.example";
    return options;
  }
  void call(std::string_view method, std::string_view params) {
    line(R"({"id":null,"method":")" + std::string(method) + R"(","params":)" + std::string(params) +
         "}");
  }
};

TEST_CASE("difficulties that can't be meant are refused in words, and the last good one stays") {
  for (const std::string_view difficulty :
       {"0", "-1", "1e300", "1e-300", "\"abc\"", "null", "[]", "{}", "true", "1e19", "-0.0"}) {
    CAPTURE(difficulty);
    Mining talk;
    talk.call("mining.set_difficulty", "[" + std::string(difficulty) + "]");
    CHECK_MESSAGE(contains(talk.host.last_problem(), "unusable mining.set_difficulty"),
                  talk.host.last_problem());
    talk.line(notify_line("a2", "02", true));
    CHECK_EQ(talk.host.works.back()->difficulty.value(), 1);
    CHECK(talk.host.disconnects.empty());
  }
}

TEST_CASE("a difficulty above the network's is taken, and told once") {
  Mining talk;
  const std::string job = R"({"id":null,"method":"mining.notify","params":["a2",")" +
                          std::string(64, '1') +
                          R"(","01","00",[],"20000000","1b0404cb","67b6f938",true]})";
  talk.line(job);  // difficulty 16,307
  CHECK_EQ(talk.host.last_problem(), "");
  talk.call("mining.set_difficulty", "[1000000]");
  talk.line(job);
  CHECK(contains(talk.host.last_problem(), "1.000 M is above the network's 16.31 K"));
  CHECK_EQ(talk.host.works.back()->difficulty.value(), 1'000'000);
  const std::size_t events = talk.host.events.size();
  talk.line(job);
  CHECK_EQ(talk.host.events.size(), events + 1);  // the job
}

TEST_CASE("set_difficulty in the forms that occur") {
  struct Row {
    std::string_view params;
    double difficulty;
  };
  const Row rows[] = {
      {"[1024]", 1024},   {"[1024.0]", 1024},   {"[0.000244140625]", 0.000244140625},
      {"[\"512\"]", 512}, {"[65536,0]", 65536}, {"[1e3]", 1000}};
  for (const Row& row : rows) {
    CAPTURE(row.params);
    Mining talk;
    talk.call("mining.set_difficulty", row.params);
    talk.line(notify_line("a2", "02", true));
    CHECK_EQ(talk.host.works.back()->difficulty.value(), row.difficulty);
  }
}

TEST_CASE("extranonces of every size, and sizes that can't be used") {
  for (const std::uint32_t size : {0, 1, 16}) {
    Mining talk;
    talk.call("mining.set_extranonce", "[\"0a0b\"," + std::to_string(size) + "]");
    talk.line(notify_line("a2", "02", true));
    CHECK_EQ(talk.host.works.back()->extranonce2_size, size);
  }
  Mining talk;
  talk.call("mining.set_extranonce", "[\"0a0b\",17]");
  REQUIRE_EQ(talk.host.disconnects.size(), 1);
  CHECK(contains(talk.host.last_problem(), "extranonce2_size 17: expected at most 32 and 16"));
  // With the last one every share would be rejected.
  const std::string long_one = "[\"" + std::string(66, '0') + "\",4]";
  for (const std::string& params :
       std::vector<std::string>{"[\"0a0b\",33]", "[\"xy\",4]", "[]", "[null,null]", long_one}) {
    CAPTURE(params);
    Mining other;
    other.call("mining.set_extranonce", params);
    CHECK(contains(other.host.last_problem(), "unusable mining.set_extranonce"));
    CHECK_EQ(other.host.disconnects.size(), 1);
  }
}

TEST_CASE("jobs that can't be used are refused in words, and the last good one goes on") {
  const std::string hash(64, '0');
  const std::string branches_33 = [&] {
    std::string all;
    for (int i = 0; i < 33; ++i) all += (i > 0 ? ",\"" : "\"") + hash + "\"";
    return all;
  }();
  const std::string params[] = {
      "[]",
      "null",
      R"(["a2","00","01","00",[],"20000000","207fffff","67b6f938",true])",
      R"(["a2",")" + hash + R"(","0","00",[],"20000000","207fffff","67b6f938",true])",
      R"(["a2",")" + hash + R"(","01","00",["00"],"20000000","207fffff","67b6f938",true])",
      R"(["a2",")" + hash + R"(","01","00",[)" + branches_33 +
          R"(],"20000000","207fffff","67b6f938",true])",
      R"(["a2",")" + hash + R"(","01","00",[],"120000000","207fffff","67b6f938",true])",
      R"(["a2",")" + hash + R"(","01","00",[],"20000000","","67b6f938",true])",
      R"([7,")" + hash + R"(","01","00",[],"20000000","207fffff","67b6f938",true])",
  };
  for (const std::string& broken : params) {
    CAPTURE(broken);
    Mining talk;
    talk.call("mining.notify", broken);
    CHECK_MESSAGE(contains(talk.host.last_problem(), "unusable mining.notify"),
                  talk.host.last_problem());
    CHECK_EQ(talk.host.works.size(), 1);
    CHECK(talk.host.disconnects.empty());
  }
}

TEST_CASE("another tip is a clean job, whatever its flag says or is") {
  for (const std::string_view flag : {"false", "0", "null", "\"true\""}) {
    Mining talk;
    const FoundShare late = talk.share();
    std::string line = notify_line("a2", "01", false, "1");
    line.replace(line.rfind("false"), 5, flag);
    talk.line(line);
    talk.client.on_share(late, talk.now);
    CHECK_EQ(talk.host.submits(), 0);
    CHECK_EQ(talk.client.counters().dropped_stale, 1);
  }
}

TEST_CASE("nbits that are nonsense make no blocks") {
  Mining talk;
  talk.line(R"({"id":null,"method":"mining.notify","params":["a2",")" + std::string(64, '0') +
            R"(","01","00",[],"20000000","ff123456","67b6f938",true]})");
  CHECK_EQ(talk.host.works.back()->network_target, bitcoin::Target256());
}

TEST_CASE("reconnect: to another port of the same host; to another host never") {
  struct Row {
    std::string_view params;
    std::vector<std::uint16_t> redirects;
    int pause;
    const char* said;
  };
  const Row rows[] = {
      {"[]", {}, 0, "asks to reconnect"},
      {"[\"\",0,7]", {}, 7, "asks to reconnect"},
      {"[null,null,null]", {}, 0, "asks to reconnect"},
      {R"(["pool.example",4444,5])", {4444}, 5, "to its port 4444"},
      {R"(["POOL.example.","4444","5"])", {4444}, 5, "to its port 4444"},
      {R"(["",4444])", {4444}, 0, "to its port 4444"},
      {R"(["pool.example"])", {}, 0, "asks to reconnect"},
      {R"(["evil.example",4444,5])", {}, 5, "the address it named is ignored"},
      {R"(["eu.pool.example",4444])", {}, 0, "the address it named is ignored"},
      {R"(["notpool.example",4444])", {}, 0, "the address it named is ignored"},
      {R"(["evil.example"])", {}, 0, "the address it named is ignored"},
      {R"(["",0,86400])", {}, 60, "asks to reconnect"},  // a minute at most
  };
  for (const Row& row : rows) {
    CAPTURE(row.params);
    Mining talk;
    talk.call("client.reconnect", row.params);
    REQUIRE_EQ(talk.host.disconnects.size(), 1);
    CHECK_EQ(talk.host.disconnects[0], seconds(row.pause));
    CHECK_EQ(talk.host.redirects, row.redirects);
    CHECK_MESSAGE(contains(talk.host.last_problem(), row.said), talk.host.last_problem());
    CHECK_EQ(talk.host.works.back(), nullptr);
  }
  for (const std::string_view params : {R"(["pool.example",65536])", R"(["pool.example",-1])",
                                        R"([7,8,9])", R"(["",1,99999999])"}) {
    CAPTURE(params);
    Mining talk;
    talk.call("client.reconnect", params);
    CHECK(contains(talk.host.last_problem(), "unusable client.reconnect"));
    CHECK(talk.host.disconnects.empty());
  }
}

TEST_CASE("reconnect when it is not to be followed: to where we were") {
  ClientOptions options;
  options.redirect = false;
  Mining talk(options);
  talk.call("client.reconnect", R"(["pool.example",4444,5])");
  CHECK_EQ(talk.host.disconnects.size(), 1);
  CHECK(talk.host.redirects.empty());
  CHECK(contains(talk.host.last_problem(), "ignored"));
}

TEST_CASE("messages are made harmless and short; questions are answered with their id") {
  Mining talk;
  talk.call("client.show_message", R"(["one\u001b[2Jtwo\nthree\u202e"])");
  CHECK_EQ(talk.host.events.back().kind, ClientEventKind::message);
  CHECK_EQ(talk.host.events.back().text, "pool: one?[2Jtwo?three???");
  talk.call("client.show_message", "[\"" + std::string(100'000, 'a') + "\"]");
  CHECK_LT(talk.host.events.back().text.size(), 256);
  talk.call("client.show_message", "[{}]");
  CHECK(contains(talk.host.last_problem(), "unusable client.show_message"));

  for (const std::string_view id : {"7", "\"seven\"", "null"}) {
    for (const std::string_view method : {"client.get_version", "mining.ping", "client.ping"}) {
      talk.line("{\"id\":" + std::string(id) + R"(,"method":")" + std::string(method) + "\"}");
      CHECK(contains(talk.host.sent.back(), "{\"id\":" + std::string(id) + ",\"result\":\""));
    }
  }
}

TEST_CASE("unknown methods, answers to nobody and empty lines change nothing") {
  Mining talk;
  const std::size_t sent = talk.host.sent.size();
  for (const std::string_view line :
       {R"({"id":null,"method":"mining.set_goal","params":["x"]})",
        R"({"id":99,"method":"mining.unheard_of"})", R"({"id":999,"result":true,"error":null})",
        R"({"id":null,"result":true,"error":null})", R"({"id":-1,"result":true,"error":null})",
        R"({"id":18446744073709551616,"result":true,"error":null})", "", " ", "\r"}) {
    CAPTURE(line);
    talk.line(line);
  }
  CHECK_EQ(talk.host.sent.size(), sent);
  CHECK(talk.host.disconnects.empty());
  CHECK_EQ(talk.client.counters().accepted, 0);
}

TEST_CASE("shares' answers in the forms that occur") {
  struct Row {
    std::string_view answer;
    bool accepted;
    std::string_view text;
  };
  const Row rows[] = {
      {R"("result":true,"error":null)", true, "share accepted"},
      {R"("result":true)", true, "share accepted"},
      {R"("result":false,"error":[23,"Low difficulty share",null])", false, "Low difficulty share"},
      {R"("result":null,"error":[21,"Stale",null])", false, "Stale"},
      {R"("result":null,"error":[-2,"Invalid nonce",null])", false, "Invalid nonce"},
      {R"("error":{"code":31,"message":"Time too old"})", false, "Time too old"},
      {R"("result":null,"error":"nope")", false, "nope"},
      {R"("result":false,"reject-reason":"Above target","error":null)", false, "no reason given"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.answer);
    Mining talk;
    talk.client.on_share(talk.share(), talk.now);
    talk.answer("mining.submit", row.answer);
    CHECK_EQ(talk.client.counters().accepted, row.accepted ? 1 : 0);
    CHECK_EQ(talk.client.counters().rejected, row.accepted ? 0 : 1);
    CHECK_MESSAGE(contains(talk.host.events.back().text, row.text), talk.host.events.back().text);
    CHECK_EQ(talk.client.unanswered(), 0);
  }
}

TEST_CASE("a silent pool is asked whether it is there; any answer will do") {
  for (const bool answers : {true, false}) {
    Mining talk;
    talk.pass(seconds(45));
    CHECK_EQ(talk.host.submits("mining.ping"), 0);
    talk.pass(milliseconds(1));
    talk.pass(milliseconds(1));
    CHECK_EQ(talk.host.submits("mining.ping"), 1);  // once
    talk.pass(seconds(40));
    if (answers) talk.answer("mining.ping", R"("result":null,"error":[20,"Unsupported",null])");
    talk.pass(seconds(45));
    CHECK_EQ(talk.host.disconnects.size(), answers ? 0 : 1);
    talk.pass(milliseconds(1));
    CHECK_EQ(talk.host.submits("mining.ping"), answers ? 2 : 1);
  }
}

TEST_CASE("a pool that is there but has no new job for ten minutes is left") {
  Mining talk;
  for (int i = 0; i < 20; ++i) {
    talk.pass(seconds(30));
    talk.call("mining.set_difficulty", "[1]");
  }
  CHECK(talk.host.disconnects.empty());
  talk.pass(milliseconds(1));
  CHECK_EQ(talk.host.disconnects.size(), 1);
  CHECK(contains(talk.host.last_problem(), "no new job from the pool for 600 s"));
}

TEST_CASE("a pool that talks without end or sense costs nothing but its connection") {
  Mining talk;
  for (int i = 0; i < 10'000; ++i) talk.call("mining.set_difficulty", "[\"x\"]");
  CHECK(talk.host.disconnects.empty());
  CHECK_EQ(talk.host.works.size(), 1);
  std::string deep = R"({"id":null,"method":"mining.notify","params":)";
  for (int i = 0; i < 1000; ++i) deep += '[';
  for (int i = 0; i < 7; ++i) talk.line(deep);
  CHECK(talk.host.disconnects.empty());
  talk.line(deep);
  CHECK_EQ(talk.host.disconnects.size(), 1);
}

}  // namespace
}  // namespace miner
