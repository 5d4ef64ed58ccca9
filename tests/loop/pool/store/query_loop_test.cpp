#include "pool/store/query_loop.h"

#include "tests/loop/pool/store/store_fixture.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <map>

using namespace store_test;
using pool::StatsQuery;

namespace {

class RunningQueries {
 public:
  explicit RunningQueries(pool::QueryLoop::Options options)
      : loop_(std::move(options), {[this](pool::QueryResult result) {
                const std::scoped_lock lock(mutex_);
                results_[result.request] = std::move(result);
                changed_.notify_all();
              }}),
        thread_([this] { loop_.run(); }) {}
  ~RunningQueries() {
    CHECK(loop_.mailbox().post(pool::Shutdown{}));
    thread_.join();
  }
  void interrupt() { loop_.interrupt(); }
  pool::QueryResult ask(StatsQuery::What what,
                        std::vector<std::optional<std::string>> arguments = {}) {
    return wait_for(post(what, std::move(arguments)));
  }
  std::uint64_t post(StatsQuery::What what,
                     std::vector<std::optional<std::string>> arguments = {}) {
    const std::uint64_t request = ++requests_;
    REQUIRE(loop_.mailbox().post(StatsQuery{request, what, std::move(arguments)}));
    return request;
  }
  pool::QueryResult wait_for(std::uint64_t request) {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, 20s, [&] { return results_.count(request) != 0; }));
    return results_[request];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, pool::QueryResult> results_;
  std::uint64_t requests_ = 0;
  pool::QueryLoop loop_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("the page's questions are answered") {
  const std::string database = migrated_database();
  JournalFeed feed;
  feed.append_shares(1, 30);
  pool::BlockCandidateRecord block;
  block.time_us = 1'769'000'000'123'456;
  block.address = "bcrt1qfinder";
  block.worker_name = "a.\"b";
  block.height = 200;
  block.hash.bytes.fill(0x11);
  block.reward = bitcoin::Sats{625'000'000};
  feed.append({block, pool::BlockOutcomeRecord{5, block.hash, pool::BlockStatus::accepted, ""}});
  {
    RunningStore store(database, feed);
    store.advance(feed);
    store.wait_stored(feed);
  }
  RunningQueries queries({database});
  const auto totals = queries.ask(StatsQuery::What::totals);
  CHECK(totals.ok);
  CHECK_EQ(
      totals.json,
      "{\"shares_stored\" : 30, \"miners\" : 2, \"workers\" : 4, \"blocks\" : { \"submitted\" : 0, "
      "\"accepted\" : 1, \"rejected\" : 0, \"confirmed\" : 0, \"orphaned\" : 0 }}");
  const auto blocks = queries.ask(StatsQuery::What::blocks);
  CHECK(blocks.ok);
  CHECK_EQ(
      blocks.json,
      "[{\"hash\" : \"1111111111111111111111111111111111111111111111111111111111111111\", "
      "\"height\" : 200, \"time\" : \"2026-01-21T12:53:20.123Z\", \"address\" : \"bcrt1qfinder\", "
      "\"worker\" : \"a.\\\"b\", \"reward_sats\" : 625000000, \"network_difficulty\" : 0, "
      "\"share_difficulty\" : 0, \"status\" : \"accepted\", \"detail\" : \"\", "
      "\"state\" : null, \"confirmations\" : null, \"matures_in\" : null, "
      "\"submissions\" : []}]");
}

TEST_CASE("an empty database gives empty answers") {
  RunningQueries queries({migrated_database()});
  CHECK_EQ(queries.ask(StatsQuery::What::blocks).json, "[]");
  CHECK(queries.ask(StatsQuery::What::totals).json.find("\"shares_stored\" : 0") !=
        std::string::npos);
}

TEST_CASE("a database that is away gives errors, and answers when it is back") {
  const std::string database = migrated_database();
  pool::QueryLoop::Options options{database};
  options.retry = 10ms;
  RunningQueries queries(options);
  CHECK(queries.ask(StatsQuery::What::totals).ok);
  PrivatePostgres::instance().stop();
  const auto failed = queries.ask(StatsQuery::What::totals);
  CHECK_FALSE(failed.ok);
  CHECK_FALSE(failed.json.empty());
  PrivatePostgres::instance().start();
  wait_until([&] { return queries.ask(StatsQuery::What::totals).ok; });
}

TEST_CASE("a statement past its time limit is an error") {
  const std::string database = migrated_database();
  ask(database,
      "CREATE OR REPLACE FUNCTION page_blocks(count_max integer) RETURNS json LANGUAGE sql AS"
      " 'SELECT pg_sleep(30)::text::json'");
  pool::QueryLoop::Options options{database};
  options.statement_timeout = 50ms;
  RunningQueries queries(options);
  const auto late = queries.ask(StatsQuery::What::blocks);
  CHECK_FALSE(late.ok);
  CHECK(late.timed_out);
  CHECK(late.json.find("statement timeout") != std::string::npos);
  CHECK(queries.ask(StatsQuery::What::totals).ok);  // at once: it was only that question
}

TEST_CASE("a query that does not return is ended by an interrupt, and none follows") {
  const std::string database = migrated_database();
  ask(database,
      "CREATE OR REPLACE FUNCTION page_blocks(count_max integer) RETURNS json LANGUAGE sql AS"
      " 'SELECT pg_sleep(30)::text::json'");
  pool::QueryLoop::Options options{database};
  options.statement_timeout = 1h;
  options.retry = 0ms;
  RunningQueries queries(options);
  const std::uint64_t request = queries.post(StatsQuery::What::blocks);
  wait_until([&] {
    return ask(database, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") ==
           "1";
  });
  const auto before = std::chrono::steady_clock::now();
  queries.interrupt();
  CHECK_FALSE(queries.wait_for(request).ok);
  CHECK_FALSE(queries.ask(StatsQuery::What::totals).ok);
  CHECK(std::chrono::steady_clock::now() - before < 5s);
}

TEST_CASE("every question of the API has a statement, and is answered on an empty database") {
  using What = StatsQuery::What;
  struct Row {
    What what;
    std::vector<std::optional<std::string>> arguments;
    bool is_there;  // else: there is no such thing
  };
  const std::string none = "bcrt1qnobody";
  const std::string hash(64, '0');
  const std::vector<Row> rows = {
      {What::round, {}, true},
      {What::luck, {}, true},
      {What::history, {"6h"}, true},
      {What::history, {"2d"}, false},
      {What::miners, {"1", "50"}, true},
      {What::miner, {none}, false},
      {What::miner_history, {none, std::nullopt, "1d"}, false},
      {What::miner_history, {none, "rig", "1d"}, false},
      {What::workers, {none, "1", "50"}, false},
      {What::ckpool_user, {none}, false},
      {What::block_list, {std::nullopt, "50"}, true},
      {What::block_list, {"9223372036854775807", "200"}, true},
      {What::block, {hash}, false},
      {What::block_proof, {hash}, false},
      {What::payouts, {std::nullopt, "50"}, true},
      {What::payout, {"1", "1", "50"}, false},
      {What::preview, {}, false},
      {What::expected_parts, {hash}, false},
      {What::chain, {std::nullopt, "50"}, true},
      {What::epochs, {"40"}, false},
      {What::chain_block, {"0"}, false},
      {What::events, {std::nullopt, "50", "info"}, true},
  };
  RunningQueries queries({migrated_database()});
  for (const Row& row : rows) {
    CAPTURE(static_cast<int>(row.what));
    const auto result = queries.ask(row.what, row.arguments);
    CHECK_MESSAGE(result.ok, result.json);
    CHECK_EQ(!result.json.empty(), row.is_there);
  }
}

TEST_CASE("values that can't be are refused, and the connection goes on") {
  RunningQueries queries({migrated_database()});
  const auto refused = queries.ask(StatsQuery::What::block, {"not hex"});
  CHECK_FALSE(refused.ok);
  CHECK_FALSE(refused.timed_out);
  CHECK(queries.ask(StatsQuery::What::totals).ok);
}
