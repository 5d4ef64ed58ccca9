// The coherence settings of a configuration: read where they have a form of their own, and held
// together. Thread: pure functions.
#pragma once

#include "pool/config/config.h"
#include "pool/config/config_document.h"

namespace pool {

// Fills in coherence.initial_bits, and coherence.start_difficulty where only a higher minimum is
// given. REQUIRES: config.network and config.coinbase_tag are read.
[[nodiscard]] base::Result<void, ConfigError> check_coherence(const ConfigDocument& document,
                                                              Config& config);

}  // namespace pool
