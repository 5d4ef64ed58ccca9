// The running pool: opens everything, starts the threads, waits for a signal, stops in order.
#pragma once

#include "pool/config/config.h"

namespace pool {

// `phasepool run`. Returns the process's exit code: 0 after an orderly stop, 1 when something it
// needs is not there (one line on stderr says what, where, and what to do).
int run_server(const Config& config);

}  // namespace pool
