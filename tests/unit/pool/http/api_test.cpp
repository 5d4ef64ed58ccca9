#include "pool/http/api.h"

#include "tests/unit/pool/http/fixture.h"

#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include <limits>

using namespace pool;

namespace {

rapidjson::Document parsed(const std::string& json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(json.data(), json.size());
  REQUIRE_FALSE(document.HasParseError());
  REQUIRE(document.IsObject());
  return document;
}

}  // namespace

TEST_CASE("the pool's JSON reads back as the snapshot") {
  const auto json = parsed(pool_json(busy_snapshot()));
  CHECK_EQ(std::string(json["state"].GetString()), "mining");
  CHECK_EQ(std::string(json["network"].GetString()), "regtest");
  CHECK_EQ(json["uptime_seconds"].GetInt64(), 259);
  CHECK_EQ(json["hashrate"]["1m"].GetDouble(), 1e6);
  CHECK_EQ(json["hashrate"]["5m"].GetDouble(), 2.5e6);
  CHECK_EQ(json["hashrate"]["15m"].GetDouble(), 2e6);
  CHECK_EQ(json["hashrate"]["1h"].GetDouble(), 1.5e6);
  CHECK_EQ(json["hashrate"]["6h"].GetDouble(), 1.4e6);
  CHECK_EQ(json["hashrate"]["1d"].GetDouble(), 1.25e6);
  CHECK_EQ(json["hashrate"]["7d"].GetDouble(), 1.2e6);
  CHECK_EQ(json["miners"].GetUint64(), 3);
  CHECK_EQ(json["workers"].GetUint64(), 11);
  CHECK_EQ(json["connections"].GetUint64(), 12);
  CHECK_EQ(json["shares"]["accepted"].GetUint64(), 9'990);
  CHECK_EQ(json["shares"]["pending"].GetUint64(), 2);
  CHECK_EQ(json["shares"]["stored"].GetUint64(), 9'980);
  CHECK_EQ(json["shares"]["rejected"].GetUint64(), 10);
  CHECK_EQ(json["shares"]["rejects"].MemberCount(), stratum::reject_reason_count);
  CHECK_EQ(json["shares"]["rejects"]["stale"].GetUint64(), 7);
  CHECK_EQ(json["shares"]["rejects"]["low_difficulty"].GetUint64(), 3);
  CHECK_EQ(json["shares"]["rejects"]["duplicate"].GetUint64(), 0);
  CHECK_EQ(json["blocks_found"].GetUint64(), 2);
  CHECK_EQ(json["blocks"]["accepted"].GetUint64(), 2);
  CHECK_EQ(json["blocks_version"].GetUint64(), 6);
  CHECK_EQ(json["height"].GetUint(), 1'234);
  CHECK_EQ(std::string(json["tip"].GetString()), std::string(62, '0') + "ab");
  CHECK_EQ(json["network_difficulty"].GetDouble(), 4.6565423739069247e-10);
  CHECK_EQ(json["network_hashrate"].GetDouble(), 100);
  CHECK_EQ(json["coinbase_sats"].GetInt64(), 5'000'000'123);
  CHECK_EQ(json["template_transactions"].GetUint64(), 17);
  CHECK_EQ(json["best_share_difficulty"].GetDouble(), 31.5);
  CHECK_EQ(json["notify_latency_us"].GetInt64(), 1'800);
  CHECK(json["node"]["connected"].GetBool());
  CHECK(json["node"]["error"].IsNull());
  CHECK_EQ(std::string(json["node"]["version"].GetString()), "/Satoshi:27.0.0/");
  CHECK(json["journal"]["writable"].GetBool());
  CHECK_EQ(json["journal"]["sequence"].GetUint64(), 9'990);
  CHECK(json["database"]["connected"].GetBool());
  CHECK_EQ(json["database"]["records_behind"].GetUint64(), 10);
}

TEST_CASE("every node is listed with what went wrong, and every source of tips with its lead") {
  PoolSnapshot s = busy_snapshot();
  s.node->work_expired = true;
  NodeSummary first{.name = "node 1", .error = "it does not answer", .height = 7};
  first.failures[static_cast<std::size_t>(NodeFailure::timeout)] = 3;
  first.block_answers.of[static_cast<std::size_t>(SubmissionAnswer::duplicate)] = 2;
  const NodeSummary second{
      .name = "node 2", .up = true, .answering = true, .in_use = true, .response_us = 850};
  s.node->nodes = {first, second};
  s.node->tips.sources[static_cast<std::size_t>(TipSource::long_poll)] = {
      .wins = 2, .heard = 5, .last_lag_us = 40, .lags_sum_us = 90};
  const auto json = parsed(pool_json(s));
  CHECK(json["node"]["work_expired"].GetBool());
  REQUIRE_EQ(json["nodes"].Size(), 2);
  CHECK_FALSE(json["nodes"][0]["up"].GetBool());
  CHECK(json["nodes"][0]["response_us"].IsNull());
  CHECK_EQ(json["nodes"][0]["failures"]["timeout"].GetUint64(), 3);
  CHECK_EQ(json["nodes"][0]["failures"]["slow"].GetUint64(), 0);
  CHECK_EQ(json["nodes"][0]["block_answers"]["duplicate"].GetUint64(), 2);
  CHECK_EQ(json["nodes"][0]["block_answers"]["unreachable"].GetUint64(), 0);
  CHECK(json["nodes"][1]["in_use"].GetBool());
  CHECK_EQ(json["nodes"][1]["response_us"].GetInt64(), 850);
  CHECK(json["nodes"][1]["error"].IsNull());
  CHECK_EQ(json["tips"]["long_poll"]["first"].GetUint64(), 2);
  CHECK_EQ(json["tips"]["long_poll"]["mean_lag_us"].GetInt64(), 30);
  CHECK_EQ(json["tips"]["zmq_rawblock"]["heard"].GetUint64(), 0);
  CHECK_FALSE(unreadiness(s).empty());
}

TEST_CASE("what is not known yet is null, not zero") {
  const auto json = parsed(pool_json(PoolSnapshot{}));
  CHECK_EQ(std::string(json["state"].GetString()), "starting");
  for (const char* name : {"height", "tip", "network_difficulty", "network_hashrate",
                           "coinbase_sats", "template_transactions", "notify_latency_us"}) {
    CAPTURE(name);
    CHECK(json[name].IsNull());
  }
  CHECK(json["shares"]["stored"].IsNull());
  CHECK_FALSE(json["node"]["connected"].GetBool());
  CHECK_FALSE(json["journal"]["writable"].GetBool());
  CHECK_FALSE(json["database"]["connected"].GetBool());
}

TEST_CASE("numbers and texts that JSON can't hold do not spoil the document") {
  PoolSnapshot s = busy_snapshot();
  s.hashrate[0] = std::numeric_limits<double>::infinity();
  s.node->network_difficulty = std::numeric_limits<double>::quiet_NaN();
  // Alone, cut short, overlong, a surrogate, beyond U+10FFFF; a good one is kept.
  s.node->version = "\xff \xc3 \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82\xac \"\\\n\x01";
  const auto json = parsed(pool_json(s));
  CHECK(json["hashrate"]["1m"].IsNull());
  CHECK(json["network_difficulty"].IsNull());
  const std::string version = json["node"]["version"].GetString();
  CHECK_NE(version.find("\xe2\x82\xac \"\\\n\x01"), std::string::npos);
  CHECK_EQ(version.find('\xff'), std::string::npos);
}

TEST_CASE("the state names the worst thing that is wrong") {
  struct Row {
    const char* why;
    PoolCondition condition;
    std::function<void(PoolSnapshot&)> change;
  };
  const Row rows[] = {
      {"all well", PoolCondition::mining, [](PoolSnapshot&) {}},
      {"nobody works", PoolCondition::waiting_for_miners, [](PoolSnapshot& s) { s.workers = 0; }},
      {"database away", PoolCondition::database_away,
       [](PoolSnapshot& s) { s.stored->connected = false; }},
      {"database not tried yet", PoolCondition::mining, [](PoolSnapshot& s) { s.stored.reset(); }},
      {"node away matters more", PoolCondition::no_node,
       [](PoolSnapshot& s) { s.stored->connected = s.node->connected = false; }},
      {"node not heard of", PoolCondition::starting, [](PoolSnapshot& s) { s.node.reset(); }},
      {"no journal matters most", PoolCondition::journal_broken,
       [](PoolSnapshot& s) {
         s.journal->writable = false;
         s.node.reset();
       }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    PoolSnapshot s = busy_snapshot();
    row.change(s);
    CHECK(s.condition() == row.condition);
  }
}

TEST_CASE("errors have a code, a message, and a hint when there is one") {
  const auto json = parsed(error_json("not_found", "no \"x\"", ""));
  CHECK_EQ(std::string(json["error"]["code"].GetString()), "not_found");
  CHECK_EQ(std::string(json["error"]["message"].GetString()), "no \"x\"");
  CHECK_FALSE(json["error"].HasMember("hint"));
}
