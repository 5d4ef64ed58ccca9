// `phaseminer selftest`: is this program right, on this machine? A line each:
//
//   kernels     every SHA-256d and every coherence kernel against known answers
//   work        small spaces divided among workers: nothing twice, nothing left out; and each order
//               of nonces a permutation
//   coherence   a known attempt replayed to its certificate and work hash
//   rpc         with --solo URL: what mining without a pool asks of that node
//   network     with --network: the pools of -o: mined for until one share is accepted
//
// Errors: a line that says FAILED, what was found and what to do; exit code 1.
// Thread: main's; network starts threads of its own and joins them.
#pragma once

#include "common/crypto/cpu_features.h"
#include "miner/crew.h"
#include "miner/options.h"
#include "miner/work_source.h"

#include <cstdio>
#include <functional>
#include <memory>
#include <string_view>

namespace miner {

// The pools of the options, as mining would ask them.
using MakePoolSource = std::function<std::unique_ptr<WorkSource>(uv::Loop&, WorkSourceHost&)>;

// 0 only if everything passes that the processor supports and that was asked for.
int run_selftest(const Options& options, const crypto::CpuFeatures& cpu,
                 const MakePoolSource& make_source, std::FILE* out);

// Its parts. True: well; each prints its lines.
bool test_work_division(std::FILE* out);
bool test_nonce_orders(std::FILE* out);
bool test_coherence_replay(std::FILE* out);
bool test_rpc(const rpc::RpcEndpoint& node, std::FILE* out);
bool test_network(const MakePoolSource& make_source, const MinerKernels& kernels,
                  std::chrono::seconds patience, std::FILE* out);

// "work       division     ok: 12 spaces"
void print_check(std::FILE* out, std::string_view part, std::string_view name, bool well,
                 std::string_view detail);

}  // namespace miner
