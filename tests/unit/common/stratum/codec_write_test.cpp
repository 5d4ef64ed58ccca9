// Golden lines, byte for byte. Sources: BIP310; the original Stratum protocol page; lines that
// ckpool, public-pool and DATUM send and that the miners named beside them accept.
#include "common/stratum/codec.h"

#include <doctest/doctest.h>

#include <string>

using stratum::RejectReason;
using stratum::RequestId;

namespace {

base::Bytes bytes(std::string_view hex) {
  auto decoded = base::from_hex(hex);
  REQUIRE(decoded);
  return *decoded;
}

bitcoin::Difficulty difficulty(double value) {
  const auto made = bitcoin::Difficulty::from_double(value);
  REQUIRE(made);
  return *made;
}

}  // namespace

TEST_CASE("answers carry id, result and error, all three") {
  CHECK_EQ(stratum::write_result_true(RequestId{"3"}),
           "{\"id\":3,\"result\":true,\"error\":null}\n");
  CHECK_EQ(stratum::write_result_json(RequestId{"8"}, "[]"),
           "{\"id\":8,\"result\":[],\"error\":null}\n");
  CHECK_EQ(stratum::write_result_json(RequestId{"9"}, "\"pong\""),
           "{\"id\":9,\"result\":\"pong\",\"error\":null}\n");
}

TEST_CASE("an id is echoed to the letter") {
  const char* ids[] = {"7",        "-1",          "0.5",  "1e3",
                       "\"auth\"", "\"\\u0041\"", "null", "18446744073709551616"};
  for (const char* id : ids) {
    CAPTURE(id);
    CHECK_EQ(stratum::write_result_true(RequestId{id}),
             "{\"id\":" + std::string(id) + ",\"result\":true,\"error\":null}\n");
  }
  CHECK_EQ(stratum::write_result_true(RequestId{}),
           "{\"id\":null,\"result\":true,\"error\":null}\n");
}

TEST_CASE("a reject has result false and [code, text, null]") {
  CHECK_EQ(stratum::write_reject(RequestId{"7"}, RejectReason::low_difficulty),
           "{\"id\":7,\"result\":false,\"error\":[23,\"Low difficulty share\",null]}\n");
  CHECK_EQ(stratum::write_reject(RequestId{"2"}, RejectReason::unauthorized),
           "{\"id\":2,\"result\":false,\"error\":[24,\"Unauthorized worker\",null]}\n");
  CHECK_EQ(
      stratum::write_reject(RequestId{"3"}, RejectReason::bad_address),
      "{\"id\":3,\"result\":false,\"error\":[24,\"Unauthorized worker: invalid address\",null]}\n");
  CHECK_EQ(
      stratum::write_reject(RequestId{"7"}, RejectReason::duplicate, "seen \"before\""),
      "{\"id\":7,\"result\":false,\"error\":[22,\"Duplicate share: seen \\\"before\\\"\",null]}\n");
}

TEST_CASE("an error has result null") {
  CHECK_EQ(stratum::write_error(RequestId{"5"}, RejectReason::unsupported_method),
           "{\"id\":5,\"result\":null,\"error\":[20,\"Unsupported method\",null]}\n");
}

TEST_CASE(
    "subscribe's result names both subscriptions; ESP-Miner's probe looks for mining.notify") {
  const stratum::SubscribeResult result{"6a0b51c3", bytes("6a0b51c3"), 8};
  CHECK_EQ(stratum::write_subscribe_result(RequestId{"2"}, result),
           "{\"id\":2,\"result\":[[[\"mining.set_difficulty\",\"6a0b51c3d\"],"
           "[\"mining.notify\",\"6a0b51c3n\"]],\"6a0b51c3\",8],\"error\":null}\n");
}

TEST_CASE("configure's result has exactly the requested extensions") {
  struct Row {
    const char* why;
    stratum::ConfigureResult result;
    std::string_view json;
  };
  const Row rows[] = {
      {"ESP-Miner",
       {{{"version-rolling", true}}, 0x1fffe000},
       "{\"version-rolling\":true,\"version-rolling.mask\":\"1fffe000\"}"},
      {"Antminer stock",
       {{{"version-rolling", true}, {"minimum-difficulty", true}, {"subscribe-extranonce", true}},
        0x1fffe000},
       "{\"version-rolling\":true,\"version-rolling.mask\":\"1fffe000\",\"minimum-difficulty\":"
       "true,"
       "\"subscribe-extranonce\":true}"},
      {"an extension nobody knows", {{{"foo", false}}, std::nullopt}, "{\"foo\":false}"},
      {"a mask without version-rolling was not asked for",
       {{{"foo", true}}, 0x1fffe000},
       "{\"foo\":true}"},
      {"the mask asked for as an extension too: no key twice",
       {{{"version-rolling.mask", false}, {"version-rolling", true}}, 0x1fffe000},
       "{\"version-rolling\":true,\"version-rolling.mask\":\"1fffe000\"}"},
      {"an option's name alone is an unknown extension",
       {{{"version-rolling.mask", false}}, std::nullopt},
       "{\"version-rolling.mask\":false}"},
      {"leading zeros of a mask stay",
       {{{"version-rolling", true}}, 0x0000e000},
       "{\"version-rolling\":true,\"version-rolling.mask\":\"0000e000\"}"},
      {"nothing requested", {}, "{}"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK_EQ(stratum::write_configure_result(RequestId{"1"}, row.result),
             "{\"id\":1,\"result\":" + std::string(row.json) + ",\"error\":null}\n");
  }
}

TEST_CASE("set_difficulty is a plain decimal number") {
  struct Row {
    const char* why;
    double value;
    std::string_view text;
  };
  const Row rows[] = {
      {"no \".0\": a cgminer 4.9.1 proxy read 1024.0 as 0", 1024, "1024"},
      {"one", 1, "1"},
      {"no exponent", 1e6, "1000000"},
      {"a power of two below one", 0.000244140625, "0.000244140625"},
      {"a half", 0.5, "0.5"},
      {"small, still no exponent", 0.0001, "0.0001"},
      {"2^16", 65536, "65536"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK_EQ(stratum::write_set_difficulty(difficulty(row.value)),
             "{\"id\":null,\"method\":\"mining.set_difficulty\",\"params\":[" +
                 std::string(row.text) + "]}\n");
  }
}

TEST_CASE("the smaller notifications") {
  CHECK_EQ(stratum::write_set_version_mask(0x1fffe000),
           "{\"id\":null,\"method\":\"mining.set_version_mask\",\"params\":[\"1fffe000\"]}\n");
  CHECK_EQ(stratum::write_set_extranonce(bytes("08000002"), 4),
           "{\"id\":null,\"method\":\"mining.set_extranonce\",\"params\":[\"08000002\",4]}\n");
  CHECK_EQ(stratum::write_show_message("hello"),
           "{\"id\":null,\"method\":\"client.show_message\",\"params\":[\"hello\"]}\n");
  CHECK_EQ(stratum::write_reconnect({"host", 3333, 5}),
           "{\"id\":null,\"method\":\"client.reconnect\",\"params\":[\"host\",3333,5]}\n");
  CHECK_EQ(stratum::write_reconnect({}),
           "{\"id\":null,\"method\":\"client.reconnect\",\"params\":[]}\n");
}

TEST_CASE("notify, with and without branches") {
  stratum::Notify notify;
  notify.job_id = "0000000000000001";
  const auto prev = bitcoin::BlockHash::from_display_hex(
      "773baafe908901fc6a097695658199101c6cf902005bbc9ea321ce3dc531dbc2");
  REQUIRE(prev);
  notify.prev_hash = *prev;
  notify.coinb1 = bytes("0100");
  notify.coinb2 = bytes("ffff00");
  notify.version = 0x20000000;
  notify.nbits = 0x17023a04;
  notify.ntime = 0x0054685d;
  notify.clean_jobs = true;
  const std::string head =
      "{\"id\":null,\"method\":\"mining.notify\",\"params\":[\"0000000000000001\","
      "\"c531dbc2a321ce3d005bbc9e1c6cf902658199106a097695908901fc773baafe\",\"0100\",\"ffff00\",";
  CHECK_EQ(stratum::write_notify(notify),
           head + "[],\"20000000\",\"17023a04\",\"0054685d\",true]}\n");

  bitcoin::Hash256 first;
  first.bytes.fill(0x11);
  bitcoin::Hash256 second;
  second.bytes.fill(0x22);
  notify.merkle_branch = {first, second};
  notify.clean_jobs = false;
  std::string ones, twos;
  for (int i = 0; i < 32; ++i) {
    ones += "11";
    twos += "22";
  }
  CHECK_EQ(stratum::write_notify(notify),
           head + "[\"" + ones + "\",\"" + twos +
               "\"],\"20000000\",\"17023a04\",\"0054685d\",false]}\n");
}

TEST_CASE("what a peer named can't break a line") {
  const std::string line = stratum::write_show_message("a\"b\\c\nd\xff\x01");
  CHECK_EQ(line,
           "{\"id\":null,\"method\":\"client.show_message\",\"params\":[\"a\\\"b\\\\c\\nd?"
           "\\u0001\"]}\n");
}
