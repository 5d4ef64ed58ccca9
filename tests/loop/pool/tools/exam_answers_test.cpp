#include "pool/tools/exam_answers.h"

#include <doctest/doctest.h>

using namespace pool;

TEST_CASE("getzmqnotifications of Bitcoin Core 27") {
  const auto published = parse_zmq_notifications(
      R"([{"type":"pubhashblock","address":"tcp://127.0.0.1:28332","hwm":1000},)"
      R"({"type":"pubrawblock","address":"tcp://0.0.0.0:28333","hwm":1000}])");
  REQUIRE(published);
  REQUIRE_EQ(published->size(), 2);
  CHECK_EQ((*published)[0].topic, "hashblock");
  CHECK_EQ((*published)[0].address, "tcp://127.0.0.1:28332");
  CHECK_EQ((*published)[1].topic, "rawblock");
  CHECK(parse_zmq_notifications("[]")->empty());
}

TEST_CASE("notifications of another shape are nothing told") {
  for (const char* json : {"", "null", "{}", "7", "[", "\"pubhashblock\""}) {
    CAPTURE(std::string(json));
    CHECK_FALSE(parse_zmq_notifications(json));
  }
  const auto odd = parse_zmq_notifications(
      R"([7,null,{},{"type":1},{"type":"hashblock"},{"type":"pubsequence","address":[]}])");
  REQUIRE(odd);
  REQUIRE_EQ(odd->size(), 1);
  CHECK_EQ((*odd)[0].topic, "sequence");
  CHECK_EQ((*odd)[0].address, "");
}

TEST_CASE("a wallet that can sign, and the ways in which one can't") {
  struct Row {
    const char* why;
    const char* json;
    bool locked;
    bool has_keys;
    bool scanning;
  };
  const Row rows[] = {
      {"plain", R"({"walletname":"w","private_keys_enabled":true,"scanning":false})", false, true,
       false},
      {"old answers have neither", R"({"walletname":"w"})", false, true, false},
      {"locked", R"({"unlocked_until":0,"private_keys_enabled":true})", true, true, false},
      {"open for a while", R"({"unlocked_until":1700000000})", false, true, false},
      {"only watches", R"({"private_keys_enabled":false})", false, false, false},
      {"scanning", R"({"scanning":{"duration":3,"progress":0.5}})", false, true, true},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.why));
    const auto info = parse_wallet_info(row.json);
    REQUIRE(info);
    CHECK_EQ(info->locked, row.locked);
    CHECK_EQ(info->has_keys, row.has_keys);
    CHECK_EQ(info->scanning, row.scanning);
  }
  for (const char* json : {"", "null", "[]", "{"}) CHECK_FALSE(parse_wallet_info(json));
}
