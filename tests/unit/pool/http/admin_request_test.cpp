#include "pool/http/admin_request.h"

#include "pool/core/limits.h"
#include "tests/unit/pool/http/fixture.h"

#include <doctest/doctest.h>

using namespace pool;
using namespace std::chrono_literals;

namespace {

constexpr const char* miner = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

std::string tell_error(const std::string& body) {
  const auto parsed = parse_tell(body, bitcoin::Network::regtest);
  return parsed ? "" : parsed.error().message;
}
std::string ban_error(const std::string& body) {
  const auto parsed = parse_ban(body);
  return parsed ? "" : parsed.error().message;
}
std::string drain_error(const std::string& body) {
  const auto parsed = parse_drain(body);
  return parsed ? "" : parsed.error().message;
}

}  // namespace

TEST_CASE("a drain tells miners to reconnect unless it shall not, here or elsewhere") {
  for (const char* body : {"", "{}", "{\"reconnect\":true}"}) {
    CAPTURE(body);
    const auto drain = parse_drain(body);
    REQUIRE(drain);
    REQUIRE(drain->reconnect);
    CHECK(drain->reconnect->host.empty());
  }
  CHECK_FALSE(parse_drain("{\"reconnect\":false}")->reconnect);
  const auto there = parse_drain("{\"host\":\"b.example\",\"port\":3334,\"wait_seconds\":5}");
  REQUIRE(there);
  CHECK_EQ(there->reconnect->host, "b.example");
  CHECK_EQ(there->reconnect->port, 3334);
  CHECK_EQ(there->reconnect->wait_seconds, 5);
  CHECK_EQ(drain_error("{\"host\":\"b.example\"}"), "\"host\" and \"port\" go together");
  CHECK_EQ(drain_error("{\"port\":1}"), "\"host\" and \"port\" go together");
  CHECK_EQ(drain_error("{\"host\":\"a\",\"port\":65536}"),
           "\"port\" is not a whole number from 1 to 65535");
  CHECK_EQ(drain_error("{\"host\":\"a\\nb\",\"port\":1}"), "\"host\" is not the name of a host");
  CHECK_EQ(drain_error("{\"host\":\"" + std::string(254, 'a') + "\",\"port\":1}"),
           "\"host\" is not the name of a host");
  CHECK_EQ(drain_error("{\"reconnect\":1}"), "\"reconnect\" is not true or false");
  CHECK_EQ(drain_error("{\"now\":true}"), "\"now\" is no member of this request");
}

TEST_CASE("a ban names an address and may say for how long") {
  const auto ban = parse_ban("{\"address\":\"192.0.2.1\"}");
  REQUIRE(ban);
  CHECK_EQ(ban->prefix.text(), "192.0.2.1");
  CHECK_EQ(ban->time, std::chrono::seconds(limits::operator_ban_seconds));
  const auto longer = parse_ban("{\"address\":\"2001:db8::7\",\"seconds\":1}");
  REQUIRE(longer);
  CHECK_EQ(longer->prefix.text(), "2001:db8::/64");
  CHECK_EQ(longer->time, 1s);
  CHECK_EQ(parse_unban("{\"address\":\"192.0.2.1\"}")->prefix, ban->prefix);
  for (const char* body : {"", "{}", "{\"address\":\"\"}", "{\"address\":\"pool.example\"}",
                           "{\"address\":\"192.0.2.1:80\"}", "{\"address\":\"192.0.2.0/24\"}"}) {
    CAPTURE(body);
    CHECK_EQ(ban_error(body).rfind("\"address\" is not an IP address: ", 0), 0);
    CHECK_FALSE(parse_unban(body));
  }
  for (const char* own : {"127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"}) {
    CAPTURE(own);
    CHECK_EQ(ban_error("{\"address\":\"" + std::string(own) + "\"}"),
             "\"address\" is this machine itself, which no limits hold for");
  }
  CHECK_EQ(ban_error("{\"address\":1}"), "\"address\" is not a text");
  for (const char* seconds : {"0", "-1", "1.5", "31536001", "\"60\"", "null", "1e3"}) {
    CAPTURE(seconds);
    CHECK_EQ(ban_error("{\"address\":\"192.0.2.1\",\"seconds\":" + std::string(seconds) + "}"),
             "\"seconds\" is not a whole number from 1 to 31536000");
  }
}

TEST_CASE("a message goes to everybody, an address or a worker, as one clean line") {
  const auto all = parse_tell("{\"text\":\"Moving at 12:00\"}", bitcoin::Network::regtest);
  REQUIRE(all);
  CHECK_EQ(all->text, "Moving at 12:00");
  CHECK(all->to.address.empty());
  const auto one = parse_tell(R"({"text":"a\nb","to":")" + std::string(miner) + R"(.rig"})",
                              bitcoin::Network::regtest);
  REQUIRE(one);
  CHECK_EQ(one->text, "a_b");
  CHECK_EQ(one->to.full(), std::string(miner) + ".rig");
  const auto address =
      parse_tell(R"({"text":"x","to":")" + std::string(miner) + "\"}", bitcoin::Network::regtest);
  REQUIRE(address);
  CHECK_EQ(address->to.name, "");
  CHECK_EQ(tell_error("{}"), "\"text\" has 0 bytes");
  CHECK_EQ(tell_error("{\"text\":\"" + std::string(513, 'x') + "\"}"), "\"text\" has 513 bytes");
  CHECK_EQ(tell_error("{\"text\":\"" + std::string(512, 'x') + "\"}"), "");
  for (const char* to : {"", "nobody", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}) {
    CAPTURE(to);
    CHECK_EQ(tell_error(R"({"text":"x","to":")" + std::string(to) + "\"}")
                 .rfind("\"to\" is not ADDRESS or ADDRESS.worker of this network", 0),
             0);
  }
}

TEST_CASE("what is no JSON object is no order") {
  for (const char* body : {"x", "[]", "null", "{", "{}{}", "\"drain\"", "{\"a\"}"}) {
    CAPTURE(body);
    CHECK_EQ(drain_error(body), "the body is not a JSON object");
    CHECK_FALSE(parse_nothing(body));
  }
  CHECK_EQ(drain_error(std::string(10'000, '[')), "the body is not a JSON object");
  CHECK(parse_nothing(""));
  CHECK(parse_nothing(" {} "));
  CHECK_FALSE(parse_nothing("{\"a\":1}"));
}

TEST_CASE("the status says what is left of a drain") {
  PoolSnapshot s = busy_snapshot();
  s.shards = 2;
  s.shards_draining = 2;
  CHECK_EQ(admin_status_json(s),
           "{\"state\":\"mining\",\"time_us\":1726842727000000,\"shards\":2,\"shards_draining\":2,"
           "\"connections\":12,\"workers\":11,\"shares_pending\":2,\"drained\":false}");
  s.connections = 0;
  CHECK_NE(admin_status_json(s).find("\"drained\":false"), std::string::npos);
  s.shares_pending = 0;
  CHECK_NE(admin_status_json(s).find("\"drained\":true"), std::string::npos);
  s.shards_draining = 1;
  CHECK_NE(admin_status_json(s).find("\"drained\":false"), std::string::npos);
  CHECK_EQ(order_json({7, "", 3, "a note"}),
           "{\"done\":true,\"connections\":3,\"note\":\"a note\"}");
}
