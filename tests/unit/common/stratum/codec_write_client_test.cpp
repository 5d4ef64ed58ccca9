// What our miner writes, byte for byte, and that the pool reads it back the same.
#include "common/stratum/codec.h"

#include <doctest/doctest.h>

#include <string>

namespace {

template <class Message>
Message read_back(const std::string& line) {
  REQUIRE(line.ends_with('\n'));
  const auto request = stratum::parse_request(std::string_view(line).substr(0, line.size() - 1));
  REQUIRE(request);
  REQUIRE(std::holds_alternative<Message>(request->message));
  return std::get<Message>(request->message);
}

}  // namespace

TEST_CASE("subscribe, with and without a session to resume") {
  CHECK_EQ(stratum::write_subscribe(2, {"bitaxe/BM1370/v2.9.0", ""}),
           "{\"id\":2,\"method\":\"mining.subscribe\",\"params\":[\"bitaxe/BM1370/v2.9.0\"]}\n");
  const std::string line = stratum::write_subscribe(1, {"cgminer/4.11.1", "6a0b51c3n"});
  CHECK_EQ(
      line,
      "{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"cgminer/4.11.1\",\"6a0b51c3n\"]}\n");
  CHECK_EQ(read_back<stratum::Subscribe>(line).session_id, "6a0b51c3n");
}

TEST_CASE("authorize") {
  const std::string line = stratum::write_authorize(3, {"bc1q.rig1", "x\"y"});
  CHECK_EQ(line,
           "{\"id\":3,\"method\":\"mining.authorize\",\"params\":[\"bc1q.rig1\",\"x\\\"y\"]}\n");
  const auto back = read_back<stratum::Authorize>(line);
  CHECK_EQ(back.username, "bc1q.rig1");
  CHECK_EQ(back.password, "x\"y");
}

TEST_CASE("configure") {
  stratum::Configure configure;
  configure.extensions = {"version-rolling", "minimum-difficulty"};
  configure.version_rolling_mask = 0x1fffe000;
  configure.version_rolling_min_bit_count = 16;
  configure.minimum_difficulty = 2048;
  const std::string line = stratum::write_configure(1, configure);
  CHECK_EQ(line,
           "{\"id\":1,\"method\":\"mining.configure\",\"params\":[[\"version-rolling\","
           "\"minimum-difficulty\"],{\"version-rolling.mask\":\"1fffe000\","
           "\"version-rolling.min-bit-count\":16,\"minimum-difficulty.value\":2048}]}\n");
  const auto back = read_back<stratum::Configure>(line);
  CHECK_EQ(back.extensions, configure.extensions);
  CHECK_EQ(back.version_rolling_mask, configure.version_rolling_mask);
  CHECK_EQ(back.version_rolling_min_bit_count, configure.version_rolling_min_bit_count);
  CHECK_EQ(back.minimum_difficulty, configure.minimum_difficulty);
}

TEST_CASE("submit, with and without version bits") {
  stratum::Submit submit{"bc1q....rig1", "875b4b7",  "17000000",
                         0x685468d7,     0x7552034c, std::nullopt};
  CHECK_EQ(stratum::write_submit(7, submit),
           "{\"id\":7,\"method\":\"mining.submit\",\"params\":[\"bc1q....rig1\",\"875b4b7\","
           "\"17000000\",\"685468d7\",\"7552034c\"]}\n");
  submit.version_bits = 0x00b44000;
  const std::string line = stratum::write_submit(7, submit);
  CHECK_EQ(line,
           "{\"id\":7,\"method\":\"mining.submit\",\"params\":[\"bc1q....rig1\",\"875b4b7\","
           "\"17000000\",\"685468d7\",\"7552034c\",\"00b44000\"]}\n");
  const auto back = read_back<stratum::Submit>(line);
  CHECK_EQ(back.worker_name, submit.worker_name);
  CHECK_EQ(back.job_id, submit.job_id);
  CHECK_EQ(back.extranonce2_hex, submit.extranonce2_hex);
  CHECK_EQ(back.ntime, submit.ntime);
  CHECK_EQ(back.nonce, submit.nonce);
  CHECK_EQ(back.version_bits, submit.version_bits);
}

TEST_CASE("the smaller requests and answers") {
  const auto difficulty = bitcoin::Difficulty::from_double(0.5);
  REQUIRE(difficulty);
  CHECK_EQ(stratum::write_suggest_difficulty(4, *difficulty),
           "{\"id\":4,\"method\":\"mining.suggest_difficulty\",\"params\":[0.5]}\n");
  CHECK_EQ(stratum::write_ping(6), "{\"id\":6,\"method\":\"mining.ping\",\"params\":[]}\n");
  CHECK_EQ(stratum::write_extranonce_subscribe(5),
           "{\"id\":5,\"method\":\"mining.extranonce.subscribe\",\"params\":[]}\n");
  CHECK_EQ(stratum::write_pong("4"), "{\"id\":4,\"result\":\"pong\",\"error\":null}\n");
  CHECK_EQ(stratum::write_version_answer("1", "phaseminer/0.1"),
           "{\"id\":1,\"result\":\"phaseminer/0.1\",\"error\":null}\n");
  CHECK(std::holds_alternative<stratum::Response>(
      stratum::parse_request("{\"id\":4,\"result\":\"pong\",\"error\":null}")->message));
}
