#include "pool/http/database_api.h"

#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

using namespace pool;

namespace {

const std::string address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
const std::string hash(64, 'a');

struct Api {
  // First, so that it outlives what still owes an answer at the end.
  std::deque<std::optional<net::HttpResponse>> answers;
  std::vector<StatsQuery> sent;
  base::MonoTime now{};
  QueryCache cache{[this](StatsQuery query) {
    sent.push_back(std::move(query));
    return true;
  }};
  DatabaseApi api{cache,
                  {bitcoin::Network::regtest, [this] { return now; }, [] { return 1'700'000'000; },
                   [this](std::string_view node) {
                     ++named;
                     return node == "a:1" ? "node 1" : "another node";
                   },
                   [this](LiveWanted asked, const LiveBook::Done& done) {
                     wanted.push_back(std::move(asked));
                     live_done = done;
                     if (live) done(*live);
                   }}};
  int named = 0;                                    // nodes
  std::vector<LiveWanted> wanted;                   // of the shards
  std::optional<LiveWorkers> live = LiveWorkers{};  // their answer; none: it comes later
  LiveBook::Done live_done;
  Router router;

  Api() { api.add_to(router); }
  std::optional<net::HttpResponse>& get(const std::string& target, const std::string& etag = {}) {
    net::HttpRequest request;
    request.method = "GET";
    request.target = target;
    if (!etag.empty()) request.headers.emplace_back("if-none-match", etag);
    auto& place = answers.emplace_back();
    router.answer(request, Responder(request, [&place](Answer&& answer) {
                    place = std::move(answer.response);
                  }));
    return place;
  }
  void reply(std::size_t which, const std::string& json) {
    REQUIRE(cache.on_result({sent.at(which).request, true, json, false}, now));
  }
  const StatsQuery& last() const { return sent.back(); }
};

std::string header(const net::HttpResponse& response, std::string_view name) {
  return std::string(net::header_value(response.headers, name));
}

}  // namespace

TEST_CASE("each path asks its question with its arguments") {
  using What = StatsQuery::What;
  struct Row {
    std::string target;
    What what;
    QueryCache::Arguments arguments;
  };
  const Row rows[] = {
      {"/api/v1/history", What::history, {"1d"}},
      {"/api/v1/history?span=1y", What::history, {"1y"}},
      {"/api/v1/events?before=7&limit=3&severity=high", What::events, {"7", "3", "high"}},
      {"/api/v1/miners?page=2&per_page=10", What::miners, {"1", "200"}},
      {"/api/v1/miners?page=21&per_page=10", What::miners, {"2", "200"}},
      {"/api/v1/miners?page=50&per_page=200", What::miners, {"50", "200"}},
      {"/api/v1/miners/" + address, What::miner, {address}},
      {"/api/v1/miners/" + address + "/history?worker=", What::miner_history, {address, "", "1d"}},
      {"/api/v1/miners/" + address + "/history",
       What::miner_history,
       {address, std::nullopt, "1d"}},
      {"/api/v1/workers?address=" + address, What::workers, {address, "1", "100"}},
      {"/api/v1/blocks", What::block_list, {std::nullopt, "50"}},
      {"/api/v1/blocks/" + hash, What::block, {hash}},
      {"/api/v1/blocks/" + hash + "/proof", What::block_proof, {hash}},
      {"/api/v1/payouts?before=9", What::payouts, {"9", "50"}},
      {"/api/v1/payouts/17", What::payout, {"17", "1", "100"}},
      {"/api/v1/payouts/preview", What::preview, {}},
      {"/api/v1/coherence/chain", What::chain, {std::nullopt, "50"}},
      {"/api/v1/coherence/epochs", What::epochs, {"40"}},
      {"/api/v1/coherence/blocks/0", What::chain_block, {"0"}},
      {"/users/" + address, What::ckpool_user, {address}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.target);
    Api t;
    CHECK_FALSE(t.get(row.target));
    REQUIRE_EQ(t.sent.size(), 1);
    CHECK_EQ(t.last().what, row.what);
    CHECK_EQ(t.last().arguments, row.arguments);
  }
}

TEST_CASE("a wrong parameter asks nothing") {
  for (const char* target :
       {"/api/v1/history?span=x", "/api/v1/miners/x", "/api/v1/miners?per_page=3",
        "/api/v1/miners?per_page=200&page=51", "/api/v1/miners?page=0", "/api/v1/blocks/12",
        "/api/v1/payouts/0", "/api/v1/payouts/preview?page=0", "/api/v1/coherence/blocks/-1"}) {
    CAPTURE(target);
    Api t;
    REQUIRE(t.get(target));
    CHECK_EQ(t.answers.back()->status, 400);
    CHECK(t.sent.empty());
  }
}

TEST_CASE("answers are tagged, and 304 where the client has them") {
  Api t;
  auto& waiting = t.get("/api/v1/payouts/1");
  t.reply(0, "{\"run\":1}");
  REQUIRE(waiting);
  CHECK_EQ(waiting->status, 200);
  CHECK_EQ(waiting->body, "{\"run\":1}\n");
  CHECK_EQ(header(*waiting, "cache-control"), "public, max-age=30");
  const std::string etag = header(*waiting, "etag");
  CHECK_EQ(t.get("/api/v1/payouts/1", etag)->status, 304);
  CHECK_EQ(t.get("/api/v1/payouts/1", "\"x\"")->status, 200);
  CHECK_EQ(t.sent.size(), 1);
}

TEST_CASE("what is not there, away or too much") {
  Api t;
  auto& missing = t.get("/api/v1/payouts/2");
  t.reply(0, "");
  CHECK_EQ(missing->status, 404);
  CHECK_NE(missing->body.find("there is no such payout run"), std::string::npos);
  auto& away = t.get("/api/v1/payouts");
  REQUIRE(t.cache.on_result({t.last().request, false, "secret", false}, t.now));
  CHECK_EQ(away->status, 503);
  CHECK_EQ(header(*away, "retry-after"), "5");
  CHECK_EQ(away->body.find("secret"), std::string::npos);
  t.now += std::chrono::seconds(2);
  auto& busy = t.get("/api/v1/payouts");
  REQUIRE(t.cache.on_result({t.last().request, false, "secret", true}, t.now));
  CHECK_EQ(busy->status, 503);
  CHECK_NE(busy->body.find("database_busy"), std::string::npos);
}

TEST_CASE("nodes are called by their place, and what tells where they are is left out") {
  Api t;
  auto& waiting = t.get("/api/v1/blocks");
  t.reply(0, R"({"blocks":[{"effort":0.316,"submissions":[)"
             R"({"node":"a:1","answer":"rejected","detail":"high-hash"},)"
             R"({"node":"b:2","answer":"unreachable","detail":"b:2 refused"},)"
             R"({"node":"a:1","answer":"accepted","detail":""}]}]})");
  REQUIRE(waiting);
  CHECK_EQ(waiting->body, R"({"blocks":[{"effort":0.316,"submissions":[)"
                          R"({"node":"node 1","answer":"rejected","detail":"high-hash"},)"
                          R"({"node":"another node","answer":"unreachable","detail":null},)"
                          R"({"node":"node 1","answer":"accepted","detail":null}]}]})"
                          "\n");
}

TEST_CASE("a proof record names the network and the target, and is a file") {
  Api t;
  auto& waiting = t.get("/api/v1/blocks/" + hash + "/proof");
  // The header's nbits are 207fffff, regtest's.
  t.reply(0, R"({"header":")" + std::string(144, '0') + R"(ffff7f2000000000"})");
  REQUIRE(waiting);
  CHECK_NE(waiting->body.find("\"network\":\"regtest\""), std::string::npos);
  CHECK_NE(waiting->body.find("\"target\":\"7fffff" + std::string(58, '0') + "\""),
           std::string::npos);
  CHECK_NE(header(*waiting, "content-disposition").find("attachment"), std::string::npos);
}

TEST_CASE("a miner's page waits for nothing that is computed for everybody") {
  Api t;
  const std::string target = "/api/v1/miners/" + address;
  auto& first = t.get(target);
  t.reply(0, R"({"address":")" + address +
                 R"(","pending":[{"hash":"h1","sats":null},{"hash":"h2","sats":null}],)" +
                 R"("pending_sats":null,"if_block_now":null})");
  REQUIRE(first);
  CHECK_NE(first->body.find("\"pending_sats\":null"), std::string::npos);
  REQUIRE_EQ(t.sent.size(), 4);  // two blocks' parts and the preview are on their way
  CHECK_EQ(t.sent[1].what, StatsQuery::What::expected_parts);
  CHECK_EQ(t.sent[3].what, StatsQuery::What::preview);
  t.reply(1, R"([[")" + address + R"(","40"]])");
  t.reply(2, "[]");
  t.reply(
      3,
      R"({"time_us":5,"scheme":"pplns","height":9,"reward_sats":100,"fee_ppm":0,"coherence_ppm":0,"network_work":"7",)"
      R"("pplns_work":"6","prop_work":"3","rows":[[")" +
          address + R"(","60","6","30","3","18446744073709551616","3","100"]]})");
  auto& second = t.get(target);
  REQUIRE(second);
  rapidjson::Document json;
  REQUIRE_FALSE(json.Parse(second->body.c_str()).HasParseError());
  CHECK_EQ(json["pending"][0]["sats"].GetInt64(), 40);
  CHECK_EQ(json["pending"][1]["sats"].GetInt64(), 0);
  CHECK_EQ(json["pending_sats"].GetInt64(), 40);
  CHECK_EQ(json["if_block_now"]["pplns"]["sats"].GetInt64(), 60);
  CHECK_NE(second->body.find("\"sats\":18446744073709551616"), std::string::npos);
}

TEST_CASE("the preview is shown while another is computed") {
  Api t;
  const std::string table =
      R"({"time_us":5,"scheme":"pplns","height":9,"reward_sats":100,"fee_ppm":0,"coherence_ppm":0,"network_work":"7",)"
      R"("pplns_work":"6","prop_work":"3","rows":[["a","60","6","30","3","1","3","100"]]})";
  auto& first = t.get("/api/v1/payouts/preview");
  CHECK_FALSE(first);
  t.reply(0, table);
  REQUIRE(first);
  CHECK_EQ(first->status, 200);
  t.now += kept_for(StatsQuery::What::preview);
  REQUIRE(t.get("/api/v1/payouts/preview"));
  CHECK_EQ(t.sent.size(), 2);
  t.reply(1, "");  // nothing any more
  auto& third = t.get("/api/v1/payouts/preview");
  REQUIRE(third);
  CHECK_EQ(third->status, 404);
}

namespace {

LiveWorkers rig_connected() {
  LiveWorkers live;
  live.complete = true;
  live.connected = 1;
  live.asked["rig"] = {"rig", 1, 10, 10, "x", 1.0, false, 20};
  return live;
}

const std::string workers_of_miner =
    R"({"address":")" + address +
    R"(","workers":[{"name":"rig","live":null},{"name":"b","live":null}]})";

}  // namespace

TEST_CASE("the shards are asked after the database, about the workers that it names") {
  for (const std::string& target :
       {"/api/v1/miners/" + address, "/api/v1/workers?address=" + address}) {
    CAPTURE(target);
    Api t;
    t.live.reset();
    auto& waiting = t.get(target);
    CHECK(t.wanted.empty());
    t.reply(0, workers_of_miner);
    CHECK_FALSE(waiting);
    REQUIRE_EQ(t.wanted.size(), 1);
    CHECK_EQ(t.wanted[0].address, address);
    CHECK_EQ(t.wanted[0].names, std::vector<std::string>{"rig", "b"});
    t.live_done(rig_connected());
    REQUIRE(waiting);
    CHECK_EQ(header(*waiting, "cache-control"), "public, max-age=1");
    rapidjson::Document json;
    REQUIRE_FALSE(json.Parse(waiting->body.c_str()).HasParseError());
    CHECK_EQ(json["workers"][0]["live"]["last_share_us"].GetInt64(), 20);
    CHECK(json["workers"][1]["live"].IsNull());
    CHECK_EQ(json["workers_online"].GetUint64(), 1);
  }
}

TEST_CASE("other paths ask no shard") {
  Api t;
  t.get("/api/v1/miners");
  t.reply(0, "{}");
  t.get("/api/v1/miners/" + address + "/history");
  t.reply(1, "{}");
  CHECK(t.wanted.empty());
}

TEST_CASE("without the shards' word an answer says that it is not complete") {
  Api t;
  auto& waiting = t.get("/api/v1/workers?address=" + address);
  t.reply(0, workers_of_miner);
  REQUIRE(waiting);
  CHECK_NE(waiting->body.find("\"live_complete\":false,\"workers_online\":null"),
           std::string::npos);
}

TEST_CASE("who is connected is known also before the first share") {
  for (const std::string& target :
       {"/api/v1/miners/" + address, "/api/v1/workers?per_page=7&address=" + address}) {
    CAPTURE(target);
    Api t;
    auto& nobody = t.get(target);
    t.reply(0, "");
    CHECK_EQ(nobody->status, 404);
    t.live = rig_connected();
    t.live->silent["rig"] = t.live->asked["rig"];
    auto& fresh = t.get(target);
    REQUIRE(fresh);
    CHECK_EQ(fresh->status, 200);
    rapidjson::Document json;
    REQUIRE_FALSE(json.Parse(fresh->body.c_str()).HasParseError());
    CHECK_EQ(std::string(json["address"].GetString()), address);
    CHECK_EQ(json["workers"].Size(), 0);
    CHECK_EQ(json["workers_online"].GetUint64(), 1);
    CHECK_EQ(std::string(json["silent_workers"][0]["name"].GetString()), "rig");
    if (json.HasMember("per_page")) CHECK_EQ(json["per_page"].GetUint(), 7);
    if (json.HasMember("first_seen_us")) CHECK(json["first_seen_us"].IsNull());
  }
}

TEST_CASE("who is connected is known also while the database is away") {
  Api t;
  t.live = rig_connected();
  auto& away = t.get("/api/v1/workers?address=" + address);
  REQUIRE(t.cache.on_result({t.last().request, false, "secret", false}, t.now));
  REQUIRE(away);
  CHECK_EQ(away->status, 503);
  CHECK_NE(away->body.find("1 worker of this address is connected"), std::string::npos);
}

TEST_CASE("ckpool's file counts who is connected, where that is known") {
  Api t;
  const std::string user = R"({"address":"a","worker":[{"name":"x","lastshare":1699999999}]})";
  auto& unknown = t.get("/users/" + address);
  t.reply(0, user);
  REQUIRE(unknown);
  CHECK_NE(unknown->body.find("\"workers\":1,"), std::string::npos);
  LiveWorkers nobody;
  nobody.complete = true;
  t.live = nobody;
  auto& known = t.get("/users/" + address);
  REQUIRE(known);
  CHECK_NE(known->body.find("\"workers\":0,"), std::string::npos);
  CHECK(t.wanted.back().names.empty());
}

TEST_CASE("pages of the ranking are cut out of its parts, which few questions bring") {
  Api t;
  std::string rows;
  for (int i = 0; i < 200; ++i) rows += (i > 0 ? ",{\"n\":" : "{\"n\":") + std::to_string(i) + "}";
  const std::string part =
      R"({"time_us":5,"page":1,"per_page":200,"total":250,"next":2,"miners":[)";
  auto& first = t.get("/api/v1/miners?per_page=25&page=2");
  t.reply(0, part + rows + "]}");
  REQUIRE(first);
  rapidjson::Document json;
  REQUIRE_FALSE(json.Parse(first->body.c_str()).HasParseError());
  CHECK_EQ(json["page"].GetInt(), 2);
  CHECK_EQ(json["per_page"].GetInt(), 25);
  CHECK_EQ(json["next"].GetInt(), 3);
  CHECK_EQ(json["total"].GetInt(), 250);
  REQUIRE_EQ(json["miners"].Size(), 25);
  CHECK_EQ(json["miners"][0]["n"].GetInt(), 25);
  // Another size and page, of the same part.
  auto& other = t.get("/api/v1/miners?per_page=200");
  REQUIRE(other);
  CHECK_EQ(t.sent.size(), 1);
  REQUIRE_FALSE(json.Parse(other->body.c_str()).HasParseError());
  CHECK_EQ(json["miners"].Size(), 200);
  CHECK_EQ(json["next"].GetInt(), 2);
  auto& last = t.get("/api/v1/miners?per_page=50&page=5");
  t.reply(1,
          R"({"time_us":5,"page":2,"per_page":200,"total":250,"next":null,"miners":[{"n":200}]})");
  REQUIRE(last);
  REQUIRE_FALSE(json.Parse(last->body.c_str()).HasParseError());
  CHECK(json["next"].IsNull());
  CHECK_EQ(json["miners"].Size(), 1);
  auto& past = t.get("/api/v1/miners?per_page=50&page=8");
  REQUIRE(past);
  REQUIRE_FALSE(json.Parse(past->body.c_str()).HasParseError());
  CHECK_EQ(json["miners"].Size(), 0);
}

TEST_CASE("an answer that many waited for is made once, and for nobody who has gone") {
  Api t;
  const std::string target = "/api/v1/blocks";
  auto& first = t.get(target);
  auto& second = t.get(target);
  t.reply(0, R"({"blocks":[{"submissions":[{"node":"a:1","answer":"accepted","detail":""}]}]})");
  REQUIRE(first);
  REQUIRE(second);
  CHECK_EQ(first->body, second->body);
  CHECK_EQ(t.named, 1);
}

TEST_CASE("tags that are longer than ours are not kept while a request waits") {
  Api t;
  t.get("/api/v1/payouts/1");
  t.reply(0, "{}");
  const std::string etag = header(*t.get("/api/v1/payouts/1"), "etag");
  CHECK_EQ(t.get("/api/v1/payouts/1", etag)->status, 304);
  CHECK_EQ(t.get("/api/v1/payouts/1", std::string(300, ' ') + etag)->status, 200);
}
