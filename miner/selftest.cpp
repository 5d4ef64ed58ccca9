#include "miner/selftest.h"

#include "common/base/bytes.h"
#include "common/bloom/bloom.h"
#include "common/coherence/certificate.h"
#include "miner/coherence_attempt.h"
#include "miner/nonce_order.h"
#include "miner/scan_kernel.h"
#include "miner/work.h"

#include <fmt/format.h>

#include <set>
#include <span>
#include <string>
#include <vector>

namespace miner {
namespace {

// A share takes seconds where the pool's difficulty suits a processor.
constexpr std::chrono::seconds network_patience{120};

template <class Kernel>
bool test_kernels(std::string_view part, std::span<const Kernel> kernels,
                  const crypto::CpuFeatures& cpu, std::FILE* out) {
  bool all_well = true;
  for (const Kernel& kernel : kernels) {
    if (!kernel.supported(cpu)) {
      fmt::print(out, "{:<10} {:<12} skipped: not supported by this processor\n", part,
                 kernel.name);
      continue;
    }
    const bool well = self_test(kernel);
    all_well = all_well && well;
    print_check(out, part, kernel.name, well, well ? "" : "computes wrong results");
  }
  return all_well;
}

// What all workers together would try, each unit once.
bool divides_well(const WorkSpace& space, std::uint32_t workers) {
  std::set<WorkUnit> seen;
  std::size_t taken = 0;
  for (std::uint32_t worker = 0; worker < workers; ++worker) {
    UnitCursor cursor;
    cursor.start(WorkShare(worker, workers, space), 1);
    while (const auto unit = cursor.next()) {
      seen.insert(*unit);
      ++taken;
    }
  }
  const std::size_t values = std::size_t{1} << (8 * space.extranonce2_size);
  return taken == seen.size() && seen.size() == values * space.version_groups * space.ntime_values;
}

// In the low 16 bits, where an order is one exactly if it is one in all 32.
bool is_permutation(std::uint32_t step) {
  std::vector<bool> seen(std::size_t{1} << 16, false);
  std::uint32_t nonce = 12345;
  for (std::size_t i = 0; i < seen.size(); ++i, nonce += step) {
    if (seen[nonce & 0xffff]) return false;
    seen[nonce & 0xffff] = true;
  }
  return true;
}

const ScanKernel* network_kernel(const Options& options, const crypto::CpuFeatures& cpu) {
  return pick_working_kernel(scan_kernels(), cpu, options.kernel, [](const ScanKernel&) {});
}

}  // namespace

void print_check(std::FILE* out, std::string_view part, std::string_view name, bool well,
                 std::string_view detail) {
  fmt::print(out, "{:<10} {:<12} {}{}{}\n", part, name, well ? "ok" : "FAILED",
             detail.empty() ? "" : ": ", detail);
  std::fflush(out);
}

bool test_work_division(std::FILE* out) {
  constexpr WorkSpace spaces[] = {{0, 1, 1}, {0, 1, 601}, {0, 8, 5}, {1, 1, 1}, {1, 3, 2}};
  constexpr std::uint32_t workers[] = {1, 2, 3, 7, 64};
  std::string wrong;
  for (const WorkSpace& space : spaces) {
    for (const std::uint32_t count : workers) {
      if (divides_well(space, count)) continue;
      wrong = fmt::format("{} bytes of extranonce2, {} version groups, {} times and {} workers",
                          space.extranonce2_size, space.version_groups, space.ntime_values, count);
    }
  }
  const std::string well = fmt::format("{} spaces, each among {} numbers of workers",
                                       std::size(spaces), std::size(workers));
  print_check(out, "work", "division", wrong.empty(), wrong.empty() ? well : wrong);
  return wrong.empty();
}

bool test_nonce_orders(std::FILE* out) {
  std::string wrong;
  for (const NonceOrder& order : nonce_orders()) {
    if (!is_permutation(order.step)) wrong = fmt::format("{} leaves nonces out", order.name);
  }
  print_check(out, "work", "nonce orders", wrong.empty(),
              wrong.empty() ? fmt::format("{} permutations", nonce_orders().size()) : wrong);
  return wrong.empty();
}

// KAT1 of docs/coherence.md, "Known answers": nothing but zeros, at level 2.
bool test_coherence_replay(std::FILE* out) {
  constexpr std::string_view known =
      "c49efeb9cbaa2fce2261ca652993049a7e0571c651b4f2190cde7617129d840b";
  coherence::Job job;
  job.params = coherence::params_of(2);
  const AttemptOutcome outcome = replay_attempt(job, 0, {});
  std::string found = "no bloom";
  if (outcome.bloom) {
    const coherence::Claim claim = coherence::claim_of(0, *outcome.bloom);
    found = base::to_hex(coherence::work_hash_of(job.header, claim));
  }
  const bool well = found == known;
  print_check(
      out, "coherence", "replay", well,
      well ? fmt::format("bloom at states {} to {}", outcome.bloom->start, outcome.bloom->end)
           : fmt::format("work hash {}, expected {}", found, known));
  return well;
}

int run_selftest(const Options& options, const crypto::CpuFeatures& cpu,
                 const MakePoolSource& make_source, std::FILE* out) {
  bool well = test_kernels("sha256d", scan_kernels(), cpu, out);
  well = test_kernels("coherence", bloom::kernels(), cpu, out) && well;
  well = test_work_division(out) && well;
  well = test_nonce_orders(out) && well;
  well = test_coherence_replay(out) && well;
  if (options.solo) well = test_rpc(options.solo->node, out) && well;
  if (!options.network) return well ? 0 : 1;
  const ScanKernel* const kernel = network_kernel(options, cpu);
  if (kernel == nullptr) {
    print_check(out, "network", "kernel", false, "none works; see above");
    return 1;
  }
  return test_network(make_source, {kernel, nullptr}, network_patience, out) && well ? 0 : 1;
}

}  // namespace miner
