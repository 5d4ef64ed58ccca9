#include "pool/store/store_loop.h"

#include "tests/loop/pool/store/store_fixture.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

using namespace store_test;
using journal_test::share;

namespace {

pool::BlockCandidateRecord candidate(std::uint8_t n) {
  pool::BlockCandidateRecord block;
  block.time_us = 1'769'000'000'000'000 + n;
  block.address = "bcrt1qfinder";
  block.worker_name = "lucky";
  block.height = 100U + n;
  block.hash.bytes.fill(n);
  block.hash.bytes[31] = 0;
  block.header.fill(static_cast<std::uint8_t>(n + 1));
  block.reward = bitcoin::Sats{5'000'000'000};
  block.network_difficulty = 1;
  block.share_difficulty = 2;
  block.coinbase = base::Bytes{1, 2, 3};
  block.merkle_branch.resize(2);
  block.merkle_branch[1].bytes.fill(0xcc);
  return block;
}

pool::BlockOutcomeRecord outcome(std::uint8_t n, pool::BlockStatus status, std::string detail) {
  return {1'769'000'001'000'000, candidate(n).hash, status, std::move(detail)};
}

}  // namespace

TEST_CASE("a record's row says what the record says") {
  const std::string database = migrated_database();
  JournalFeed feed;
  pool::ShareRecord record = share(7);
  record.time_us = 1'769'000'000'123'456;  // 2026-01-21 12:53:20.123456 UTC
  record.job_id = std::numeric_limits<std::uint64_t>::max();
  record.work = base::U256::max();
  record.difficulty = 0.001;
  record.share_difficulty = std::numeric_limits<double>::infinity();
  record.hash.bytes.fill(0);
  record.hash.bytes[0] = 0xab;
  feed.append({record});
  RunningStore store(database, feed);
  store.advance(feed);
  store.wait_stored(feed);
  CHECK_EQ(
      ask(database,
          "SELECT row_to_json(t) FROM (SELECT time AT TIME ZONE 'UTC' AS time, s.sequence,"
          " height, job_id, difficulty, share_difficulty = 'Infinity' AS best,"
          " work::text AS work, encode(hash, 'hex') AS hash, w.name, m.address"
          " FROM shares s JOIN workers w ON w.id = s.worker_id"
          " JOIN miners m ON m.id = w.miner_id"
          " JOIN journal_positions j ON j.id = s.journal) t"),
      "{\"time\":\"2026-01-21T12:53:20.123456\",\"sequence\":1,\"height\":101,"
      "\"job_id\":18446744073709551615,\"difficulty\":0.001,\"best\":true,"
      "\"work\":\"115792089237316195423570985008687907853269984665640564039457584007913129639935\","
      "\"hash\":\"00000000000000000000000000000000000000000000000000000000000000ab\","
      "\"name\":\"w1\",\"address\":\"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080\"}");
}

TEST_CASE("what is appended while the store runs arrives once") {
  const std::string database = migrated_database();
  JournalFeed feed(20'000);  // many segments
  RunningStore store(database, feed, [](auto& options) { options.batch_records_max = 100; });
  for (std::uint64_t n = 0; n < 40; ++n) {
    feed.append_shares(n * 50 + 1, 50);
    store.advance(feed);
  }
  store.wait_stored(feed);
  check_stored_once(database, 2000);
  CHECK_EQ(store.latest().shares_stored, 2000);
}

TEST_CASE("a second store goes on where the first stopped") {
  const std::string database = migrated_database();
  JournalFeed feed;
  for (std::uint64_t run = 0; run < 3; ++run) {
    feed.append_shares(run * 100 + 1, 100);
    RunningStore store(database, feed);
    store.advance(feed);
    store.wait_stored(feed);
  }
  check_stored_once(database, 300);
}

TEST_CASE("sessions killed in the middle of batches lose and double nothing") {
  const std::string database = migrated_database();
  JournalFeed feed;
  RunningStore store(database, feed, [](auto& options) { options.batch_records_max = 500; });
  std::uint64_t kills = 0;
  for (std::uint64_t n = 0; n < 60; ++n) {
    feed.append_shares(n * 1000 + 1, 1000);
    store.advance(feed);
    if (n % 3 != 0) continue;
    kills += std::stoul(ask(database,
                            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                            " WHERE application_name = 'phasepool_store'"));
  }
  CHECK(kills > 0);
  store.wait_stored(feed);
  check_stored_once(database, 60'000);
}

TEST_CASE("a server that is stopped and started again loses and doubles nothing") {
  const std::string database = migrated_database();
  JournalFeed feed;
  RunningStore store(database, feed);
  feed.append_shares(1, 500);
  store.advance(feed);
  store.wait_stored(feed);
  PrivatePostgres::instance().stop();
  feed.append_shares(501, 500);
  store.advance(feed);
  wait_until([&] { return !store.latest().connected; });
  CHECK(store.latest().error.find('\n') == std::string::npos);
  CHECK_FALSE(store.latest().error.empty());
  feed.append_shares(1001, 500);
  store.advance(feed);
  PrivatePostgres::instance().start();
  store.wait_stored(feed);
  check_stored_once(database, 1500);
}

TEST_CASE("a position that another process moved is followed") {
  const std::string database = migrated_database();
  JournalFeed feed;
  feed.append_shares(1, 10);
  RunningStore store(database, feed);
  store.advance(feed);
  store.wait_stored(feed);
  // As if a commit had not happened after all: the database is back at the start.
  ask(database,
      "DELETE FROM shares; UPDATE journal_positions SET segment = 0, file_offset = 0,"
      " sequence = 0, shares_total = 0");
  feed.append_shares(11, 10);
  store.advance(feed);
  store.wait_stored(feed);
  check_stored_once(database, 20);
}

TEST_CASE("shutdown ships what is durable; without a database it does not wait") {
  const std::string database = migrated_database();
  JournalFeed feed;
  feed.append_shares(1, 5000);
  {
    RunningStore store(database, feed, [](auto& options) {
      options.linger = 1h;
      options.batch_records_max = 700;
    });
    store.advance(feed);
  }
  check_stored_once(database, 5000);
  const auto before = std::chrono::steady_clock::now();
  {
    RunningStore store("host=/nonexistent dbname=x", feed);
    store.advance(feed);
    wait_until([&] { return !store.latest().error.empty(); });
  }
  CHECK(std::chrono::steady_clock::now() - before < 5s);
}

TEST_CASE("a server that does not answer is let go when the store is interrupted") {
  const std::string database = migrated_database();
  JournalFeed feed;
  feed.append_shares(1, 10);
  RunningStore store(database, feed);
  wait_until([&] { return store.latest().connected; });
  pqxx::connection other(database);
  pqxx::work holding(other);
  holding.exec("LOCK TABLE journal_positions");
  store.advance(feed);
  wait_until([&] {
    return ask(database, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") ==
           "1";
  });
  const auto before = std::chrono::steady_clock::now();
  store.interrupt();
  store.stop();
  CHECK(std::chrono::steady_clock::now() - before < 5s);  // lock_timeout is 30 s
  holding.abort();
  CHECK_EQ(ask(database, "SELECT count(*) FROM shares"), "0");
}

TEST_CASE("an interrupted store does not connect again") {
  JournalFeed feed;
  RunningStore store(migrated_database(), feed);
  wait_until([&] { return store.latest().connected; });
  store.interrupt();
  feed.append_shares(1, 10);
  store.advance(feed);
  store.stop();
  CHECK_EQ(store.latest().shares_stored, 0);
}

TEST_CASE("names that are not UTF-8 are stored, and stay apart") {
  const std::string database = migrated_database();
  JournalFeed feed;
  std::vector<pool::JournalRecord> records;
  for (const std::string& name : {std::string("\xff"), std::string("\xfe"), std::string("a\0b", 3),
                                  std::string("\xed\xa0\x80"), std::string("caf\xc3\xa9"),
                                  std::string("tab\tnl\nquote'\"{},\\N"), std::string()}) {
    pool::ShareRecord record = share(records.size() + 1);
    record.worker_name = name;
    records.emplace_back(record);
  }
  feed.append(records);
  RunningStore store(database, feed);
  store.advance(feed);
  store.wait_stored(feed);
  check_stored_once(database, records.size());
  CHECK_EQ(ask(database, "SELECT count(*) FROM workers"), std::to_string(records.size()));
  CHECK_EQ(ask(database,
               "SELECT string_agg(name, '|' ORDER BY id) FROM workers WHERE name LIKE '%\\\\x%'")
               .size(),
           std::string("\\xff|\\xfe|a\\x00b|\\xed\\xa0\\x80").size());
  CHECK_EQ(
      ask(database, "SELECT count(*) FROM workers WHERE name = E'tab\\tnl\\nquote''\"{},\\\\N'"),
      "1");
  CHECK_EQ(ask(database, "SELECT count(*) FROM workers WHERE name = 'café'"), "1");
}

TEST_CASE("a record that the database refuses becomes an event, and the rest is stored") {
  const std::string database = migrated_database();
  JournalFeed feed;
  std::vector<pool::JournalRecord> records;
  for (std::uint64_t n = 1; n <= 1000; ++n) {
    pool::ShareRecord record = share(n);
    if (n == 333 || n == 334 || n == 1000)
      record.height = 0xffffffff;  // beyond PostgreSQL's integer
    records.emplace_back(record);
  }
  feed.append(records);
  RunningStore store(database, feed);
  store.advance(feed);
  store.wait_stored(feed);
  CHECK_EQ(ask(database, "SELECT count(*) FROM shares"), "997");
  CHECK_EQ(ask(database, "SELECT count(DISTINCT job_id) FROM shares"), "997");
  CHECK_EQ(ask(database,
               "SELECT string_agg(context->>'sequence', ',' ORDER BY id) FROM events"
               " WHERE severity = 'high' AND component = 'store'"),
           "333,334,1000");
}

TEST_CASE("gaps around a refused record are told once") {
  const std::string database = migrated_database();
  JournalFeed feed(1);  // a segment for each append
  for (std::uint64_t n = 1; n <= 5; ++n) {
    pool::ShareRecord record = share(n);
    if (n == 3) record.height = 0xffffffff;
    feed.append({record});
  }
  const auto segments = pool::list_segments(feed.journal_folder());
  for (const std::size_t missing : {1U, 3U}) {
    std::filesystem::remove(pool::segment_path(feed.journal_folder(), (*segments)[missing]));
  }
  RunningStore store(database, feed);
  store.advance(feed);
  store.wait_stored(feed);
  CHECK_EQ(ask(database, "SELECT string_agg(substr(message, 1, 32), '; ' ORDER BY id) FROM events"),
           "journal records 2 to 2 are missi; journal record 3 was refused by ; "
           "journal records 4 to 4 are missi");
  CHECK_EQ(ask(database, "SELECT count(*) FROM shares"), "2");
}

TEST_CASE("candidates and what the nodes said of them") {
  const std::string database = migrated_database();
  JournalFeed feed;
  using pool::BlockStatus;
  feed.append({candidate(1), candidate(2), candidate(1), outcome(1, BlockStatus::accepted, ""),
               outcome(2, BlockStatus::rejected, "high-hash"),
               outcome(1, BlockStatus::rejected, "duplicate"),
               outcome(9, BlockStatus::accepted, ""), candidate(3)});
  RunningStore store(database, feed);
  store.advance(feed);
  store.wait_stored(feed);
  CHECK_EQ(ask(database,
               "SELECT string_agg(height || ' ' || status || ' ' || detail, ', ' ORDER BY height)"
               " FROM blocks"),
           "101 accepted , 102 rejected high-hash, 103 submitted ");
  CHECK_EQ(ask(database, "SELECT encode(hash, 'hex') FROM blocks WHERE height = 101"),
           "00" + std::string("01010101010101010101010101010101010101010101010101010101010101"));
  CHECK_EQ(ask(database, "SELECT encode(merkle_branch[2], 'hex') FROM blocks LIMIT 1").substr(0, 4),
           "cccc");
  CHECK_EQ(ask(database, "SELECT octet_length(header) || ' ' || reward FROM blocks LIMIT 1"),
           "80 5000000000");
  CHECK_EQ(ask(database, "SELECT count(*) FROM events WHERE message LIKE '%not in the database%'"),
           "1");
}

TEST_CASE("events are stored whatever they say") {
  const std::string database = migrated_database();
  JournalFeed feed;
  feed.append({pool::EventRecord{1, "high", "node", "lost", "{\"a\":[1,2]}"},
               pool::EventRecord{2, "screaming", "x\xff", "", "not json"},
               pool::EventRecord{3, "low", "x", "m", "\"\\u0000\""},
               pool::EventRecord{std::numeric_limits<std::int64_t>::max(), "", "", "", ""}});
  RunningStore store(database, feed);
  store.advance(feed);
  store.wait_stored(feed);
  CHECK_EQ(ask(database,
               "SELECT string_agg(severity || ' ' || context::text, '; ' ORDER BY id) FROM events"),
           "high {\"a\": [1, 2]}; info {\"text\": \"not json\"}; low {\"text\": "
           "\"\\\"\\\\u0000\\\"\"}; info {}");
}

TEST_CASE("a gap in the journal is an event, and the rest is stored") {
  const std::string database = migrated_database();
  JournalFeed feed(1);  // a segment for each append
  for (std::uint64_t n = 0; n < 5; ++n) feed.append_shares(n * 10 + 1, 10);
  const auto segments = pool::list_segments(feed.journal_folder());
  REQUIRE_EQ(segments->size(), 5);
  std::filesystem::remove(pool::segment_path(feed.journal_folder(), (*segments)[2]));
  RunningStore store(database, feed);
  store.advance(feed);
  store.wait_stored(feed);
  CHECK_EQ(ask(database, "SELECT count(*) FROM shares"), "40");
  CHECK_EQ(ask(database, "SELECT severity || ': ' || message FROM events"),
           "critical: journal records 21 to 30 are missing: they were not stored");
}

TEST_CASE("a segment that can't be read is waited for, and damaged ones are never deleted") {
  const std::string database = migrated_database();
  JournalFeed feed(1);  // a segment for each append
  for (std::uint64_t n = 0; n < 6; ++n) feed.append_shares(n * 10 + 1, 10);
  const auto segments = pool::list_segments(feed.journal_folder());
  const std::string unreadable = pool::segment_path(feed.journal_folder(), (*segments)[3]);
  const std::string damaged = pool::segment_path(feed.journal_folder(), (*segments)[1]);
  base::Bytes bytes = journal_test::file_bytes(damaged);
  bytes[bytes.size() / 2] ^= 1;
  journal_test::write_file(damaged, bytes);
  journal_test::make_unreadable(unreadable);
  RunningStore store(database, feed, [](auto& options) {
    options.retry_last = 20ms;
    options.segments_kept = 2;
  });
  store.advance(feed);
  wait_until([&] { return store.latest().error.find(unreadable + ": can't open") == 0; });
  CHECK(std::stoul(ask(database, "SELECT count(*) FROM shares")) < 30);
  journal_test::make_readable_again(unreadable);
  store.wait_stored(feed);
  CHECK_EQ(ask(database, "SELECT count(*) FROM shares WHERE sequence > 20"), "40");
  CHECK_EQ(ask(database, "SELECT count(*) FROM events WHERE severity = 'critical'"), "1");
  wait_until([&] { return pool::list_segments(feed.journal_folder())->size() == 2; });
  CHECK(journal_test::file_bytes(damaged + ".damaged") == bytes);
  CHECK_FALSE(std::filesystem::exists(unreadable + ".damaged"));
}

TEST_CASE("a database that is ahead of the journal is told, and deletes nothing") {
  const std::string database = migrated_database();
  JournalFeed feed(1);
  for (std::uint64_t n = 0; n < 6; ++n) feed.append_shares(n * 10 + 1, 10);
  ask(database,
      "INSERT INTO journal_positions (journal, segment, file_offset, sequence) VALUES"
      " ('01020304000000000000000000000000', 500, 64, 900)");
  RunningStore store(database, feed, [](auto& options) {
    options.segments_kept = 2;
    options.drain_deadline = 50ms;
  });
  store.advance(feed);
  wait_until([&] {
    return store.latest().error.find("stored up to segment 00000000000001f4.journal") !=
           std::string::npos;
  });
  store.stop();
  CHECK_EQ(pool::list_segments(feed.journal_folder())->size(), 6);
  CHECK_EQ(ask(database, "SELECT count(*) FROM shares"), "0");
}

TEST_CASE("a batch that fails again and again is tried less and less often") {
  const std::string database = migrated_database();
  ask(database, "ALTER TABLE shares RENAME COLUMN height TO heights");
  JournalFeed feed;
  feed.append_shares(1, 10);
  RunningStore store(database, feed, [](auto& options) {
    options.retry_first = 100ms;
    options.retry_last = 400ms;
  });
  store.advance(feed);
  const auto started = std::chrono::steady_clock::now();
  wait_until([&] { return store.errors() >= 4; });  // 100, 200 and 400 ms apart
  CHECK(std::chrono::steady_clock::now() - started >= 700ms);
  ask(database, "ALTER TABLE shares RENAME COLUMN heights TO height");
  store.wait_stored(feed);
  check_stored_once(database, 10);
}

TEST_CASE("stored segments are deleted, except the newest") {
  const std::string database = migrated_database();
  JournalFeed feed(1);
  RunningStore store(database, feed, [](auto& options) { options.segments_kept = 3; });
  for (std::uint64_t n = 0; n < 10; ++n) feed.append_shares(n * 10 + 1, 10);
  CHECK_EQ(pool::list_segments(feed.journal_folder())->size(), 10);
  store.advance(feed);
  store.wait_stored(feed);
  wait_until([&] { return pool::list_segments(feed.journal_folder())->size() == 3; });
  feed.append_shares(101, 10);
  store.advance(feed);
  store.wait_stored(feed);
  check_stored_once(database, 110);
}

TEST_CASE("shares go to the partition of their day, and strange days to the default one") {
  const std::string database = migrated_database();
  JournalFeed feed;
  const std::int64_t now_us = std::chrono::duration_cast<std::chrono::microseconds>(
                                  std::chrono::system_clock::now().time_since_epoch())
                                  .count();
  const std::int64_t day_us = 86'400'000'000;
  std::vector<pool::JournalRecord> records;
  for (const std::int64_t time_us :
       {now_us, now_us - 3 * day_us, std::int64_t{0}, std::int64_t{-1},
        std::numeric_limits<std::int64_t>::min(), now_us + 50 * day_us}) {
    pool::ShareRecord record = share(records.size() + 1);
    record.time_us = time_us;
    records.emplace_back(record);
  }
  feed.append(records);
  RunningStore store(database, feed);
  store.advance(feed);
  store.wait_stored(feed);
  check_stored_once(database, 6);
  CHECK_EQ(ask(database, "SELECT count(*) FROM shares_default"), "4");
  CHECK_EQ(ask(database, "SELECT ensure_share_partitions('1970-01-01', '1970-01-02')"), "2");
  CHECK_EQ(ask(database, "SELECT count(*) FROM shares_default"), "3");
  CHECK_EQ(ask(database, "SELECT count(*) FROM shares_19700101"), "1");
  check_stored_once(database, 6);
}

TEST_CASE("a database without the schema is told, then used once it is there") {
  const std::string database = PrivatePostgres::instance().make_database();
  JournalFeed feed;
  feed.append_shares(1, 10);
  RunningStore store(database, feed);
  store.advance(feed);
  wait_until(
      [&] { return store.latest().error.find("run phasepool migrate") != std::string::npos; });
  CHECK_FALSE(pool::has_served(feed.data_dir(), database));
  REQUIRE(pool::migrate(database).has_value());
  store.wait_stored(feed);
  check_stored_once(database, 10);
  CHECK(pool::has_served(feed.data_dir(), database));
  CHECK_FALSE(pool::has_served(feed.data_dir(), database + "x"));
}

TEST_CASE(
    "closed segments are stored with their chain, each once, whenever the store begins anew") {
  const std::string database = store_test::migrated_database();
  store_test::JournalFeed feed(2000);  // some 12 shares to a segment
  for (std::uint64_t n = 1; n <= 60; n += 2) feed.append_shares(n, 2);
  for (int life = 0; life < 3; ++life) {
    store_test::RunningStore store(database, feed, [&](pool::StoreLoop::Options& options) {
      options.batch_records_max = 7;
      options.segments_kept = 100;
    });
    store.advance(feed);
    store.wait_stored(feed);
    store.stop();
    feed.append_shares(61 + static_cast<std::uint64_t>(life), 1);
  }
  const auto segments = pool::list_segments(feed.journal_folder());
  REQUIRE(segments->size() > 3);
  CHECK_EQ(ask(database, "SELECT count(*) FROM journal_segments"),
           std::to_string(segments->size() - 1));
  CHECK_EQ(
      ask(database, "SELECT min(last_sequence - first_sequence + 1) > 5 FROM journal_segments"),
      "t");
  CHECK_EQ(ask(database,
               "SELECT count(*) FROM journal_segments a JOIN journal_segments b ON b.segment ="
               " (SELECT min(segment) FROM journal_segments c WHERE c.segment > a.segment)"
               " WHERE b.prev_sha256 <> a.sha256 OR b.first_sequence <> a.last_sequence + 1"),
           "0");
  const auto newest = pool::read_segment_header(feed.journal_folder(), segments->back());
  REQUIRE(newest.has_value());
  CHECK_EQ(
      ask(database, "SELECT encode(sha256, 'hex') FROM journal_segments ORDER BY segment DESC"),
      base::to_hex(newest->previous.sha256));
  CHECK_EQ(ask(database, "SELECT count(*) FROM events"), "0");
}

TEST_CASE("a segment that was changed after it was closed is a critical event, and is kept") {
  const std::string database = store_test::migrated_database();
  store_test::JournalFeed feed(2000);
  for (std::uint64_t n = 1; n <= 40; n += 2) feed.append_shares(n, 2);
  const std::uint64_t first = pool::list_segments(feed.journal_folder())->front();
  const std::string path = pool::segment_path(feed.journal_folder(), first);
  base::Bytes bytes = pool::write_segment_header({journal_test::test_uuid, first, 1});
  const auto second = pool::list_segments(feed.journal_folder())->at(1);
  const auto shares = pool::read_segment_header(feed.journal_folder(), second)->first_sequence - 1;
  pool::append_frames(bytes, journal_test::payloads(1001, shares), 1);
  journal_test::write_file(path, bytes);
  store_test::RunningStore store(
      database, feed, [](pool::StoreLoop::Options& options) { options.segments_kept = 2; });
  store.advance(feed);
  store.wait_stored(feed);
  store.stop();
  CHECK_EQ(ask(database, "SELECT severity || ' ' || component FROM events"), "critical journal");
  CHECK(ask(database, "SELECT message FROM events").find("is not what the next one says") !=
        std::string::npos);
  CHECK(std::filesystem::exists(path + ".damaged"));
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a clock that jumps by years, there and back, costs no share and doubles none") {
  const std::string database = migrated_database();
  JournalFeed feed;
  constexpr std::int64_t year = 365 * 86'400;
  constexpr std::int64_t today = 1'769'000'000;
  std::uint64_t n = 0;
  const auto append_at = [&](std::int64_t seconds) {
    feed.set_clock(seconds);
    feed.begin_segment();
    std::vector<pool::JournalRecord> records;
    for (int i = 0; i < 5; ++i) {
      pool::ShareRecord record = share(++n);
      record.time_us = seconds * 1'000'000 + i;
      records.emplace_back(record);
    }
    feed.append(records);
  };
  RunningStore store(database, feed);
  for (const std::int64_t years : {0, 30, -30, 1, -1, 0, 200, 0, -56}) {
    append_at(today + years * year);
    store.advance(feed);
    store.wait_stored(feed);
  }
  store.stop();
  check_stored_once(database, n);
  CHECK_EQ(ask(database, "SELECT sum(shares) FROM share_sums WHERE span = 'day'"),
           std::to_string(n));
  CHECK_EQ(ask(database, "SELECT count(DISTINCT start) FROM share_sums WHERE span = 'day'"), "7");
  CHECK_EQ(ask(database, "SELECT count(*) FROM events"), "0");
  const auto segments = pool::list_segments(feed.journal_folder());
  CHECK(std::is_sorted(segments->begin(), segments->end()));
  // It goes on after a restart, too, at whatever time that is.
  append_at(today);
  RunningStore again(database, feed);
  again.advance(feed);
  again.wait_stored(feed);
  again.stop();
  check_stored_once(database, n);
}

TEST_CASE(
    "an outage of hundreds of segments is caught up, each share once, and the disk is freed") {
  const std::string database = migrated_database();
  JournalFeed feed(20'000);
  for (std::uint64_t n = 1; n <= 60'000; n += 100) feed.append_shares(n, 100);
  REQUIRE(pool::list_segments(feed.journal_folder())->size() >= 300);
  RunningStore store(database, feed);
  store.advance(feed);
  store.wait_stored(feed);
  store.stop();
  check_stored_once(database, 60'000);
  CHECK_EQ(pool::list_segments(feed.journal_folder())->size(), 4);
  CHECK_EQ(ask(database, "SELECT count(*) FROM events"), "0");
  CHECK_EQ(ask(database,
               "SELECT sum(last_sequence - first_sequence + 1) + (SELECT count(*) FROM"
               " shares WHERE sequence > (SELECT max(last_sequence) FROM"
               " journal_segments)) FROM journal_segments"),
           "60000");
}
