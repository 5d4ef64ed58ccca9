// The database's schema: applied in order, each migration once and in a transaction of its own.
//
// Errors: one line for the operator. It names the database, without its password.
// Thread: any; the calls block, up to the connection's timeouts.
#pragma once

#include "common/base/result.h"

#include <string>
#include <vector>

namespace pool {

enum class SchemaState {
  current,
  older,   // migrate() brings it up to date
  newer,   // made by a newer program; never written to
  absent,  // a database without Phasepool's tables
};

// Applies what is missing and returns the names ("001_miners_and_workers"). Two programs that
// migrate at once wait for each other. Error: cannot connect, the schema is newer than this
// program, or what PostgreSQL said of a migration (nothing of which is then in the database).
[[nodiscard]] base::Result<std::vector<std::string>, std::string> migrate(
    const std::string& database);

// Error: cannot connect.
[[nodiscard]] base::Result<SchemaState, std::string> schema_state(const std::string& database);

// The version this program expects.
int schema_version_known();

}  // namespace pool
