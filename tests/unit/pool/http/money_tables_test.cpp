#include "pool/http/money_tables.h"

#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include <memory>
#include <string>

using namespace pool;

namespace {

// More work, and more satoshis under PPS, than a double or 64 bits hold.
const std::string preview =
    R"({"time_us":5,"scheme":"pplns","height":9,"reward_sats":312500000,"fee_ppm":10000,"coherence_ppm":0,)"
    R"("network_work":"1606938044258990275541962092341162602522202993782792835301377","pplns_work":"6","prop_work":"3",)"
    R"("rows":[["a","100","4","50","2","18446744073709551616","2","300"],["b","90","2","40","1","0","0","300"]]})";

std::string text(const rapidjson::Value& value) { return value.GetString(); }

}  // namespace

TEST_CASE("a preview is shown by pages, exactly") {
  const auto table = parse_preview(preview);
  REQUIRE(table);
  const std::string first = preview_json(*table, 1, 1);
  rapidjson::Document json;
  REQUIRE_FALSE(json.Parse(first.c_str()).HasParseError());
  CHECK_EQ(json["total"].GetUint(), 2);
  CHECK_EQ(json["next"].GetUint(), 2);
  REQUIRE_EQ(json["miners"].Size(), 1);
  CHECK_EQ(text(json["miners"][0]["address"]), "a");
  CHECK_EQ(json["miners"][0]["pplns_sats"].GetInt64(), 100);
  CHECK_NE(first.find("\"pps_sats\":18446744073709551616,"), std::string::npos);
  CHECK_NE(
      first.find(
          "\"network_work\":\"1606938044258990275541962092341162602522202993782792835301377\""),
      std::string::npos);
  REQUIRE_FALSE(json.Parse(preview_json(*table, 2, 1).c_str()).HasParseError());
  CHECK(json["next"].IsNull());
  CHECK_EQ(text(json["miners"][0]["address"]), "b");
  REQUIRE_FALSE(json.Parse(preview_json(*table, 10'000, 200).c_str()).HasParseError());
  CHECK_EQ(json["miners"].Size(), 0);
}

TEST_CASE("a miner's part of it") {
  const auto table = parse_preview(preview);
  REQUIRE(table);
  CHECK_EQ(table->find("c"), nullptr);
  REQUIRE_NE(table->find("b"), nullptr);
  rapidjson::Document json;
  REQUIRE_FALSE(json.Parse(preview_json(*table, *table->find("b")).c_str()).HasParseError());
  CHECK_EQ(json["pplns"]["sats"].GetInt64(), 90);
  CHECK_EQ(text(json["pplns"]["total_work"]), "6");
  CHECK_EQ(text(json["prop"]["work"]), "1");
  CHECK_EQ(json["solo"]["sats"].GetInt64(), 300);
}

TEST_CASE("what is no preview is none") {
  for (const std::string& bad :
       {std::string("null"), std::string("{}"), std::string("["), preview.substr(1),
        std::string(preview).replace(preview.find("\"100\""), 5, "100"),
        std::string(preview).replace(preview.find("\"100\""), 5, "\"1e9\""),
        std::string(preview).replace(preview.find("\"100\""), 5, "\"\""),
        std::string(preview).replace(preview.find("\"height\":9"), 10, "\"height\":\"9\"")}) {
    CAPTURE(bad);
    CHECK_EQ(parse_preview(bad), nullptr);
  }
}

TEST_CASE("a table is made once of the same answer") {
  PreviewBook book;
  CHECK_EQ(book.table_of(nullptr), nullptr);
  const auto json = std::make_shared<const std::string>(preview);
  const auto table = book.table_of(json);
  REQUIRE(table);
  CHECK_EQ(book.table_of(json), table);
  CHECK_NE(book.table_of(std::make_shared<const std::string>(preview)), table);
  CHECK_EQ(book.table_of(std::make_shared<const std::string>("{}")), nullptr);
}

TEST_CASE("what blocks would bring an address") {
  ExpectedParts parts;
  const auto json = [](const char* text) { return std::make_shared<const std::string>(text); };
  CHECK_FALSE(parts.find("h", nullptr, "a"));
  const auto known = json(R"([["a","5000000000"],["b","0"]])");
  CHECK_EQ(parts.find("h", known, "a"), 5'000'000'000);
  CHECK_EQ(parts.find("h", known, "b"), 0);
  CHECK_EQ(parts.find("h", known, "nobody"), 0);
  CHECK_EQ(parts.find("h", json(R"([["a","7"]])"), "a"), 7);  // another answer
  CHECK_EQ(parts.find("pps", json("[]"), "a"), 0);
  for (const char* bad : {"{}", "x", R"([["a"]])", R"([["a",5]])", R"([["a","5x"]])", R"([5])"})
    CHECK_FALSE(parts.find("bad", json(bad), "a"));
  for (std::size_t i = 0; i < 3 * ExpectedParts::blocks_max; ++i)
    CHECK_EQ(parts.find(std::to_string(i), known, "a"), 5'000'000'000);
}
