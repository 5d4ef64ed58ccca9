// `phaseminer bench`.
// Thread: main's; bench starts threads of its own and joins them.
#pragma once

#include "common/crypto/cpu_features.h"
#include "miner/options.h"

#include <cstdio>

namespace miner {

// The rate of every supported kernel of options.algorithm, with one thread and with all of them; as
// JSON one object, of one thread. Exit code.
int run_bench(const Options& options, const crypto::CpuFeatures& cpu, std::FILE* out);

}  // namespace miner
