#include "pool/store/coherence_rows.h"

#include "tests/loop/pool/store/coherence_work.h"

#include <doctest/doctest.h>

#include <barrier>
#include <thread>

using namespace store_test;

namespace {

const crypto::Digest zeros{};

std::string hex(const auto& bytes) { return base::to_hex(bytes); }

// Rows in coherence_sums that are not what the proofs themselves add up to, or the other way.
constexpr const char* differences =
    "SELECT count(*) FROM coherence_sums s FULL JOIN"
    " (SELECT span, date_trunc(span, time, 'UTC') AS start, worker_id, journal, count(*) AS n,"
    "   sum(work) AS w FROM coherence_proofs, unnest(ARRAY['minute', 'hour', 'day']) AS span"
    "   GROUP BY 1, 2, 3, 4) raw USING (span, start, worker_id, journal)"
    " WHERE s.proofs IS DISTINCT FROM n OR s.work IS DISTINCT FROM w";

std::string chain_of(const std::string& database) {
  return ask(database,
             "SELECT string_agg(encode(hash, 'hex'), ' ' ORDER BY height) FROM coherence_chain");
}

std::string events_of(const std::string& database) {
  return ask(database,
             "SELECT string_agg(severity || ' ' || component, ', ' ORDER BY id) FROM events");
}

}  // namespace

TEST_CASE("a proof's row has all that verifying it takes, and the sums count its work") {
  ShippingStore store;
  auto proof = prove(header_after(zeros, 1000), 0, 0xfedcba9876543210);
  proof.took_us = 1'500'000;
  auto first = prove(header_after(zeros, 1000), 0, 5, 0xffffffffffff0000);
  first.worker_name = "other";
  store.ship({first, proof});
  CHECK_EQ(store.ask("SELECT concat_ws(' ', w.name, p.chain_height, p.extranonce, p.attempt,"
                     " p.params, p.seconds, p.work, p.sequence) FROM coherence_proofs p"
                     " JOIN workers w ON w.id = p.worker_id ORDER BY p.id DESC"),
           "rig 0 18364758544493064720 " + std::to_string(proof.attempt) + " 65536 1.5 2692 2");
  CHECK_EQ(store.ask("SELECT encode(certificate, 'hex') || encode(work_hash, 'hex') ||"
                     " encode(substr(header, 1, 76), 'hex') FROM coherence_proofs ORDER BY id"
                     " DESC"),
           hex(proof.certificate) + hex(proof.work_hash) + hex(proof.header));
  CHECK_EQ(store.ask("SELECT encode(target, 'hex') FROM coherence_proofs"),
           "7f" + std::string(62, 'f'));
  const auto certificate = coherence::decode_certificate(proof.certificate);
  CHECK_EQ(store.ask("SELECT concat_ws(' ', bloom_start, bloom_end, r_q, psi_q) FROM"
                     " coherence_proofs ORDER BY id DESC"),
           std::to_string(certificate->bloom_start) + " " + std::to_string(certificate->bloom_end) +
               " " + std::to_string(certificate->r_q.back()) + " " +
               std::to_string(certificate->psi_q.back()));
  CHECK_EQ(store.ask("SELECT coalesce(seconds::text, 'none') FROM coherence_proofs ORDER BY id"),
           "none");
  CHECK_EQ(store.ask("SELECT count(*) FROM coherence_sums WHERE proofs = 1 AND work = 2692"), "6");
  // A second batch adds to the same rows.
  store.ship({prove(header_after(zeros, 1000), 0, 6)});
  CHECK_EQ(store.ask("SELECT count(*) FROM coherence_sums WHERE proofs = 2 AND work = 5384"), "3");
  CHECK_EQ(store.ask(differences), "0");
}

TEST_CASE("work is summed exactly, whatever it adds up to") {
  ShippingStore store;
  std::vector<pool::JournalRecord> records;
  for (std::uint64_t n = 1; n <= 30; ++n) {
    auto proof = prove(header_after(zeros, 1000), 0, n);
    proof.work = base::U256::max();
    proof.time_us = start_us + static_cast<std::int64_t>(n) * 17 * 60 * second_us;
    records.emplace_back(proof);
  }
  store.ship({records.begin(), records.begin() + 7});
  store.ship({records.begin() + 7, records.end()});
  CHECK_EQ(store.ask("SELECT sum(work) = 30 * (2::numeric ^ 256 - 1) FROM coherence_sums"
                     " WHERE span = 'hour'"),
           "t");
  CHECK_EQ(store.ask(differences), "0");
}

TEST_CASE("a block is appended with its stretches, and its successor to it") {
  ShippingStore store;
  begin_chain(store.database);
  const auto first = prove(header_after(zeros, 1000), 0);
  pool::JournalStretch stretch{{3, 1, 9'000'000'000, {}}, {}};
  stretch.stretch.head.fill(0xab);
  stretch.journal.fill(0x12);
  const auto second = prove(header_after(first.work_hash, 1001), 1);
  store.ship({first, block_of(first, {stretch}), second, block_of(second)});
  CHECK_EQ(chain_of(store.database), hex(first.work_hash) + " " + hex(second.work_hash));
  CHECK_EQ(store.ask("SELECT concat_ws(' ', height, pool, journal, first_sequence, last_sequence,"
                     " left(encode(head, 'hex'), 4)) FROM coherence_stretches"),
           "0 3 12121212-1212-1212-1212-121212121212 1 9000000000 abab");
  CHECK_EQ(store.ask("SELECT left(encode(bitcoin_tip, 'hex'), 4) FROM coherence_chain"), "0707");
  CHECK_EQ(events_of(store.database), "");
}

TEST_CASE("a block that comes too late is a proof, and an event") {
  ShippingStore store;
  begin_chain(store.database);
  const auto first = prove(header_after(zeros, 1000), 0);
  const auto rival = prove(header_after(zeros, 1000, 9), 0, 2);
  store.ship({first, block_of(first)});
  store.ship({rival, block_of(rival)});
  CHECK_EQ(chain_of(store.database), hex(first.work_hash));
  CHECK_EQ(events_of(store.database), "low coherence");
  CHECK_EQ(store.ask("SELECT count(*) FROM coherence_proofs"), "2");
  CHECK_EQ(store.ask("SELECT sum(proofs) FROM coherence_sums WHERE span = 'day'"), "2");
}

TEST_CASE("a record that is not whole is refused, and does not stop the others") {
  const std::string database = migrated_database();
  begin_chain(database);
  JournalFeed feed;
  const auto good = prove(header_after(zeros, 1000), 0);
  auto flipped = prove(header_after(zeros, 1000), 0, 2);
  flipped.certificate[200] ^= 1;
  auto no_certificate = prove(header_after(zeros, 1000), 0, 3);
  no_certificate.certificate.fill(0xff);
  auto no_level = prove(header_after(zeros, 1000), 0, 4);
  no_level.params = 0x00010006;
  auto twice = block_of(good, {{{1, 1, 2, {}}, {}}, {{1, 3, 4, {}}, {}}});  // one pool, two times
  const auto next = prove(header_after(zeros, 1000), 0, 5);
  feed.append({flipped, no_certificate, good, good, twice, no_level, next, block_of(next)});
  RunningStore store(database, feed);
  store.advance(feed);
  store.wait_stored(feed);
  CHECK_EQ(ask(database, "SELECT count(*) FROM coherence_proofs"), "2");
  CHECK_EQ(chain_of(database), hex(next.work_hash));
  CHECK_EQ(ask(database,
               "SELECT string_agg(context->>'sequence', ',' ORDER BY id) FROM events"
               " WHERE severity = 'high' AND component = 'store'"),
           "1,2,4,6");
  CHECK_EQ(ask(database,
               "SELECT count(*) FROM events WHERE severity = 'high' AND component = 'coherence'"),
           "1");
  CHECK_EQ(ask(database, differences), "0");
}

TEST_CASE("after an outage the first block-worthy proof is the block, the second one is not") {
  const std::string database = migrated_database();
  begin_chain(database);
  JournalFeed feed;
  const auto first = prove(header_after(zeros, 1000), 0);
  const auto second = prove(header_after(zeros, 1000), 0, 1, first.attempt + 1);
  feed.append({first, block_of(first)});
  feed.append_shares(1, 3);
  feed.append({second, block_of(second)});
  for (int life = 0; life < 3; ++life) {  // a record at a time, and once more from where it was
    RunningStore store(database, feed, [](auto& options) { options.batch_records_max = 1; });
    store.advance(feed);
    store.wait_stored(feed);
    store.stop();
  }
  CHECK_EQ(chain_of(database), hex(first.work_hash));
  CHECK_EQ(ask(database, "SELECT count(*) FROM coherence_proofs"), "2");
  CHECK_EQ(ask(database, "SELECT sum(proofs) FROM coherence_sums WHERE span = 'hour'"), "2");
  CHECK_EQ(events_of(database), "low coherence");
  check_stored_once(database, 3);
}

TEST_CASE("sessions killed and a server stopped in the middle double no proof, and fork no chain") {
  const std::string database = migrated_database();
  begin_chain(database);
  JournalFeed feed;
  RunningStore store(database, feed, [](auto& options) { options.batch_records_max = 3; });
  wait_until([&] { return store.latest().connected; });
  constexpr std::uint32_t heights = 40;
  crypto::Digest tip{};
  std::uint32_t proofs = 0;
  for (std::uint32_t height = 0; height < heights; ++height) {
    const auto block = prove(header_after(tip, 1000 + height), height, ++proofs);
    const auto rival = prove(header_after(tip, 1000 + height), height, ++proofs);
    feed.append({block, block_of(block), rival, block_of(rival)});
    store.advance(feed);
    tip = block.work_hash;
    if (height == heights / 2) {  // what comes meanwhile waits in the journal
      PrivatePostgres::instance().stop();
    } else if (height == heights / 2 + 5) {
      PrivatePostgres::instance().start();
    } else if (height % 5 == 0 && (height < heights / 2 || height > heights / 2 + 5)) {
      ask(database,
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
          " WHERE application_name = 'phasepool_store'");
    }
  }
  store.wait_stored(feed);
  store.stop();
  CHECK_EQ(ask(database, "SELECT count(*) || ' ' || max(height) FROM coherence_chain"), "40 39");
  CHECK_EQ(ask(database, "SELECT encode(hash, 'hex') FROM coherence_tip()"), hex(tip));
  CHECK_EQ(ask(database, "SELECT count(*) FROM coherence_proofs"), std::to_string(proofs));
  CHECK_EQ(ask(database, "SELECT count(*) FROM events WHERE severity = 'low'"), "40");
  CHECK_EQ(ask(database, "SELECT count(*) FROM events"), "40");
  CHECK_EQ(ask(database, differences), "0");
}

TEST_CASE("after an outage a block whose tip has moved meanwhile comes too late") {
  ShippingStore other;  // the other pool, whose connection stayed
  begin_chain(other.database);
  const auto theirs = prove(header_after(zeros, 1000), 0);
  other.ship({theirs, block_of(theirs)});
  JournalFeed feed;
  const auto ours = prove(header_after(zeros, 1000), 0, 2);
  feed.append({ours, block_of(ours)});
  other.writer.disconnect();  // whose journal has the same id as this one's: they take turns
  const std::string database = other.database;
  ask(database, "UPDATE journal_positions SET journal = '22222222-2222-4222-8222-222222222222'");
  RunningStore store(database, feed);
  store.advance(feed);
  store.wait_stored(feed);
  CHECK_EQ(chain_of(database), hex(theirs.work_hash));
  CHECK_EQ(ask(database, "SELECT count(*) FROM coherence_proofs"), "2");
  CHECK_EQ(events_of(database), "low coherence");
}

TEST_CASE("pools that race for every height make one chain, and each stores all of its proofs") {
  constexpr int pools = 3;
  constexpr std::uint32_t heights = 12;
  const std::string database = migrated_database();
  begin_chain(database);
  std::vector<std::unique_ptr<pool::ShareWriter>> writers;
  for (std::uint8_t n = 0; n < pools; ++n) {
    pool::JournalUuid uuid{};
    uuid.fill(static_cast<std::uint8_t>(0x11 * (n + 1)));
    writers.push_back(std::make_unique<pool::ShareWriter>(database, uuid));
    REQUIRE(writers.back()->connect().has_value());
  }
  std::vector<pool::JournalPosition> at(pools);
  crypto::Digest tip{};
  for (std::uint32_t height = 0; height < heights; ++height) {
    std::barrier start(pools);
    std::vector<pool::CoherenceProofRecord> proofs;
    for (std::uint64_t n = 0; n < pools; ++n) {
      proofs.push_back(prove(header_after(tip, 1000 + height), height, n));
    }
    std::vector<std::thread> threads;
    std::vector<int> shipped(pools);
    for (std::size_t n = 0; n < pools; ++n) {
      threads.emplace_back([&, n] {
        pool::JournalBatch batch;
        const pool::JournalPosition to{1, at[n].offset + 100, at[n].sequence + 2};
        batch.entries.push_back({{1, at[n].offset + 50, at[n].sequence + 1}, proofs[n]});
        batch.entries.push_back({to, block_of(proofs[n])});
        start.arrive_and_wait();
        const auto result = writers[n]->ship(batch, at[n], to, start_us);
        shipped[n] = result.has_value() && result->position == to ? 1 : 0;
        at[n] = to;
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK_EQ(shipped, std::vector<int>(pools, 1));
    const auto bytes =
        base::from_hex(ask(database, "SELECT encode(hash, 'hex') FROM coherence_tip()"));
    REQUIRE(bytes.has_value());
    std::copy(bytes->begin(), bytes->end(), tip.begin());
  }
  CHECK_EQ(ask(database, "SELECT count(*) || ' ' || max(height) FROM coherence_chain"), "12 11");
  CHECK_EQ(ask(database, "SELECT count(*) FROM coherence_proofs"), "36");
  CHECK_EQ(ask(database, "SELECT count(*) FROM events WHERE severity = 'low'"), "24");
  CHECK_EQ(ask(database, "SELECT count(*) FROM events"), "24");
  CHECK_EQ(ask(database, differences), "0");
}
