#include "pool/store/database.h"

#include "tests/loop/pool/store/store_fixture.h"

#include <doctest/doctest.h>

#include <new>

using namespace store_test;
using pool::DatabaseFailure;

TEST_CASE("what PostgreSQL throws says whether a repeat could help") {
  const std::string database = migrated_database();
  pool::DatabaseConnection connection(database, "phasepool_test");
  struct Row {
    const char* sql;
    DatabaseFailure kind;
    const char* message;
  };
  const Row rows[] = {{"SELECT 1/0", DatabaseFailure::refused_data, "division by zero"},
                      {"INSERT INTO miners (address, first_seen) VALUES (NULL, now())",
                       DatabaseFailure::refused_data, "null value"},
                      {"SELECT nbits_work(0)", DatabaseFailure::refused_data, "nbits 0"},
                      {"SELECT * FROM nothing", DatabaseFailure::lost, "phasepool migrate"},
                      {"SELECT no_such()", DatabaseFailure::lost, "phasepool migrate"},
                      {"nonsense", DatabaseFailure::lost, "syntax error"}};
  for (const Row& row : rows) {
    CAPTURE(row.sql);
    const auto result = pool::guarded([&] {
      pqxx::work transaction(connection.get());
      transaction.exec(row.sql);
    });
    REQUIRE_FALSE(result.has_value());
    CHECK_EQ(result.error().kind, row.kind);
    CHECK(result.error().message.find(row.message) != std::string::npos);
    CHECK(result.error().message.find('\n') == std::string::npos);
  }
}

TEST_CASE("a lost connection stays lost: nothing reconnects behind our back") {
  const std::string database = migrated_database();
  pool::DatabaseConnection connection(database, "phasepool_test");
  ask(database,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
      " WHERE application_name = 'phasepool_test'");
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto result = pool::guarded([&] {
      pqxx::work transaction(connection.get());
      return transaction.exec1("SELECT 1")[0].as<int>();
    });
    REQUIRE_FALSE(result.has_value());
    CHECK_EQ(result.error().kind, DatabaseFailure::lost);
  }
}

TEST_CASE("running out of memory is nobody's to handle") {
  CHECK_THROWS_AS(static_cast<void>(pool::guarded([] { throw std::bad_alloc(); })), std::bad_alloc);
}
