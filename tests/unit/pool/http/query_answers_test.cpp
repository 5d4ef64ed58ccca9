#include "pool/http/query_answers.h"

#include <doctest/doctest.h>

#include <string>

using namespace pool;

TEST_CASE("blocks read from the database come out as they went in") {
  const std::string from_database =
      R"([{"height":12,"hash":"00ab","status":"accepted","detail":"","time":"2024-09-20T14:31:40.250Z",)"
      R"("address":"bcrt1q","worker":"r\"1","reward_sats":5000000000,"network_difficulty":1.0,)"
      R"("share_difficulty":1.5,"state":"in_chain","confirmations":3,"matures_in":97,)"
      R"("submissions":[{"node":"a:1","answer":"rejected","detail":"high-hash",)"
      R"("time":"2024-09-20T14:31:41Z"},5,{}]},)"
      R"({"height":-1,"hash":5,"reward_sats":"x","time":"now","state":null,"confirmations":null,)"
      R"("matures_in":"x","submissions":{}}])";
  const auto rows = parse_blocks(from_database);
  REQUIRE(rows);
  REQUIRE_EQ(rows->size(), 2);
  CHECK_EQ((*rows)[0].height, 12);
  CHECK_EQ((*rows)[0].worker, "r\"1");
  CHECK_EQ((*rows)[0].reward_sats, 5'000'000'000);
  CHECK_EQ((*rows)[1].height, 0);  // of a wrong type: left at the default
  CHECK_EQ((*rows)[0].hash, "00ab");
  CHECK_EQ((*rows)[0].time_us, 1'726'842'700'250'000);
  CHECK_EQ((*rows)[0].share_difficulty, 1.5);
  CHECK_EQ((*rows)[0].state, "in_chain");
  CHECK_EQ((*rows)[0].confirmations, 3);
  CHECK_EQ((*rows)[0].matures_in, 97);
  REQUIRE_EQ((*rows)[0].answers.size(), 2);
  CHECK_EQ((*rows)[0].answers[0],
           BlockAnswer{"a:1", "rejected", "high-hash", 1'726'842'701'000'000});
  CHECK_EQ((*rows)[1].time_us, 0);
  CHECK_EQ((*rows)[1].state, "");
  CHECK_FALSE((*rows)[1].confirmations);
  CHECK_FALSE((*rows)[1].matures_in);
  CHECK((*rows)[1].answers.empty());
}

TEST_CASE("what is not the database's JSON is refused") {
  for (const char* bad : {"", "null", "{}", "5", "[1]", "[{}", "no", "[{}]x", "[null]"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_blocks(bad));
  }
  CHECK_FALSE(parse_blocks_by_status("{\"blocks\":[]}"));
  CHECK_FALSE(parse_blocks_by_status("{\"blocks\":{\"accepted\":-1}}"));
  const auto totals =
      parse_blocks_by_status(R"({"shares":5,"blocks":{"accepted":3,"rejected":1}})");
  REQUIRE(totals);
  CHECK_EQ(totals->at("accepted"), 3);
  // Deep nesting is no way to the stack's end.
  CHECK_FALSE(parse_blocks(std::string(1'000'000, '[')));
}

TEST_CASE("the round and the newest block") {
  const auto answer = parse_round(
      R"({"round":{"began_us":5,"shares":7,"work":"12","network_work":"36","effort":0.333333,"exact":true},)"
      R"("last_block":{"height":9,"hash":"ab","time_us":4,"status":"accepted","effort":null}})");
  REQUIRE(answer);
  REQUIRE(answer->round);
  CHECK_EQ(*answer->round, RoundFigures{5, 7, "12", "36", 0.333333, true});
  REQUIRE(answer->last_block);
  CHECK_EQ(*answer->last_block, BlockBrief{9, "ab", 4, "accepted", std::nullopt});
  const auto none = parse_round(R"({"round":null,"last_block":null})");
  REQUIRE(none);
  CHECK_FALSE(none->round);
  CHECK_FALSE(none->last_block);
  for (const char* bad : {"", "null", "[]", "{"}) CHECK_FALSE(parse_round(bad));
}

TEST_CASE("luck") {
  const auto answer = parse_luck(
      R"({"last_10":{"blocks":3,"expected":1.5,"luck":2},"last_100":{"blocks":0,"expected":0,"luck":null}})");
  REQUIRE(answer);
  CHECK_EQ(*answer->last_10, LuckFigures{3, 1.5, 2.0});
  CHECK_EQ(*answer->last_100, LuckFigures{0, 0, std::nullopt});
  CHECK_FALSE(parse_luck("{}")->last_10);
  for (const char* bad : {"", "null", "[]", "{"}) CHECK_FALSE(parse_luck(bad));
}
