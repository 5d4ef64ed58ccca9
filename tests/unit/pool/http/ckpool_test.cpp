#include "pool/http/ckpool.h"

#include "tests/unit/pool/http/fixture.h"

#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include <limits>
#include <sstream>
#include <string>
#include <vector>

using namespace pool;

TEST_CASE("numbers as ckpool writes them") {
  struct Row {
    double value;
    const char* text;
  };
  for (const Row& row :
       {Row{0, "0"}, Row{0.4, "0"}, Row{1, "1"}, Row{999.9, "999"}, Row{1000, "1K"},
        Row{1234, "1.23K"}, Row{12'345, "12.3K"}, Row{999'400, "999K"}, Row{999'600, "1M"},
        Row{3.42e18, "3.42E"}, Row{731e12, "731T"}, Row{2e21, "2e+03E"}, Row{-5, "0"},
        Row{std::numeric_limits<double>::infinity(), "0"}}) {
    CAPTURE(row.value);
    CHECK_EQ(ckpool_number(row.value), row.text);
  }
}

TEST_CASE("pool.status has three lines") {
  PoolSnapshot s = busy_snapshot();
  s.work_accepted = base::U256(4'295'032'833ULL * 100 + 4'295'032'832ULL);
  s.shares_accepted = 100;
  s.rejects = {};
  s.rejects[0] = 10;
  s.round = RoundFigures{std::nullopt, 1, "1", "3", 0.333333, true};
  s.hashrate_shares = {259, 259, 259, 259, 259, 259, 259};
  std::istringstream in(ckpool_status(s));
  std::vector<rapidjson::Document> lines(3);
  for (rapidjson::Document& line : lines) {
    std::string text;
    REQUIRE(std::getline(in, text));
    REQUIRE_FALSE(line.Parse(text.c_str()).HasParseError());
  }
  std::string more;
  CHECK_FALSE(std::getline(in, more));
  CHECK_EQ(lines[0]["runtime"].GetInt64(), 259);
  CHECK_EQ(lines[0]["lastupdate"].GetInt64(), 1'726'842'727);
  CHECK_EQ(lines[0]["Workers"].GetInt64(), 11);
  CHECK_EQ(std::string(lines[1]["hashrate1m"].GetString()), "1M");
  CHECK_EQ(std::string(lines[1]["hashrate5m"].GetString()), "2.5M");
  CHECK_EQ(lines[1].MemberCount(), 7);
  CHECK_EQ(lines[2]["diff"].GetDouble(), 33.33);
  CHECK_EQ(lines[2]["accepted"].GetInt64(), 100);
  CHECK_EQ(lines[2]["rejected"].GetInt64(), 10);
  CHECK_EQ(lines[2]["SPS1h"].GetDouble(), 1.0);
}

TEST_CASE("a user's file is its workers' sum") {
  const auto text = ckpool_user(
      R"({"address":"bc1q","authorised":1700000000,"shares":"123456789012345678901234567890","worker":[)"
      R"({"name":"a\"b","hashrate":{"1m":1000,"5m":2000,"1h":3000,"1d":4000,"7d":5000},"best":12.7,"lastshare":1700100000,"shares":"7"},)"
      R"({"name":"","hashrate":{"1m":500},"best":99.9,"lastshare":1700000000,"shares":"x"}]})",
      1'700'100'060);
  REQUIRE(text);
  CHECK_NE(text->find("\"shares\":123456789012345678901234567890,"), std::string::npos);
  rapidjson::Document json;
  REQUIRE_FALSE(json.Parse(text->c_str()).HasParseError());
  CHECK_EQ(std::string(json["hashrate1m"].GetString()), "1.5K");
  CHECK_EQ(std::string(json["hashrate7d"].GetString()), "5K");
  CHECK_EQ(json["lastshare"].GetInt64(), 1'700'100'000);
  CHECK_EQ(json["workers"].GetInt64(), 1);  // the other one's last share is more than a day ago
  CHECK_EQ(json["bestever"].GetInt64(), 99);
  CHECK_EQ(std::string(json["worker"][0]["workername"].GetString()), "bc1q.a\"b");
  CHECK_EQ(std::string(json["worker"][1]["workername"].GetString()), "bc1q");
  CHECK_EQ(json["worker"][1]["shares"].GetInt64(), 0);
  for (const char* bad : {"", "null", "[]", "{}", R"({"worker":5})"})
    CHECK_FALSE(ckpool_user(bad, 0));
}
