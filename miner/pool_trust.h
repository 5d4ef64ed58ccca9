// Whose certificates a pool may show: read once, before the first connection.
//
// Errors: one line that names --ca-file, its value and what is wrong with it.
// Thread: any; it reads a file.
#pragma once

#include "common/base/result.h"
#include "common/net/tls.h"
#include "miner/pool_settings.h"

#include <cstddef>
#include <memory>
#include <string>

namespace miner {

inline constexpr std::size_t ca_file_bytes_max = 4 * 1024 * 1024;  // a system's store has 0.2 MiB

// Null for a pool without TLS.
[[nodiscard]] base::Result<std::shared_ptr<const net::TlsContext>, std::string> trust_of(
    const PoolSettings& pool);

}  // namespace miner
