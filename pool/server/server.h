// The running pool: opens everything, starts the threads, waits for a signal, stops in order.
#pragma once

#include "pool/config/config.h"

#include <functional>

namespace pool {

// Reads the configuration again, as at the start.
using ReadConfig = std::function<base::Result<Config, ConfigError>()>;

// `phasepool run`. Returns the process's exit code: 0 after an orderly stop, 1 when something it
// needs is not there (one line on stderr says what, where, and what to do).
// On SIGHUP the certificate and stratum.instance are read again; the rest needs a restart.
int run_server(const Config& config, const ReadConfig& read_again);

}  // namespace pool
