#include "pool/store/payout_export.h"

#include "tests/loop/pool/store/store_fixture.h"

#include <doctest/doctest.h>

using namespace store_test;

// Runs are made and exported in tests/functional/test_export.py.
TEST_CASE("a period without runs has its shares' records, and the segments that hold them") {
  const std::string database = migrated_database();
  JournalFeed feed(2000);
  for (std::uint64_t n = 1; n <= 60; n += 2) feed.append_shares(n, 2);
  RunningStore store(database, feed);
  store.advance(feed);
  store.wait_stored(feed);
  store.stop();
  // Share n is of n milliseconds after the fixture's time, which is 2026-01-21 12:53:20 UTC.
  const auto found = pool::read_payout_export(
      database, {{}, "2026-01-21 12:53:20.020Z", "2026-01-21 12:53:20.030Z"});
  REQUIRE(found.has_value());
  CHECK(found->runs.empty());
  REQUIRE_EQ(found->journals.size(), 1);
  const pool::ExportedJournal& journal = found->journals[0];
  CHECK_EQ(journal.uuid, base::to_hex(journal_test::test_uuid));
  CHECK_EQ(journal.first_sequence, 20);
  CHECK_EQ(journal.last_sequence, 29);
  REQUIRE_FALSE(journal.closed.empty());
  CHECK(journal.closed.front().first_sequence <= 20);
  CHECK(journal.closed.back().last_sequence >= 29);
  CHECK(journal.closed.size() <= 3);
}

TEST_CASE("what can't be answered says why, in one line") {
  const std::string database = migrated_database();
  CHECK_EQ(
      pool::read_payout_export(database, {{5}, "", ""}).error().find("payout run 5: there is none"),
      0);
  const auto nonsense = pool::read_payout_export(database, {{}, "yesteryear", "now"});
  REQUIRE_FALSE(nonsense.has_value());
  CHECK(nonsense.error().find("yesteryear") != std::string::npos);
  CHECK_EQ(nonsense.error().find('\n'), std::string::npos);
}
