// What a schema can't say of a configuration: addresses of the right network, values that must fit
// each other, and texts with a form of their own. Fills in the members that need such a parse.
// Thread: pure functions.
#pragma once

#include "pool/config/config.h"
#include "pool/config/config_document.h"

#include <cstdint>

namespace pool {

// bitcoind's, by network.
std::uint16_t default_rpc_port(bitcoin::Network network);

// Completes `config`, whose plain members have been copied from `document`.
[[nodiscard]] base::Result<void, ConfigError> check_config(const ConfigDocument& document,
                                                           Config& config);

}  // namespace pool
