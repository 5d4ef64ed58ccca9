#include "pool/http/live_json.h"

#include <doctest/doctest.h>

#include <string>

using namespace pool;

namespace {

LiveWorkers two_connected() {
  LiveWorkers live;
  live.complete = true;
  live.connected = 2;
  live.asked["rig"] = {"rig", 3, 10, 20, "cgminer/4", 0.5, true, 30};
  live.silent["new"] = {"new", 1, 15, 15, "x\xff", std::nullopt, true, std::nullopt};
  live.silent["rig2"] = {"rig2", 1, 15, 15, "", 1.0, false, std::nullopt};
  return live;
}

rapidjson::Document parsed(const std::string& json) {
  rapidjson::Document document;
  document.Parse(json.c_str());
  REQUIRE_FALSE(document.HasParseError());
  return document;
}

}  // namespace

TEST_CASE("the names that are asked for are those of the answer") {
  CHECK_EQ(worker_names(parsed(R"({"workers":[{"name":"a"},{"name":""},{"x":1},5]})")),
           std::vector<std::string>{"a", "", "", ""});
  CHECK(worker_names(parsed(R"({"workers":7})")).empty());
  CHECK(worker_names(parsed("{}")).empty());
  CHECK(worker_names(parsed("[]")).empty());
}

TEST_CASE("who is connected gets its figures, who is not gets null") {
  auto answer = parsed(
      R"({"workers_online":9,"workers":[{"name":"rig","live":null},{"name":"rig2","live":null},{"name":"off","live":null}]})");
  add_live(answer, two_connected());
  CHECK_EQ(answer["workers_online"].GetUint64(), 2);
  CHECK(answer["live_complete"].GetBool());
  const auto& live = answer["workers"][0]["live"];
  CHECK_EQ(live["connections"].GetUint(), 3);
  CHECK_EQ(std::string(live["user_agent"].GetString()), "cgminer/4");
  CHECK_EQ(live["difficulty"].GetDouble(), 0.5);
  CHECK(live["coherence"].GetBool());
  CHECK_EQ(live["connected_us"].GetInt64(), 10);
  CHECK_EQ(live["last_share_us"].GetInt64(), 30);
  CHECK(answer["workers"][2]["live"].IsNull());
  // Who is listed is not told of again.
  REQUIRE_EQ(answer["silent_workers"].Size(), 1);
  const auto& silent = answer["silent_workers"][0];
  CHECK_EQ(std::string(silent["name"].GetString()), "new");
  CHECK_EQ(std::string(silent["live"]["user_agent"].GetString()), "x\xef\xbf\xbd");
  CHECK(silent["live"]["difficulty"].IsNull());
  CHECK(silent["live"]["last_share_us"].IsNull());
}

TEST_CASE("what is not complete says so, and counts nobody") {
  auto answer = parsed(R"({"workers":[{"name":"rig","live":null}]})");
  LiveWorkers live = two_connected();
  live.complete = false;
  add_live(answer, live);
  CHECK_FALSE(answer["live_complete"].GetBool());
  CHECK(answer["workers_online"].IsNull());
  CHECK(answer["workers"][0]["live"].IsObject());  // what came is told
  CHECK_EQ(connected_note(live), "");
}

TEST_CASE("a note for where there is no answer to write it into") {
  LiveWorkers live = two_connected();
  CHECK_EQ(connected_note(live), "2 workers of this address are connected");
  live.connected = 1;
  CHECK_EQ(connected_note(live), "1 worker of this address is connected");
  live.connected = 0;
  CHECK_EQ(connected_note(live), "");
}
