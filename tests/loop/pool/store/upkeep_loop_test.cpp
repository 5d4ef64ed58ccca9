#include "pool/store/upkeep_loop.h"

#include "tests/loop/pool/store/shipped.h"

#include <doctest/doctest.h>

#include <thread>

using namespace store_test;

namespace {

class RunningUpkeep {
 public:
  explicit RunningUpkeep(const std::string& database) {
    pool::UpkeepLoop::Options options;
    options.database = database;
    options.ledger_period = 20ms;
    options.retention_period = 20ms;
    options.keep_events_days = 10;
    loop_ = std::make_unique<pool::UpkeepLoop>(std::move(options));
    thread_ = std::thread([this] { loop_->run(); });
  }
  ~RunningUpkeep() { stop(); }
  void stop() {
    if (!thread_.joinable()) return;
    loop_->interrupt();
    CHECK(loop_->mailbox().post(pool::Shutdown{}));
    thread_.join();
  }

 private:
  std::unique_ptr<pool::UpkeepLoop> loop_;
  std::thread thread_;
};

// Of this minute: what lies further back may be dropped before it is looked for.
std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void ship_confirmed_block(ShippingStore& store) {
  const std::int64_t time_us = now_us() - 60 * second_us;
  pool::ShareRecord share;
  share.time_us = time_us;
  share.address = "bcrt1qfinder";
  share.work = base::U256(2);
  share.height = 7;
  pool::BlockCandidateRecord block;
  block.time_us = time_us;
  block.address = share.address;
  block.height = share.height;
  block.reward = bitcoin::Sats{1000};
  block.header[72] = 0xff;  // nbits 207fffff, regtest's
  block.header[73] = 0xff;
  block.header[74] = 0x7f;
  block.header[75] = 0x20;
  store.ship({pool::PayoutSchemeRecord{time_us - second_us, "solo", "2.0", 0, 0, {}}, share, block,
              pool::BlockStateRecord{time_us, block.hash, pool::BlockState::confirmed, 7}});
  // Its coinbase is none, so what it pays is not known.
  store_test::ask(store.database, "UPDATE blocks SET pool_sats = reward RETURNING 1");
}

}  // namespace

TEST_CASE("a confirmed block is divided, and old events go") {
  ShippingStore store;
  ship_confirmed_block(store);
  store.ask(
      "INSERT INTO events (time, severity, component, message, context)"
      " VALUES (now() - interval '20 days', 'low', 'test', 'old', '{}'),"
      " (now() - interval '5 days', 'low', 'test', 'recent', '{}') RETURNING 1");
  const RunningUpkeep upkeep(store.database);
  wait_until([&] {
    return store.ask("SELECT sum(amount_sats) FROM ledger WHERE account = 'miners'") == "1000";
  });
  wait_until([&] {
    return store.ask("SELECT string_agg(message, ' ') FROM events WHERE component = 'test'") ==
           "recent";
  });
}

TEST_CASE("a database that is away is tried again until it is back") {
  ShippingStore store;
  ship_confirmed_block(store);
  PrivatePostgres::instance().stop();
  const RunningUpkeep upkeep(store.database);
  PrivatePostgres::instance().start();
  wait_until([&] { return store.ask("SELECT count(*) FROM payout_runs") == "1"; });
}

TEST_CASE("a call that does not return is cut off at the end, and leaves nothing half done") {
  ShippingStore store;
  ship_confirmed_block(store);
  pqxx::connection holder(store.database);
  pqxx::work holding(holder);
  holding.exec("LOCK TABLE ledger IN ACCESS EXCLUSIVE MODE");
  RunningUpkeep upkeep(store.database);
  wait_until([&] {
    return store.ask(
               "SELECT count(*) FROM pg_stat_activity WHERE application_name ="
               " 'phasepool_upkeep' AND wait_event_type = 'Lock' AND datname ="
               " current_database()") == "1";
  });
  upkeep.stop();
  holding.commit();
  CHECK_EQ(store.ask("SELECT count(*) FROM payout_runs"), "0");
}
