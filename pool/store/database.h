// The one place where libpqxx's exceptions end. Private to pool/store: it names pqxx.
#pragma once

#include "common/base/result.h"
#include "pool/store/connection_interrupt.h"

#include <memory>
#include <pqxx/pqxx>
#include <string>
#include <type_traits>

namespace pool {

enum class DatabaseFailure {
  refused_data,  // PostgreSQL will never take these values: a repeat can't help
  lost,          // connection gone, server stopping, disk full, or anything else that may pass;
                 // whether a commit went through is then unknown
};

struct DatabaseError {
  DatabaseFailure kind = DatabaseFailure::lost;
  std::string message;   // one line
  std::string sqlstate;  // where PostgreSQL said one
};

// Translates the exception that is being handled. REQUIRES: called inside a catch block.
DatabaseError translate_exception();

// Runs `work`; what it throws comes back as a DatabaseError.
template <class Work>
auto guarded(Work&& work) -> base::Result<std::invoke_result_t<Work>, DatabaseError> {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
      std::forward<Work>(work)();
      return {};
    } else {
      return std::forward<Work>(work)();
    }
  } catch (const std::exception&) {
    return base::err(translate_exception());
  }
}

// Notices and warnings of the server go to the log.
class NoticeLog : public pqxx::errorhandler {
 public:
  using pqxx::errorhandler::errorhandler;
  bool operator()(const char* message) noexcept override;
};

// A connection with time limits, and without libpqxx's silent reconnects: a lost connection is an
// error that the caller must see. Throws what pqxx throws: construct and use it inside guarded().
class DatabaseConnection {
 public:
  // `interrupt`, if there is one, outlives the connection and can end its calls.
  DatabaseConnection(const std::string& database, std::string_view application,
                     ConnectionInterrupt* interrupt = nullptr);
  DatabaseConnection(const DatabaseConnection&) = delete;
  DatabaseConnection& operator=(const DatabaseConnection&) = delete;
  pqxx::connection& get() { return connection_; }

 private:
  // Ends after the connection, whose closing may block as well.
  struct Watch {
    ConnectionInterrupt* interrupt;
    ~Watch() {
      if (interrupt != nullptr) interrupt->unwatch();
    }
  };

  const Watch watch_;
  pqxx::connection connection_;
  NoticeLog notices_;
};

}  // namespace pool
