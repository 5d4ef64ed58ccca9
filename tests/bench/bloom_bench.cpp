// What a step of coherence work costs with each kernel, and a verified claim, beside the scalar
// reference in the same run. Not a test: run build/release/bin/bloom_bench. CPU time is what
// counts, and the best of several short rounds, so that other programs on the machine disturb less;
// compare ratios, not machines.
#include "common/bloom/bloom.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <string_view>
#include <vector>

namespace {

constexpr double oscillators = coherence::oscillators;
constexpr std::uint32_t level = 2;  // the default

// Keeps the optimiser from dropping a result nobody reads.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

double seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// Seconds of the quickest of `times`, since everything that disturbs makes a round longer.
template <class Work>
double best_of(int times, Work&& work) {
  double best = 1e300;
  for (int i = 0; i < times; ++i) {
    const double begin = seconds();
    work();
    best = std::min(best, seconds() - begin);
  }
  return best;
}

coherence::Job job() {
  coherence::Job job;
  job.params = coherence::params_of(level);
  return job;
}

coherence::Phases phases_of_attempt(std::uint64_t attempt) {
  return coherence::phases_of(coherence::seed_of(job(), attempt));
}

double bench_reference() {
  constexpr int steps = 20'000;
  coherence::Phases phases = phases_of_attempt(0);
  const coherence::Gate gate = coherence::gate(level);
  const double took = best_of(10, [&] {
    coherence::Waves waves = coherence::waves_of(phases);
    for (int i = 0; i < steps; ++i) {
      coherence::step(phases, waves, coherence::order_of(waves), gate);
      waves = coherence::waves_of(phases);
    }
    keep(waves);
  });
  return 1e9 * took / steps / oscillators;
}

// Everything that is done once per attempt, per bloom or per share.
void bench_once_per_attempt() {
  constexpr std::uint64_t count = 5'000;
  const double setup = best_of(10, [] {
    for (std::uint64_t attempt = 0; attempt < count; ++attempt) {
      keep(bloom::walk_from(phases_of_attempt(attempt), level, coherence::states_per_attempt - 1));
    }
  });
  const auto bloom = coherence::run(phases_of_attempt(0), level);
  const double claim = best_of(10, [&] {
    for (std::uint64_t attempt = 0; attempt < count; ++attempt) {
      keep(coherence::work_hash_of(job().header, coherence::claim_of(attempt, *bloom)));
    }
  });
  const double per_call = 1e6 / static_cast<double>(count);
  fmt::print("seed, phases and first order of an attempt  {:6.2f} us\n", setup * per_call);
  fmt::print("certificate, its hash and the work hash     {:6.2f} us\n", claim * per_call);
}

// --- a kernel ---

double bench_lanes(const bloom::Kernel& kernel) {
  constexpr std::uint32_t steps = 500;
  bloom::Lanes lanes(kernel);
  for (std::uint32_t lane = 0; lane < lanes.count(); ++lane) {
    // At level 5: none of these blooms.
    const std::uint32_t last_state = coherence::states_per_attempt - 1;
    lanes.put(lane, bloom::walk_from(phases_of_attempt(lane), 5, last_state));
  }
  const double took = best_of(30, [&] { lanes.run(steps); });
  return 1e9 * took / steps / lanes.count() / oscillators;
}

double bench_walks(const bloom::Kernel& kernel, bool two) {
  double best = 1e300;
  for (std::uint64_t attempt = 100; attempt < 140; attempt += 2) {
    bloom::Walk first = bloom::walk_from(phases_of_attempt(attempt), 5, 4'000);
    bloom::Walk second = bloom::walk_from(phases_of_attempt(attempt + 1), 5, 4'000);
    const double took =
        best_of(1, [&] { kernel.walk(bloom::tables(), &first, two ? &second : nullptr); });
    best = std::min(best, took / (first.state + second.state));
  }
  return 1e9 * best / oscillators;
}

struct Mined {
  double rounds_per_second = 0;
  double attempts_per_second = 0;
  std::vector<bloom::Replay> claims;
};

Mined bench_miner(const bloom::Kernel& kernel) {
  Mined mined;
  bloom::Miner miner(kernel);
  miner.set_job(job());
  const double begin = seconds();
  while (seconds() - begin < 2) {
    miner.run(1'000, [&](const bloom::Finished& finished) {
      if (!finished.bloom) return;
      mined.claims.push_back({job(), coherence::claim_of(finished.attempt, *finished.bloom)});
    });
  }
  const double took = seconds() - begin;
  mined.rounds_per_second = static_cast<double>(miner.counters().rounds) / took;
  mined.attempts_per_second = static_cast<double>(miner.counters().attempts) / took;
  return mined;
}

void bench_verifier(const bloom::Kernel& kernel, const std::vector<bloom::Replay>& claims) {
  bloom::Verifier verifier(kernel);
  std::size_t next = 0;
  for (const std::size_t size : {1U, 2U, 8U, 16U, 32U, 64U, 256U}) {
    std::uint64_t verified = 0;
    std::uint64_t rounds = 0;
    const double begin = seconds();
    while (seconds() - begin < 0.5) {
      std::vector<bloom::Replay> batch;
      for (std::size_t i = 0; i < size; ++i) batch.push_back(claims[next++ % claims.size()]);
      std::vector<bloom::Outcome> outcomes(size);
      verifier.verify(batch, outcomes);
      for (std::size_t i = 0; i < size; ++i) {
        if (!outcomes[i].flaw) ++verified;
        rounds += batch[i].claim.bloom_end;
      }
    }
    const double took = seconds() - begin;
    fmt::print("  verified in batches of {:>3}  {:8.0f} shares/s  {:6.3f} ns per oscillator-step\n",
               size, static_cast<double>(verified) / took,
               1e9 * took / static_cast<double>(rounds) / oscillators);
  }
}

void bench(const bloom::Kernel& kernel, double reference_ns) {
  const double lanes_ns = bench_lanes(kernel);
  fmt::print("{}, lanes: {}\n", kernel.name, kernel.lanes.count);
  fmt::print("  lanes      {:6.3f} ns per oscillator-step  {:6.2f} million rounds/s  {:6.2f} x\n",
             lanes_ns, 1e3 / lanes_ns / oscillators, reference_ns / lanes_ns);
  for (const bool two : {false, true}) {
    const double walk_ns = bench_walks(kernel, two);
    fmt::print("  {}  {:6.3f} ns per oscillator-step  {:6.2f} million rounds/s  {:6.2f} x\n",
               two ? "two walks" : "one walk ", walk_ns, 1e3 / walk_ns / oscillators,
               reference_ns / walk_ns);
  }
  const Mined mined = bench_miner(kernel);
  fmt::print("  mining     {:6.2f} million rounds/s, {:.0f} attempts/s, {} blooms\n",
             mined.rounds_per_second / 1e6, mined.attempts_per_second, mined.claims.size());
  bench_verifier(kernel, mined.claims);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view only = argc > 1 ? argv[1] : "";
  const double reference_ns = bench_reference();
  fmt::print("reference    {:6.3f} ns per oscillator-step  {:6.2f} million rounds/s\n",
             reference_ns, 1e3 / reference_ns / oscillators);
  bench_once_per_attempt();
  const crypto::CpuFeatures cpu = crypto::detect_cpu_features();
  for (const bloom::Kernel& kernel : bloom::kernels()) {
    if (!only.empty() && kernel.name != only) continue;
    if (kernel.supported(cpu)) bench(kernel, reference_ns);
  }
}
