// cgminer's API: requests in both forms, and every answer's fields.
#include "miner/api.h"

#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include <string>

namespace miner {
namespace {

ApiFacts facts() {
  ApiFacts facts;
  facts.unix_seconds = 1700000000;
  Status& status = facts.status;
  status.link = LinkState::mining;
  status.uptime = std::chrono::seconds(120);
  status.hash_rate = 22.5e6;
  status.hashes = 2'400'000'000;
  status.counters.accepted = 6;
  status.counters.rejected = 2;
  status.counters.difficulty_accepted = 12;
  status.counters.best_share = 40.5;
  status.counters.blocks_found = 1;
  status.counters.dropped_stale = 2;
  status.difficulty = 2;
  status.threads = 2;
  status.kernel = "x86_shani";
  status.per_thread = {{11e6, 1'200'000'000, 0, 2, 0, 4}, {11.5e6, 1'200'000'000, 3, 4, 2, 8}};
  status.wrong_proposals = 3;
  status.pools = {{"stratum+tcp://h:3333", "a,b|c=d", true, 6, 2, 12},
                  {"stratum+ssl://i:3443", "e", false, 0, 0, 0}};
  return facts;
}

rapidjson::Document ask_json(const std::string& command) {
  rapidjson::Document document;
  const std::string answer = answer_api(R"({"command":")" + command + "\"}", facts());
  CAPTURE(answer);
  document.Parse(answer.c_str());
  REQUIRE_FALSE(document.HasParseError());
  CHECK_EQ(document["id"].GetInt(), 1);
  return document;
}

TEST_CASE("summary as JSON") {
  const auto answer = ask_json("summary");
  const auto& status = answer["STATUS"][0];
  CHECK_EQ(std::string(status["STATUS"].GetString()), "S");
  CHECK_EQ(status["Code"].GetInt(), 11);
  CHECK_EQ(std::string(status["Msg"].GetString()), "Summary");
  CHECK_EQ(status["When"].GetInt(), 1700000000);
  CHECK_EQ(std::string(status["Description"].GetString()).rfind("phaseminer ", 0), 0);
  const auto& summary = answer["SUMMARY"][0];
  CHECK_EQ(summary["Elapsed"].GetInt(), 120);
  CHECK_EQ(summary["MHS av"].GetDouble(), 20.0);
  CHECK_EQ(summary["MHS 5s"].GetDouble(), 22.5);
  CHECK_EQ(summary["Accepted"].GetInt(), 6);
  CHECK_EQ(summary["Rejected"].GetInt(), 2);
  CHECK_EQ(summary["Utility"].GetDouble(), 3.0);
  CHECK_EQ(summary["Hardware Errors"].GetInt(), 3);
  CHECK_EQ(summary["Found Blocks"].GetInt(), 1);
  CHECK_EQ(summary["Best Share"].GetDouble(), 40.5);
  CHECK_EQ(summary["Pool Rejected%"].GetDouble(), 25.0);
  CHECK_EQ(summary["Pool Stale%"].GetDouble(), 20.0);
}

TEST_CASE("devs, pools, version and config as JSON") {
  const auto devs = ask_json("devs");
  REQUIRE_EQ(devs["DEVS"].Size(), 2);
  CHECK_EQ(devs["DEVS"][1]["CPU"].GetInt(), 1);
  CHECK_EQ(devs["DEVS"][1]["MHS av"].GetDouble(), 10.0);
  CHECK_EQ(devs["DEVS"][1]["Hardware Errors"].GetInt(), 3);
  CHECK_EQ(devs["DEVS"][0]["Accepted"].GetInt(), 2);
  CHECK_EQ(devs["DEVS"][1]["Rejected"].GetInt(), 2);
  CHECK_EQ(devs["DEVS"][1]["Difficulty Accepted"].GetDouble(), 8.0);
  CHECK_EQ(std::string(devs["DEVS"][0]["Status"].GetString()), "Alive");
  const auto pools = ask_json("pools");
  REQUIRE_EQ(pools["POOLS"].Size(), 2);
  CHECK_EQ(std::string(pools["POOLS"][0]["User"].GetString()), "a,b|c=d");
  CHECK(pools["POOLS"][0]["Stratum Active"].GetBool());
  CHECK_EQ(pools["POOLS"][0]["Accepted"].GetInt(), 6);
  CHECK_EQ(pools["POOLS"][1]["Priority"].GetInt(), 1);
  CHECK_EQ(std::string(pools["POOLS"][1]["Status"].GetString()), "Dead");
  CHECK(ask_json("version")["VERSION"][0].HasMember("Phaseminer"));
  CHECK_EQ(std::string(ask_json("version")["VERSION"][0]["API"].GetString()), "3.7");
  CHECK_EQ(ask_json("config")["CONFIG"][0]["CPU Count"].GetInt(), 2);
  CHECK_EQ(ask_json("config")["CONFIG"][0]["Pool Count"].GetInt(), 2);
}

TEST_CASE("the same as text, in which values end no field") {
  const std::string pools = answer_api("pools", facts());
  CHECK_EQ(pools.rfind("STATUS=S,When=1700000000,Code=7,Msg=2 Pool(s),Description=phaseminer ", 0),
           0);
  CHECK_NE(pools.find("|POOL=0,URL=stratum+tcp://h:3333,Status=Alive,"), std::string::npos);
  CHECK_NE(pools.find(R"(,User=a\,b\|c\=d,)"), std::string::npos);
  CHECK(pools.ends_with("|"));
  const std::string summary = answer_api("summary|", facts());
  CHECK_NE(summary.find("|SUMMARY,Elapsed=120,MHS av=20.00000000,"), std::string::npos);
  CHECK_NE(answer_api("devs", facts()).find("|CPU=1,Name=x86_shani,"), std::string::npos);
}

TEST_CASE("several commands at once, each once, and not too many") {
  rapidjson::Document document;
  const std::string answer = answer_api("summary+devs+summary", facts());
  document.Parse(answer.c_str());
  REQUIRE_FALSE(document.HasParseError());
  CHECK_EQ(document["summary"][0]["SUMMARY"][0]["Accepted"].GetInt(), 6);
  CHECK_EQ(document["devs"][0]["DEVS"].Size(), 2);
  CHECK_EQ(document.MemberCount(), 3);
  CHECK_EQ(ask_json("summary+quit")["quit"][0]["STATUS"][0]["Code"].GetInt(), 45);
  std::string many = "0";
  for (int i = 1; i < 100; ++i) many += "+" + std::to_string(i);
  document.Parse(answer_api(many, facts()).c_str());
  CHECK_EQ(document.MemberCount(), api_commands_max + 1);
}

TEST_CASE("what is not there, or would change something") {
  const auto code = [](const std::string& request) {
    rapidjson::Document document;
    document.Parse(answer_api(request, facts()).c_str());
    REQUIRE_FALSE(document.HasParseError());
    return document["STATUS"][0]["Code"].GetInt();
  };
  CHECK_EQ(code(R"({"command":"quit"})"), 45);
  CHECK_EQ(code(R"({"command":"addpool","parameter":"a,b,c"})"), 45);
  CHECK_EQ(code(R"({"command":"gpucount"})"), 14);
  CHECK_EQ(code(R"({"command":""})"), 14);
  CHECK_EQ(code(R"({"parameter":"1"})"), 24);
  CHECK_EQ(code(R"({"command":7})"), 24);
  CHECK_EQ(code("{"), 23);
  CHECK_EQ(code("{\"command\":\"\\ud800\"}"), 23);
  CHECK_EQ(code("{" + std::string(1000, '[')), 23);
  CHECK_EQ(answer_api("", facts()).rfind("STATUS=E,When=1700000000,Code=14,", 0), 0);
  CHECK_EQ(answer_api("quit", facts()).rfind("STATUS=E,When=1700000000,Code=45,", 0), 0);
  ApiFacts none;
  CHECK_EQ(answer_api("devs", none).rfind("STATUS=E,When=0,Code=10,Msg=No CPUs", 0), 0);
  CHECK_EQ(answer_api("pools", none).rfind("STATUS=E,When=0,Code=8,Msg=No pools", 0), 0);
}

TEST_CASE("a request is whole at its newline, when it is a command, or when its JSON ends") {
  using namespace std::string_literals;
  for (const std::string& partial :
       {""s, "sum"s, "summaries"s, "summary+devs"s, "{"s, R"({"command":"sum)"s, "{\n"s}) {
    CAPTURE(partial);
    CHECK_FALSE(complete_api_request(partial).has_value());
  }
  CHECK_EQ(complete_api_request("summary").value(), "summary");
  CHECK_EQ(complete_api_request("summary|0").value(), "summary|0");
  CHECK_EQ(complete_api_request("summary+devs\r\nrest").value(), "summary+devs");
  CHECK_EQ(complete_api_request("nonsense\0"s).value(), "nonsense");
  CHECK_EQ(complete_api_request("\n").value(), "");
  CHECK(complete_api_request("{\n\"command\":\"summary\"}").has_value());
}

}  // namespace
}  // namespace miner
