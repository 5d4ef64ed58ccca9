#include "pool/store/database.h"

#include "common/log.h"
#include "pool/store/database_text.h"

#include <new>

#if defined(__SANITIZE_ADDRESS__)
// libpqxx 6.4 forgets a PGresult (about a kilobyte) when a connection is lost in the
// middle of a statement (its pull request 500). Nothing of ours allocates with this function.
extern "C" const char* __lsan_default_suppressions();   // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
  return "leak:PQmakeEmptyPGresult\n";
}
#endif

namespace pool {
namespace {

// SQLSTATE classes that blame the values: 22 data exception, 23 integrity constraint, 54 limits, PH
// our own functions' refusals.
bool blames_data(const std::string& sqlstate) {
  return sqlstate.starts_with("22") || sqlstate.starts_with("23") || sqlstate.starts_with("54") ||
         sqlstate.starts_with("PH");
}

}  // namespace

DatabaseError translate_exception() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const pqxx::sql_error& error) {
    const auto kind =
        blames_data(error.sqlstate()) ? DatabaseFailure::refused_data : DatabaseFailure::lost;
    std::string message = one_line(error.what());
    if (error.sqlstate() == "42P01" || error.sqlstate() == "42883") {
      message += " (is the schema there? phasepool migrate makes it)";
    }
    // libpqxx 6.4 forgets the code of this one.
    const bool no_right = dynamic_cast<const pqxx::insufficient_privilege*>(&error) != nullptr;
    return {kind, std::move(message), no_right ? "42501" : error.sqlstate()};
  } catch (const std::exception& error) {
    return {DatabaseFailure::lost, one_line(error.what()), {}};
  }
}

bool NoticeLog::operator()(const char* message) noexcept {
  LOG(debug, "database_notice", {"message", one_line(message)});
  return false;  // the last word: nothing goes to the standard error stream
}

DatabaseConnection::DatabaseConnection(const std::string& database, std::string_view application,
                                       ConnectionInterrupt* interrupt)
    : watch_{interrupt},
      connection_(with_connection_defaults(database, application)),
      notices_(connection_) {
  if (interrupt != nullptr) interrupt->watch(connection_.sock());
    // Deprecated since libpqxx 7 no longer reconnects by itself; 6 still does.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  connection_.inhibit_reactivation(true);
#pragma GCC diagnostic pop
}

}  // namespace pool
