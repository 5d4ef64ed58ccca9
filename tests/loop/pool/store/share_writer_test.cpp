#include "pool/store/share_writer.h"

#include "tests/loop/pool/store/shipped.h"

#include <doctest/doctest.h>

using namespace store_test;
using journal_test::share;

TEST_CASE("a batch whose commit went unanswered is not stored again") {
  const std::string database = migrated_database();
  pool::ShareWriter writer(database, journal_test::test_uuid);
  REQUIRE(writer.connect().has_value());
  pool::JournalBatch batch;
  batch.entries.push_back({{1, 200, 1}, share(1)});
  const pool::JournalPosition to{1, 200, 1};
  const auto first = writer.ship(batch, {}, to, share(1).time_us);
  REQUIRE(first.has_value());
  const auto again = writer.ship(batch, {}, to, share(1).time_us);
  REQUIRE(again.has_value());
  CHECK(again->position == to);
  CHECK_EQ(again->shares_total, 1);
  check_stored_once(database, 1);
}

TEST_CASE("refused data leaves the connection and the position; a refusal moves on") {
  const std::string database = migrated_database();
  pool::ShareWriter writer(database, journal_test::test_uuid);
  REQUIRE(writer.connect().has_value());
  pool::JournalBatch batch;
  pool::ShareRecord bad = share(1);
  bad.height = 0xffffffff;
  batch.entries.push_back({{1, 200, 1}, bad});
  const auto refused = writer.ship(batch, {}, {1, 200, 1}, share(1).time_us);
  REQUIRE_FALSE(refused.has_value());
  CHECK_EQ(refused.error().kind, pool::DatabaseFailure::refused_data);
  CHECK(refused.error().message.find("out of range") != std::string::npos);
  CHECK(writer.is_connected());
  CHECK_EQ(ask(database, "SELECT count(*) FROM workers"), "0");  // nothing of the batch stays
  const auto noted = writer.ship_refusal(batch, {}, "why", 5);
  REQUIRE(noted.has_value());
  CHECK(noted->position == pool::JournalPosition{1, 200, 1});
  // The worker's id of the transaction that failed is not used again.
  pool::JournalBatch good;
  good.entries.push_back({{1, 400, 2}, share(1)});
  REQUIRE(writer.ship(good, {1, 200, 1}, {1, 400, 2}, 5).has_value());
  CHECK_EQ(ask(database, "SELECT count(*) FROM shares JOIN workers w ON w.id = worker_id"), "1");
}

TEST_CASE("a pool of before there were sums can store no share that they would miss") {
  const std::string database = migrated_database();
  pool::DatabaseConnection old_pool(database, "phasepool_store");
  const auto stored = pool::guarded([&] {
    pqxx::work transaction(old_pool.get());
    pqxx::stream_to stream(transaction, "shares");
    stream.complete();
  });
  REQUIRE_FALSE(stored.has_value());
  CHECK(stored.error().message.find("does not know of") != std::string::npos);
}

TEST_CASE("a payout scheme that can't be becomes an event, and what follows is stored") {
  ShippingStore store;
  pool::JournalBatch batch;
  batch.entries.push_back(
      {{1, 100, 1}, pool::PayoutSchemeRecord{start_us, "lottery", "2.0", 0, 0, {}}});
  const auto refused = store.writer.ship(batch, {}, {1, 100, 1}, start_us);
  REQUIRE_FALSE(refused.has_value());
  CHECK_EQ(refused.error().kind, pool::DatabaseFailure::refused_data);
  CHECK(store.writer.is_connected());
}

TEST_CASE("a connection uses up no id of the journal's") {
  const std::string database = migrated_database();
  for (std::uint8_t n = 1; n <= 5; ++n) {
    for (const pool::JournalUuid& journal : {journal_test::test_uuid, pool::JournalUuid{n}}) {
      pool::ShareWriter writer(database, journal);
      REQUIRE(writer.connect().has_value());
    }
  }
  CHECK_EQ(ask(database, "SELECT max(id) FROM journal_positions"), "6");
}

TEST_CASE("a second session for the same journal is refused until the first ends") {
  const std::string database = migrated_database();
  pool::ShareWriter writer(database, journal_test::test_uuid);
  REQUIRE(writer.connect().has_value());
  pool::ShareWriter clone(database, journal_test::test_uuid);
  const auto refused = clone.connect();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("a second pool running on a copy of data_dir?") !=
        std::string::npos);
  CHECK_FALSE(clone.is_connected());
  pool::ShareWriter other(database, pool::JournalUuid{9});
  CHECK(other.connect().has_value());
  writer.disconnect();
  wait_until([&] { return clone.connect().has_value(); });
}

TEST_CASE("a batch does not wait for a partition that can't be made now") {
  const std::string database = migrated_database();
  pool::ShareWriter writer(database, journal_test::test_uuid);
  REQUIRE(writer.connect().has_value());
  const auto ship = [&](std::uint64_t n, std::int64_t now_us) {
    pool::ShareRecord record = share(n);
    record.time_us = now_us;
    pool::JournalBatch batch;
    batch.entries.push_back({{1, 100 * n, n}, record});
    const pool::JournalPosition from =
        n == 1 ? pool::JournalPosition{} : pool::JournalPosition{1, 100 * n - 100, n - 1};
    REQUIRE(writer.ship(batch, from, {1, 100 * n, n}, now_us).has_value());
  };
  const std::int64_t far = 4'000'000'000'000'000;  // 2096-10-02, without partitions
  const std::string made =
      "SELECT count(*) FROM pg_class WHERE relname LIKE 'shares_2096%'"
      " AND relkind = 'r'";
  {
    pqxx::connection dump(database);
    pqxx::work reading(dump);
    reading.exec("SELECT count(*) FROM shares");
    ship(1, far);
    CHECK_EQ(ask(database, made), "0");
    const auto before = std::chrono::steady_clock::now();
    ship(2, far + 59'000'000);  // not tried again yet
    CHECK(std::chrono::steady_clock::now() - before < 1s);
  }
  CHECK_EQ(ask(database, "SELECT count(*) FROM shares_default"), "2");
  ship(3, far + 61'000'000);
  CHECK_EQ(ask(database, made), "3");
  CHECK_EQ(ask(database, "SELECT count(*) FROM shares_default"), "0");
  check_stored_once(database, 3);
}

TEST_CASE("two journals ship side by side") {
  const std::string database = migrated_database();
  for (std::uint8_t n = 1; n <= 2; ++n) {
    pool::ShareWriter writer(database, pool::JournalUuid{n});
    REQUIRE(writer.connect().has_value());
    pool::JournalBatch batch;
    batch.entries.push_back({{1, 200, 1}, share(1)});
    REQUIRE(writer.ship(batch, {}, {1, 200, 1}, 5).has_value());
  }
  CHECK_EQ(ask(database, "SELECT count(DISTINCT journal) FROM shares"), "2");
  CHECK_EQ(ask(database, "SELECT count(*) FROM workers"), "1");
}
