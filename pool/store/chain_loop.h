// ChainLoop: the thread 'chain'. Looks after the proof chain in the database, on a connection of
// its own: begins it where no pool has yet, reads it when PostgreSQL says that it has grown and
// about once a second, and tells the database how far our journal has come, so that other pools'
// blocks commit to it too. (Blocks are added by the store thread, from the journal.)
//
// While the database is away it is tried again every second.
// Thread: the constructor and destructor belong to the thread that starts and joins; run() is the
//         chain's thread, and blocks on the database; mailbox().post*() and interrupt() any.
#pragma once

#include "common/base/result.h"
#include "common/coherence/chain.h"
#include "common/uv/loop.h"
#include "common/uv/mailbox.h"
#include "pool/messages.h"
#include "pool/store/connection_interrupt.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace pool {

class DatabaseConnection;

class ChainLoop {
 public:
  struct Hooks {
    std::function<void(ChainRead)> read;  // what each look at the chain came to
  };
  struct Options {
    std::string database;
    coherence::ChainRules rules;  // of a chain that begins now; without a start_time
    std::uint32_t pool = 0;       // our instance number
    JournalUuid journal{};        // ours
    std::chrono::milliseconds period{1'000};
  };

  ChainLoop(Options options, Hooks hooks);
  ~ChainLoop();
  ChainLoop(const ChainLoop&) = delete;
  ChainLoop& operator=(const ChainLoop&) = delete;

  void run();  // until Shutdown
  uv::Mailbox<ChainMessage>& mailbox() { return mailbox_; }
  // Ends a call that does not return; see QueryLoop.
  void interrupt() { interrupt_.interrupt(); }

 private:
  class Listener;  // hears that the chain has grown

  void on_message(const ChainMessage& message);
  void on_timer();
  void on_readable();
  void work(bool publish);
  void connect();
  void publish_head();
  ChainView read_chain();
  void disconnect();

  Options options_;
  const Hooks hooks_;
  ConnectionInterrupt interrupt_;
  std::optional<JournalHead> head_;            // ours, the newest
  std::optional<JournalHead> head_published_;  // of this connection
  std::string error_logged_;                   // since all was well
  uv::Loop loop_;
  std::unique_ptr<DatabaseConnection> connection_;
  std::unique_ptr<Listener> listener_;  // ends before the connection
  std::unique_ptr<uv::Poll> socket_;    // likewise
  uv::Timer timer_;
  uv::Mailbox<ChainMessage> mailbox_;
};

// The rules of the chain in a database, which has the schema; none: no pool has begun one. Changes
// nothing there. Error: one line.
[[nodiscard]] base::Result<std::optional<coherence::ChainRules>, std::string> stored_chain_rules(
    const std::string& database);

}  // namespace pool
