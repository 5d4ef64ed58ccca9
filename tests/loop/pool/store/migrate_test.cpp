#include "pool/store/migrate.h"

#include "tests/loop/pool/store/store_fixture.h"

#include <doctest/doctest.h>

using namespace store_test;
using pool::SchemaState;

TEST_CASE("migrations are applied in order, once") {
  const std::string database = PrivatePostgres::instance().make_database();
  CHECK_EQ(pool::schema_state(database), SchemaState::absent);
  const auto first = pool::migrate(database);
  REQUIRE(first.has_value());
  REQUIRE_EQ(static_cast<int>(first->size()), pool::schema_version_known());
  CHECK_EQ(first->front(), "001_miners_and_workers");
  CHECK(std::is_sorted(first->begin(), first->end()));
  CHECK_EQ(pool::schema_state(database), SchemaState::current);
  const auto second = pool::migrate(database);
  REQUIRE(second.has_value());
  CHECK(second->empty());
  CHECK_EQ(ask(database, "SELECT count(*) FROM schema_migrations WHERE length(sha256) = 64"),
           std::to_string(pool::schema_version_known()));
}

TEST_CASE("two programs may migrate at once") {
  const std::string database = PrivatePostgres::instance().make_database();
  std::size_t applied[2] = {0, 0};
  {
    std::vector<std::jthread> threads;
    for (std::size_t& count : applied) {
      threads.emplace_back([&count, &database] {
        const auto names = pool::migrate(database);
        CHECK(names.has_value());
        if (names) count = names->size();
      });
    }
  }
  CHECK_EQ(static_cast<int>(applied[0] + applied[1]), pool::schema_version_known());
}

TEST_CASE("a schema from a newer program is refused with both versions") {
  const std::string database = migrated_database();
  ask(database, "INSERT INTO schema_migrations (version, name, sha256) VALUES (99, 'future', '')");
  CHECK_EQ(pool::schema_state(database), SchemaState::newer);
  const auto refused = pool::migrate(database);
  REQUIRE_FALSE(refused.has_value());
  CHECK(
      refused.error().find("the schema is version 99, newer than this program, which knows 1 to " +
                           std::to_string(pool::schema_version_known())) != std::string::npos);
}

TEST_CASE("an older schema is told from none") {
  const std::string database = migrated_database();
  ask(database, "DELETE FROM schema_migrations WHERE version > 3");
  CHECK_EQ(pool::schema_state(database), SchemaState::older);
  // What is there already makes the migration fail: nothing of it stays, and the error names it.
  const auto failed = pool::migrate(database);
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().find("migration 004_blocks failed") != std::string::npos);
  CHECK(failed.error().find('\n') == std::string::npos);
  CHECK_EQ(pool::schema_state(database), SchemaState::older);
}

TEST_CASE("a database that is not there is one line without a password") {
  const std::string host = PrivatePostgres::instance().superuser_connection("nowhere");
  for (const std::string& database :
       {host + " password=secret", std::string("postgresql://u:secret@localhost:1/x"),
        std::string("not a connection string")}) {
    CAPTURE(database);
    const auto state = pool::schema_state(database);
    REQUIRE_FALSE(state.has_value());
    CHECK(state.error().find("can't connect") != std::string::npos);
    CHECK(state.error().find("secret") == std::string::npos);
    CHECK(state.error().find('\n') == std::string::npos);
    CHECK_FALSE(pool::migrate(database).has_value());
  }
  CHECK(pool::schema_state(host).error().find("create it first") != std::string::npos);
}

TEST_CASE("an ordinary owner of the database can migrate it, and the store can use it") {
  const std::string database = PrivatePostgres::instance().make_database("plain_owner");
  const auto applied = pool::migrate(database);
  if (!applied) FAIL(applied.error());
  JournalFeed feed;
  feed.append_shares(1, 10);
  RunningStore store(database, feed);
  store.advance(feed);
  store.wait_stored(feed);
  CHECK_EQ(ask(database, "SELECT count(*) FROM shares"), "10");
}

TEST_CASE("role phasepool can do the store's work and no more; the readers can read") {
  const std::string database = migrated_database();
  ask(database, "DROP ROLE IF EXISTS a_pool, a_reader");
  ask(database, "CREATE ROLE a_pool LOGIN IN ROLE phasepool");
  std::string as_pool = database;
  as_pool.replace(as_pool.find("user=phasepool_test"), 19, "user=a_pool");
  JournalFeed feed;
  feed.append_shares(1, 10);
  pool::BlockCandidateRecord block;
  block.address = "bcrt1qfinder";
  feed.append(
      {block, pool::BlockOutcomeRecord{1, block.hash, pool::BlockStatus::accepted, ""},
       pool::BlockSubmissionRecord{1, block.hash, "n", pool::SubmissionAnswer::accepted, ""},
       pool::ChainTipRecord{1, 0, block.hash, {}},
       pool::BlockStateRecord{1, block.hash, pool::BlockState::in_chain, 0}});
  {
    RunningStore store(as_pool, feed);
    store.advance(feed);
    store.wait_stored(feed);
  }
  for (const char* sql :
       {"DELETE FROM shares", "UPDATE shares SET work = 1", "DROP TABLE blocks",
        "DELETE FROM block_states", "INSERT INTO schema_migrations VALUES (77, '', '')"}) {
    CAPTURE(sql);
    CHECK_THROWS_AS(ask(as_pool, sql), pqxx::insufficient_privilege);
  }
  for (const char* role : {"phasepool_web", "phasepool_reports"}) {
    CAPTURE(role);
    const std::string as_role = std::string("SET ROLE ") + role + "; ";
    CHECK_EQ(ask(database, as_role + "SELECT count(*) FROM shares"), "10");
    CHECK_NE(ask(database, as_role + "SELECT page_totals()"), "");
    CHECK_EQ(ask(database, as_role + "SELECT json_array_length(page_blocks(10))"), "1");
    CHECK_EQ(ask(database, as_role + "SELECT confirmations FROM block_confirmations"), "1");
    CHECK_THROWS_AS(
        ask(database, as_role + "INSERT INTO miners (address, first_seen) VALUES ('x', now())"),
        pqxx::insufficient_privilege);
  }
}

TEST_CASE("every table, column and function is described") {
  const std::string database = migrated_database();
  CHECK_EQ(ask(database,
               "SELECT string_agg(relname, ', ') FROM pg_class WHERE relnamespace = "
               "'public'::regnamespace"
               " AND relkind IN ('r', 'p', 'v') AND obj_description(oid, 'pg_class') IS NULL"),
           "");
  CHECK_EQ(ask(database,
               "SELECT string_agg(c.relname || '.' || a.attname, ', ') FROM pg_class c"
               " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
               " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')"
               " AND NOT c.relispartition AND col_description(c.oid, a.attnum) IS NULL"),
           "");
  CHECK_EQ(ask(database,
               "SELECT string_agg(proname, ', ') FROM pg_proc WHERE pronamespace = "
               "'public'::regnamespace"
               " AND obj_description(oid, 'pg_proc') IS NULL"),
           "");
}
