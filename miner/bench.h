// `phaseminer bench` and `phaseminer selftest`.
// Thread: main's; bench starts threads of its own and joins them.
#pragma once

#include "common/crypto/cpu_features.h"
#include "miner/options.h"

#include <cstdio>

namespace miner {

// The rate of every supported kernel of options.algorithm, with one thread and with all of them; as
// JSON one object, of one thread. Exit code.
int run_bench(const Options& options, const crypto::CpuFeatures& cpu, std::FILE* out);

// Every kernel against known answers, one line each. 0 only if all that the processor supports
// pass.
int run_selftest(const crypto::CpuFeatures& cpu, std::FILE* out);

}  // namespace miner
