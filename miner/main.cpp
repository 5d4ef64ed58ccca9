// phaseminer: reads the options, picks a kernel that works, and runs the network loop until a
// signal comes.
#include "common/crypto/cpu_features.h"
#include "common/uv/clock.h"
#include "miner/bench.h"
#include "miner/console.h"
#include "miner/network_loop.h"
#include "miner/options.h"
#include "miner/version.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int exit_usage = 2;

const miner::ScanKernel* choose_kernel(const miner::Options& options,
                                       const crypto::CpuFeatures& cpu) {
  const miner::ScanKernel* kernel = miner::pick_working_kernel(
      miner::scan_kernels(), cpu, options.kernel, [](const miner::ScanKernel& failed) {
        fmt::print(stderr, "phaseminer: warning: kernel {} computes wrong hashes here; skipped\n",
                   failed.name);
      });
  if (kernel == nullptr) {
    fmt::print(stderr,
               "phaseminer: --kernel \"{}\": expected one that works on this processor "
               "(phaseminer selftest lists them)\n",
               options.kernel);
  }
  return kernel;
}

miner::NetworkSettings settings_from(const miner::Options& options, std::uint32_t threads) {
  miner::NetworkSettings settings;
  settings.host = options.host;
  settings.port = options.port;
  settings.client.username = options.username;
  settings.client.password = options.password;
  settings.client.user_agent = miner::user_agent;
  settings.client.shares_per_second_max = options.shares_per_second_max;
  settings.threads = threads;
  settings.retry_most = std::chrono::seconds(options.retry_pause_seconds);
  settings.retries = options.retries;
  settings.seed = std::random_device{}();
  return settings;
}

int mine(const miner::Options& options, const crypto::CpuFeatures& cpu) {
  const miner::ScanKernel* kernel = choose_kernel(options, cpu);
  if (kernel == nullptr) return exit_usage;
  const std::uint32_t threads =
      options.threads > 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency());

  miner::Console console({options.quiet, options.json}, stdout, stderr);
  if (!options.quiet) {
    console.notice(
        fmt::format("phaseminer {}: kernel {}, {} thread{}, pool {}:{}", miner::program_version,
                    kernel->name, threads, threads == 1 ? "" : "s", options.host, options.port),
        uv::read_clock());
  }
  uv::Loop loop;
  std::optional<miner::NetworkLoop> network;
  network.emplace(loop, settings_from(options, threads), *kernel, console);
  // They outlive the network loop, so that a second Ctrl-C while its threads end does no harm.
  const uv::Signal interrupt(loop, SIGINT, [&network] { network->stop(); });
  const uv::Signal terminate(loop, SIGTERM, [&network] { network->stop(); });
  network->start();
  loop.run();
  const int exit_code = network->exit_code();
  const bool connecting = network->is_connecting();
  network.reset();
  if (connecting) {
    // The resolver can't be cancelled, and the loop's end would wait for it: many seconds where no
    // name server answers.
    std::fflush(nullptr);
    std::_Exit(exit_code);
  }
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = miner::parse_options(std::vector<std::string>(argv + 1, argv + argc));
  if (!options) {
    fmt::print(options.error().code == 0 ? stdout : stderr, "{}", options.error().text);
    return options.error().code;
  }
  const crypto::CpuFeatures cpu = crypto::detect_cpu_features();
  switch (options->command) {
    case miner::Command::mine:
      return mine(*options, cpu);
    case miner::Command::bench:
      return miner::run_bench(*options, cpu, stdout);
    case miner::Command::selftest:
      return miner::run_selftest(cpu, stdout);
  }
  return 0;
}
