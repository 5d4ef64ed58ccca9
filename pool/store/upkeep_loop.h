// UpkeepLoop: the thread 'upkeep'. What the database needs from time to time and nobody waits for:
// the ledger is brought in line with the blocks, and what is older than it is to be kept is
// dropped. On a connection of its own, so that storing shares never waits for it; each is one call
// of a function that does all of it or nothing, and that another pool may call as well.
//
// While the database is away it is tried again at the next turn.
// Thread: the constructor and destructor belong to the thread that starts and joins; run() is the
//         upkeep thread's, and blocks on the database; mailbox().post() and interrupt() any.
#pragma once

#include "common/uv/loop.h"
#include "common/uv/mailbox.h"
#include "pool/messages.h"
#include "pool/store/connection_interrupt.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace pool {

class DatabaseConnection;

class UpkeepLoop {
 public:
  struct Options {
    std::string database;
    std::chrono::milliseconds ledger_period{10'000};
    std::chrono::milliseconds retention_period{std::chrono::hours{6}};
    // What is older may go; run_retention() keeps what payouts still need.
    std::uint32_t keep_shares_days = 35;
    std::uint32_t keep_minutes_days = 35;
    std::uint32_t keep_events_days = 400;
  };

  explicit UpkeepLoop(Options options);
  ~UpkeepLoop();
  UpkeepLoop(const UpkeepLoop&) = delete;
  UpkeepLoop& operator=(const UpkeepLoop&) = delete;

  void run();  // until Shutdown
  uv::Mailbox<Shutdown>& mailbox() { return mailbox_; }
  // Ends a call that does not return; see QueryLoop.
  void interrupt() { interrupt_.interrupt(); }

 private:
  void on_timer();
  void connect();
  void update_ledger();
  void run_retention();

  const Options options_;
  ConnectionInterrupt interrupt_;
  std::unique_ptr<DatabaseConnection> connection_;
  std::chrono::steady_clock::time_point retention_at_{};
  std::string error_logged_;  // since all was well
  uv::Loop loop_;
  uv::Timer timer_;
  uv::Mailbox<Shutdown> mailbox_;
};

}  // namespace pool
