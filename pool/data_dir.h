// The pool's folder on disk: journal/, vault/, and the note of the database it has served.
//
// Errors: one line for the operator.
#pragma once

#include "common/base/result.h"

#include <string>

namespace pool {

// Makes the folder (mode 0750) if it is not there, and tries that a file can be written in it.
[[nodiscard]] base::Result<void, std::string> prepare_data_dir(const std::string& data_dir);

// Whether a pool with this folder once saw this database (by its connection string) with the right
// schema. It may then start while the database is away.
bool has_served_database(const std::string& data_dir, const std::string& database);
[[nodiscard]] base::Result<void, std::string> note_served_database(const std::string& data_dir,
                                                                   const std::string& database);

}  // namespace pool
