#include "pool/store/share_sums.h"

#include "tests/loop/pool/store/shipped.h"

#include <doctest/doctest.h>

#include <random>

using namespace store_test;

namespace {

pool::ShareRecord share(const std::string& worker, std::int64_t after_us, base::U256 work,
                        std::uint32_t height = 100) {
  pool::ShareRecord record;
  record.time_us = start_us + after_us;
  record.address = "bcrt1qminer";
  record.worker_name = worker;
  record.height = height;
  record.difficulty = 1;
  record.work = work;
  record.share_difficulty = 2;
  return record;
}

// What the sums say beside what the shares themselves add up to: rows in one and not the other.
constexpr const char* differences =
    "SELECT count(*) FROM ("
    " SELECT span, start, worker_id, shares, work, best_share_difficulty FROM share_sums"
    " FULL JOIN (SELECT span, date_trunc(span, time, 'UTC') AS start, worker_id,"
    "   count(*) AS n, sum(work) AS w, max(share_difficulty) AS best"
    "   FROM shares, unnest(ARRAY['minute', 'hour', 'day']) AS span GROUP BY 1, 2, 3) raw"
    " USING (span, start, worker_id)"
    " WHERE shares IS DISTINCT FROM n OR work IS DISTINCT FROM w"
    " OR best_share_difficulty IS DISTINCT FROM best) d";

constexpr const char* height_differences =
    "SELECT count(*) FROM height_sums s"
    " FULL JOIN (SELECT height, worker_id, count(*) AS n, sum(work) AS w FROM shares GROUP BY 1, 2)"
    " raw USING (height, worker_id)"
    " WHERE s.shares IS DISTINCT FROM n OR s.work IS DISTINCT FROM w";

}  // namespace

TEST_CASE("minutes, hours and days each count every share at its own time") {
  ShippingStore store;
  constexpr std::int64_t minute = 60 * second_us;
  const std::int64_t to_minute = minute - start_us % minute;
  store.ship({share("a", 0, base::U256(1)), share("a", to_minute - 1, base::U256(10)),
              share("a", to_minute, base::U256(100)), share("b", 0, base::U256(1000))});
  store.ship({share("a", 1, base::U256(10'000)), share("a", 60 * minute, base::U256(7), 101)});
  const auto sums = [&](const std::string& span) {
    return store.ask(
        "SELECT string_agg(concat_ws(' ', w.name, s.shares, s.work), ', '"
        " ORDER BY w.name, s.start) FROM share_sums s JOIN workers w"
        " ON w.id = s.worker_id WHERE span = '" +
        span + "'");
  };
  CHECK_EQ(sums("minute"), "a 3 10011, a 1 100, a 1 7, b 1 1000");
  CHECK_EQ(sums("hour"), "a 4 10111, a 1 7, b 1 1000");
  CHECK_EQ(sums("day"), "a 5 10118, b 1 1000");
  CHECK_EQ(store.ask("SELECT string_agg(concat_ws(' ', height, shares, work), ', '"
                     " ORDER BY height, work) FROM height_sums"),
           "100 1 1000, 100 4 10111, 101 1 7");
  CHECK_EQ(store.ask(differences), "0");
  CHECK_EQ(store.ask(height_differences), "0");
}

TEST_CASE("whatever shares come, in whatever batches, the sums are theirs") {
  ShippingStore store;
  std::mt19937_64 random(7);
  for (int batch = 0; batch < 20; ++batch) {
    std::vector<pool::JournalRecord> records;
    for (std::uint64_t n = random() % 60; n > 0; --n) {
      const auto after = static_cast<std::int64_t>(random() % 200'000) * second_us;
      auto record = share(std::to_string(random() % 5), after - 100'000 * second_us,
                          base::U256(random()), 100 + static_cast<std::uint32_t>(random() % 4));
      record.share_difficulty = static_cast<double>(random() % 1000);
      records.emplace_back(std::move(record));
    }
    store.ship(records);
  }
  CHECK_EQ(store.ask(differences), "0");
  CHECK_EQ(store.ask(height_differences), "0");
  // Shares that are gone leave their sums behind.
  const std::string before = store.ask("SELECT sum(work) FROM share_sums WHERE span = 'day'");
  store.ask("DELETE FROM shares");
  CHECK_EQ(store.ask("SELECT sum(work) FROM share_sums WHERE span = 'day'"), before);
}

TEST_CASE("work that adds up to more than 256 bits is still summed exactly") {
  ShippingStore store;
  store.ship({share("a", 0, base::U256::max()), share("a", 0, base::U256::max()),
              share("a", 0, base::U256(3)), share("a", 0, base::U256::max())});
  CHECK_EQ(store.ask("SELECT count(*) FROM share_sums WHERE span = 'day' AND shares = 4"
                     " AND work = 3 * (2::numeric ^ 256 - 1) + 3"),
           "1");
  CHECK_EQ(store.ask(differences), "0");
  CHECK_EQ(store.ask(height_differences), "0");
}

TEST_CASE("times that no calendar has are summed with the share's own row") {
  ShippingStore store;
  auto early = share("a", 0, base::U256(1));
  early.time_us = std::numeric_limits<std::int64_t>::min();
  auto late = share("a", 0, base::U256(1));
  late.time_us = std::numeric_limits<std::int64_t>::max();
  auto before_epoch = share("a", 0, base::U256(1));
  before_epoch.time_us = -1;
  store.ship({early, late, before_epoch});
  CHECK_EQ(store.ask("SELECT count(*) FROM shares"), "3");
  CHECK_EQ(store.ask(differences), "0");
}
