// The operator's token: data_dir/admin.token, mode 0600, made at the pool's first start. Who can
// read the file may give orders (docs/admin.md).
//
// Errors: one line for the operator: the file, what is wrong with it, what to do.
// Thread: any.
#pragma once

#include "common/base/result.h"

#include <string>

namespace pool {

std::string admin_token_path(const std::string& data_dir);
// Makes the file if it is not there. Refuses one that others can read or write.
[[nodiscard]] base::Result<std::string, std::string> prepare_admin_token(
    const std::string& data_dir);
// For `phasepool admin`.
[[nodiscard]] base::Result<std::string, std::string> read_admin_token(const std::string& data_dir);

}  // namespace pool
