// The pool's folder on disk, in which journal/ and vault/ stand.
//
// Errors: one line for the operator.
#pragma once

#include "common/base/result.h"

#include <string>

namespace pool {

// Makes the folder (mode 0750) if it is not there, and tries that a file can be written in it.
[[nodiscard]] base::Result<void, std::string> prepare_data_dir(const std::string& data_dir);

}  // namespace pool
