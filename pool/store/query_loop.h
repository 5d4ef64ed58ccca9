// QueryLoop: the threads 'query' and 'slow_query'. Answers what the stats page and the API ask of
// the database, on a connection of its own: read-only, as role phasepool_web where that exists,
// every statement within a time limit. What is asked is a name and its arguments (StatsQuery): the
// statements are here, and never change.
//
// Thread: the constructor and destructor belong to the thread that starts and joins; run() is the
//         query thread's, and blocks on the database; mailbox().post() and interrupt() any.
#pragma once

#include "common/uv/loop.h"
#include "common/uv/mailbox.h"
#include "pool/messages.h"
#include "pool/store/connection_interrupt.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace pool {

class DatabaseConnection;

class QueryLoop {
 public:
  struct Hooks {
    // On the query thread, once for each StatsQuery.
    std::function<void(QueryResult)> result;
  };
  struct Options {
    std::string database;
    std::string application = "phasepool_query";  // as pg_stat_activity shows it
    std::chrono::milliseconds statement_timeout{2'000};
    std::chrono::milliseconds retry{1'000};  // after a failure, answers fail at once for so long
  };

  QueryLoop(Options options, Hooks hooks);
  ~QueryLoop();
  QueryLoop(const QueryLoop&) = delete;
  QueryLoop& operator=(const QueryLoop&) = delete;

  void run();  // until Shutdown
  uv::Mailbox<QueryMessage>& mailbox() { return mailbox_; }

  // Ends a query that does not return and refuses those after it, so that Shutdown is heard: at
  // once unless it is just connecting (connect_timeout, 5 s). Thread: any.
  void interrupt() { interrupt_.interrupt(); }

 private:
  void on_message(const QueryMessage& message);
  QueryResult answer(const StatsQuery& query);
  void connect();

  const Options options_;
  const Hooks hooks_;
  ConnectionInterrupt interrupt_;
  std::unique_ptr<DatabaseConnection> connection_;
  std::chrono::steady_clock::time_point retry_at_{};
  std::string error_;
  bool stopping_ = false;
  uv::Loop loop_;
  uv::Mailbox<QueryMessage> mailbox_;
};

}  // namespace pool
