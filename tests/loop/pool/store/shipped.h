// A migrated database, and a ShareWriter that ships what it is given, a batch at a time.
#pragma once

#include "pool/store/share_writer.h"
#include "tests/loop/pool/store/store_fixture.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace store_test {

inline constexpr std::int64_t second_us = 1'000'000;
inline constexpr std::int64_t start_us = 1'769'000'000 * second_us;

struct ShippingStore {
  ShippingStore() { REQUIRE(writer.connect().has_value()); }
  void ship(const std::vector<pool::JournalRecord>& records) {
    pool::JournalBatch batch;
    pool::JournalPosition to = at;
    for (const pool::JournalRecord& record : records) {
      to = {1, to.offset + 100, to.sequence + 1};
      batch.entries.push_back({to, record});
    }
    const auto shipped = writer.ship(batch, at, to, start_us);
    if (!shipped) FAIL(shipped.error().message);
    REQUIRE(shipped->position == to);
    at = to;
  }
  std::string ask(const std::string& sql) const { return store_test::ask(database, sql); }

  std::string database = migrated_database();
  pool::ShareWriter writer{database, journal_test::test_uuid};
  pool::JournalPosition at;
};

}  // namespace store_test
