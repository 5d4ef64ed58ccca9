#include "pool/http/page_workers.h"

#include <doctest/doctest.h>

using namespace pool;

namespace {

struct Worker {
  explicit Worker(const std::string& members) {
    document.Parse(("{" + members + "}").c_str());
    REQUIRE_FALSE(document.HasParseError());
  }
  WorkerHealth health(bool live_known = true) const {
    return worker_health(JsonView(document), live_known, 2'000'000'000'000'000);
  }

  rapidjson::Document document;
};

// Connected, with its last share so many seconds ago.
std::string live(std::int64_t silent_seconds, const std::string& more) {
  return "\"live\":{\"last_share_us\":" +
         std::to_string(2'000'000'000'000'000 - silent_seconds * 1'000'000) + "}" + more;
}

}  // namespace

TEST_CASE("a worker needs somebody when it is silent or refused too often") {
  CHECK_EQ(Worker(live(5, "")).health().word, "Well");
  CHECK_EQ(Worker(live(5, "")).health().css, "");
  CHECK_EQ(Worker(live(900, "")).health().word, "Well");
  CHECK_EQ(Worker(live(901, "")).health().word, "Silent 15\u00a0min 1\u00a0s");
  CHECK_EQ(Worker(live(901, "")).health().css, "warn");
  CHECK_EQ(Worker(live(5, R"(,"shares_1d":98,"rejected_1d":2)")).health().word, "Well");
  CHECK_EQ(Worker(live(5, R"(,"shares_1d":97,"rejected_1d":3)")).health().word,
           "Rejects 3.00\u2009%");
  CHECK_EQ(Worker(live(5, R"(,"shares_1d":0,"rejected_1d":19)")).health().word, "Well");
}

TEST_CASE("a worker that is not connected is offline at once, however new its last share is") {
  const Worker never(R"("live":null)");
  CHECK_EQ(never.health().word, "Offline");
  CHECK_EQ(never.health().css, "off");
  const Worker gone(R"("live":null,"last_share_us":1999999965000000)");
  CHECK_EQ(gone.health().word, "Offline 35\u00a0s");
  CHECK_EQ(gone.health().css, "off");
}

TEST_CASE("where it is not known who is connected, the last share tells") {
  CHECK_EQ(Worker(R"("live":null)").health(false).word, "Offline");
  CHECK_EQ(Worker(R"("live":null,"last_share_us":1999999100000000)").health(false).word, "Well");
  CHECK_EQ(Worker(R"("live":null,"last_share_us":1999999040000000)").health(false).word,
           "Offline 16\u00a0min");
}

TEST_CASE("a worker that is connected and has had no share yet is not one that has gone") {
  const Worker fresh(R"("live":{"connected_us":1999999990000000,"last_share_us":null})");
  CHECK_EQ(fresh.health().word, "No share yet");
  CHECK_EQ(fresh.health().css, "part");
  const Worker stuck(R"("live":{"connected_us":1999998000000000,"last_share_us":null})");
  CHECK_EQ(stuck.health().word, "Silent 33\u00a0min 20\u00a0s");
  CHECK_EQ(stuck.health().css, "warn");
  // It has come back: its silence before does not count.
  const Worker again(
      R"("last_share_us":1999990000000000,"live":{"connected_us":1999999990000000,"last_share_us":null})");
  CHECK_EQ(again.health().word, "No share yet");
}

TEST_CASE("one unit for a table, and its own for what is too small for it") {
  const Worker large(R"("hashrate":{"5m":2.01e14,"1h":0,"1d":1.0e14})");
  const Worker small(R"("hashrate":{"5m":5e4,"1d":1.2e12})");
  const std::vector<JsonView> rows{JsonView(large.document), JsonView(small.document)};
  const RateUnit unit = table_unit(rows);
  CHECK_EQ(unit.name, "TH/s");
  CHECK_EQ(rate_cells(rows[0], {"5m", "1h", "1d"}, unit),
           "<td class=\"num\">201</td><td class=\"num\">0</td><td class=\"num\">100</td>");
  CHECK_EQ(rate_cells(rows[1], {"5m", "1h", "1d"}, unit),
           "<td class=\"num\">50.0\u00a0kH/s</td><td class=\"num\">–</td><td "
           "class=\"num\">1.20</td>");
  CHECK_EQ(table_unit({}).name, "H/s");
}

TEST_CASE("a miner without a worker says so") {
  const Worker miner(R"("workers":[],"workers_total":3)");
  PageValues out;
  fill_workers(JsonView(miner.document), 1, out);
  CHECK_NE(out["worker_rows"].find("No worker"), std::string::npos);
  CHECK_NE(out["workers_foot"].find("3\u00a0workers"), std::string::npos);
}
