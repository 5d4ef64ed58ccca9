#include "pool/store/accounting_rows.h"

#include "common/bitcoin/transaction.h"
#include "tests/loop/pool/store/shipped.h"

#include <doctest/doctest.h>

using namespace store_test;
using stratum::RejectReason;

namespace {

pool::ShareRecord a_share() {
  pool::ShareRecord record;
  record.time_us = start_us;
  record.address = "bcrt1qminer";
  record.worker_name = "rig";
  record.work = base::U256(1);
  return record;
}

pool::HeightRecord a_height(std::uint8_t prev, std::int64_t coinbase_value) {
  pool::HeightRecord height;
  height.time_us = start_us;
  height.height = 840'001;
  height.prev_hash.bytes.fill(prev);
  height.nbits = 0xff7fffff;  // more than a signed integer holds
  height.subsidy = bitcoin::Sats{312'500'000};
  height.coinbase_value = bitcoin::Sats{coinbase_value};
  return height;
}

base::Bytes coinbase_paying(std::vector<std::int64_t> values) {
  bitcoin::Transaction coinbase;
  coinbase.inputs.emplace_back();
  for (const std::int64_t value : values) {
    coinbase.outputs.push_back({bitcoin::Sats{value}, base::Bytes(22, 1)});
  }
  return coinbase.serialize_legacy();
}

}  // namespace

TEST_CASE("a height's first record stands, but for the fees of the first complete template") {
  ShippingStore store;
  const auto stored = [&] {
    return store.ask(
        "SELECT concat_ws(' ', height, nbits, subsidy_sats, coinbase_value_sats,"
        " left(encode(prev_hash, 'hex'), 2)) FROM heights");
  };
  store.ship({a_height(1, 312'500'000)});
  CHECK_EQ(stored(), "840001 4286578687 312500000 312500000 01");
  store.ship({a_height(2, 400'000'000)});  // another branch
  CHECK_EQ(stored(), "840001 4286578687 312500000 312500000 01");
  store.ship({a_height(1, 312'500'777)});
  CHECK_EQ(stored(), "840001 4286578687 312500000 312500777 01");
  store.ship({a_height(1, 400'000'000)});
  CHECK_EQ(stored(), "840001 4286578687 312500000 312500777 01");
}

TEST_CASE("rejects are counted per hour, those of unknown names together") {
  ShippingStore store;
  store.ship({a_share()});
  const auto sum = [](const std::string& address, const std::string& name, RejectReason reason,
                      std::uint32_t count) {
    return pool::RejectSumRecord{start_us, address, name, reason, count};
  };
  store.ship({sum("bcrt1qminer", "rig", RejectReason::stale, 2),
              sum("bcrt1qminer", "rig", RejectReason::stale, 3),
              sum("bcrt1qminer", "rig", RejectReason::duplicate, 1),
              sum("bcrt1qminer", "nobody", RejectReason::stale, 10),
              sum("bcrt1qother", "\xff", RejectReason::stale, 20),
              sum("", "", RejectReason::unauthorized, 40)});
  store.ship({sum("bcrt1qminer", "rig", RejectReason::stale, 100)});
  CHECK_EQ(
      store.ask("SELECT string_agg(concat_ws(' ', coalesce(w.name, '-'), reason, rejects), ', '"
                " ORDER BY r.worker_id, reason) FROM reject_sums r"
                " LEFT JOIN workers w ON w.id = r.worker_id"),
      "- stale 30, - unauthorized 40, rig duplicate 1, rig stale 105");
  CHECK_EQ(store.ask("SELECT count(*) FROM reject_sums WHERE start = date_trunc('hour', start)"),
           "4");
  CHECK_EQ(store.ask("SELECT count(*) FROM workers"), "1");
}

TEST_CASE("of a worker's rejects the newest are kept, of an unknown one none") {
  ShippingStore store;
  store.ship({a_share()});
  pool::RejectRecord reject;
  reject.address = "bcrt1qminer";
  reject.worker_name = "rig";
  reject.reason = RejectReason::low_difficulty;
  reject.ntime = 0xffffffff;
  reject.nonce = 0xfffffffe;
  std::vector<pool::JournalRecord> records;
  for (std::uint32_t i = 0; i < pool::limits::rejects_stored_per_worker + 5; ++i) {
    reject.time_us = start_us + i;
    records.emplace_back(reject);
  }
  reject.worker_name = "nobody";
  records.emplace_back(reject);
  store.ship(records);
  CHECK_EQ(
      store.ask(
          "SELECT concat_ws(' ', count(*), min(extract(microseconds FROM time))::int % 1000000)"
          " FROM rejects"),
      std::to_string(pool::limits::rejects_stored_per_worker) + " 5");

  reject = {};
  reject.time_us = start_us + second_us;
  reject.address = "bcrt1qminer";
  reject.worker_name = "rig";
  reject.reason = RejectReason::stale;
  reject.detail = "odd \x01\xff text";
  reject.height = 7;
  reject.stale_ms = 12;
  reject.difficulty = 0.5;
  reject.share_difficulty = 0.25;
  reject.version_bits = 0x1fffe000;
  reject.hash.emplace();
  reject.hash->bytes.fill(9);
  store.ship({reject});
  CHECK_EQ(store.ask("SELECT concat_ws(' ', reason, height, stale_ms, difficulty, share_difficulty,"
                     " version_bits, left(encode(hash, 'hex'), 4)) FROM rejects"
                     " ORDER BY time DESC LIMIT 1"),
           "stale 7 12 0.5 0.25 536862720 0909");
  CHECK_EQ(store.ask("SELECT count(*) FROM rejects WHERE hash IS NULL AND height IS NULL"
                     " AND nonce = 4294967294"),
           std::to_string(pool::limits::rejects_stored_per_worker - 1));
}

TEST_CASE("what reaches the pool is the coinbase's first output") {
  CHECK_EQ(pool::pool_part(coinbase_paying({30, 12, 0}), bitcoin::Sats{42})->value, 30);
  CHECK_EQ(pool::pool_part(coinbase_paying({42}), bitcoin::Sats{42})->value, 42);
  CHECK_FALSE(pool::pool_part(coinbase_paying({43}), bitcoin::Sats{42}));
  CHECK_FALSE(pool::pool_part(coinbase_paying({}), bitcoin::Sats{42}));
  CHECK_FALSE(pool::pool_part(base::Bytes(300, 0xab), bitcoin::Sats{42}));

  ShippingStore store;
  pool::BlockCandidateRecord block;
  block.time_us = start_us;
  block.address = "bcrt1qfinder";
  block.reward = bitcoin::Sats{42};
  block.coinbase = coinbase_paying({30, 12});
  pool::BlockCandidateRecord unreadable = block;
  unreadable.hash.bytes.fill(1);
  unreadable.coinbase = base::Bytes(10, 0xff);
  store.ship({block, unreadable});
  CHECK_EQ(
      store.ask("SELECT string_agg(coalesce(pool_sats::text, '-'), ' ' ORDER BY id) FROM blocks"),
      "30 -");
}
