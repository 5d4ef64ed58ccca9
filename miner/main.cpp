// phaseminer: reads the options, picks kernels that work, and runs the miner loop until a
// signal comes.
#include "common/bloom/bloom.h"
#include "common/crypto/cpu_features.h"
#include "common/crypto/kernel_choice.h"
#include "common/uv/clock.h"
#include "miner/api_server.h"
#include "miner/auto_detect.h"
#include "miner/bench.h"
#include "miner/bench_orders.h"
#include "miner/coherence_attempt.h"
#include "miner/console.h"
#include "miner/machine.h"
#include "miner/miner_loop.h"
#include "miner/nonce_order.h"
#include "miner/options.h"
#include "miner/pool_source.h"
#include "miner/pool_trust.h"
#include "miner/reporter.h"
#include "miner/selftest.h"
#include "miner/solo_source.h"
#include "miner/version.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

constexpr int exit_usage = 2;
constexpr int exit_out_of_memory = 4;

constexpr std::string_view no_such_kernel =
    "phaseminer: --kernel \"{}\": expected one that works on this processor (phaseminer selftest "
    "lists them)\n";

// --kernel names one of its own kind; the other kind takes its fastest.
template <class Kernel>
std::string wanted(const miner::Options& options, std::span<const Kernel> kernels) {
  const bool is_of_this_kind =
      std::any_of(kernels.begin(), kernels.end(),
                  [&](const Kernel& kernel) { return kernel.name == options.kernel; });
  return is_of_this_kind ? options.kernel : std::string();
}

template <class Kernel>
void warn_of(const Kernel& failed) {
  fmt::print(stderr, "phaseminer: warning: kernel {} computes wrong results here; skipped\n",
             failed.name);
}

template <class Kernel, class SelfTest>
const Kernel* choose_kernel(const miner::Options& options, std::span<const Kernel> kernels,
                            const crypto::CpuFeatures& cpu, const SelfTest& works) {
  const std::string forced = wanted(options, kernels);
  const auto checked = [&works](const Kernel& kernel) {
    const bool well = works(kernel);
    if (!well) warn_of(kernel);
    return well;
  };
  if (options.auto_detect && forced.empty()) {
    return miner::fastest_kernel<Kernel>(
        kernels, cpu, checked, [](const Kernel& kernel) { return miner::quick_rate(kernel); });
  }
  return crypto::first_working(kernels, cpu, forced, checked, [](const Kernel&) {});
}

// False: said why.
bool choose_kernels(const miner::Options& options, const crypto::CpuFeatures& cpu,
                    const miner::ThreadSplit& threads, miner::MinerKernels& kernels) {
  if (threads.sha256d > 0) {
    kernels.scan = choose_kernel(options, miner::scan_kernels(), cpu,
                                 [](const auto& kernel) { return miner::self_test(kernel); });
  }
  if (threads.coherence > 0) {
    kernels.bloom = choose_kernel(options, bloom::kernels(), cpu,
                                  [](const auto& kernel) { return bloom::self_test(kernel); });
  }
  const bool scan_well = threads.sha256d == 0 || kernels.scan != nullptr;
  const bool bloom_well = threads.coherence == 0 || kernels.bloom != nullptr;
  if (!scan_well || !bloom_well) fmt::print(stderr, no_such_kernel, options.kernel);
  return scan_well && bloom_well;
}

miner::SoloSourceSettings solo_from(const miner::Options& options) {
  miner::SoloSourceSettings settings;
  settings.solo = *options.solo;
  settings.version_rolling = options.version_rolling;
  settings.retry_most = std::chrono::seconds(options.retry_pause_seconds);
  settings.retries = options.retries;
  settings.seed = std::random_device{}();
  return settings;
}

// False: said why. PoolSource reads it again: the file may be another by then.
bool trust_is_usable(const miner::Options& options) {
  for (const miner::PoolSettings& pool : options.pools) {
    const auto trust = miner::trust_of(pool);
    if (trust) continue;
    fmt::print(stderr, "phaseminer: {}\n", trust.error());
    return false;
  }
  return true;
}

std::string where_from(const miner::Options& options) {
  if (options.solo) {
    return fmt::format("node {}:{}", options.solo->node.host, options.solo->node.port);
  }
  return fmt::format("pool {}:{}", options.pools.front().host, options.pools.front().port);
}

miner::PoolSourceSettings pools_from(const miner::Options& options,
                                     const miner::ThreadSplit& threads) {
  miner::PoolSourceSettings settings;
  settings.pools = options.pools;
  settings.client.user_agent = miner::user_agent;
  settings.client.shares_per_second_max = options.shares_per_second_max;
  settings.client.sha256d = threads.sha256d > 0;
  settings.client.coherence = threads.coherence > 0;
  settings.client.version_rolling = options.version_rolling;
  settings.client.redirect = options.redirect;
  settings.client.suggest_difficulty = options.suggest_difficulty;
  settings.client.silence_timeout = std::chrono::seconds(options.timeout_seconds);
  settings.client.ping_after = settings.client.silence_timeout / 2;
  if (options.protocol_dump) {
    settings.dump = [](std::string_view direction, std::string_view line) {
      // Not fmt::print, which throws where stderr is full or gone: mining goes on without it.
      const std::string text = fmt::format("{} {}\n", direction, line);
      std::fwrite(text.data(), 1, text.size(), stderr);
    };
  }
  settings.retry_most = std::chrono::seconds(options.retry_pause_seconds);
  settings.retries = options.retries;
  settings.seed = std::random_device{}();
  return settings;
}

std::string who_mines(const miner::ThreadSplit& threads, const miner::MinerKernels& kernels) {
  const auto kind = [](std::string_view name, std::string_view kernel, std::uint32_t count) {
    return fmt::format("{}: kernel {}, {} thread{}", name, kernel, count, count == 1 ? "" : "s");
  };
  std::string text;
  if (kernels.scan != nullptr) text = kind("sha256d", kernels.scan->name, threads.sha256d);
  if (kernels.bloom == nullptr) return text;
  if (!text.empty()) text += "; ";
  return text + kind("coherence", kernels.bloom->name, threads.coherence);
}

// False: said why.
bool listen_for_api(uv::Loop& loop, const miner::ApiSettings& where, const miner::MinerLoop& mining,
                    std::unique_ptr<miner::ApiServer>& api) {
  auto listening = miner::ApiServer::listen(loop, where, [&mining] {
    return miner::ApiFacts{mining.status(), uv::read_clock().unix_seconds()};
  });
  if (!listening) {
    fmt::print(stderr, "phaseminer: --api-bind: {}\n", listening.error());
    return false;
  }
  api = std::move(*listening);
  return true;
}

// Tells miners apart that write below one folder: the machine's name, and the process.
std::string miner_id() {
  std::array<char, 65> name{};
  (void)gethostname(name.data(), name.size() - 1);
  std::string id = name.data();
  std::replace_if(
      id.begin(), id.end(), [](unsigned char c) { return std::isalnum(c) == 0 || c >= 0x80; }, '-');
  return fmt::format("{}-{}", id.empty() ? "miner" : id, getpid());
}

std::unique_ptr<miner::Reporter> make_reporter(const miner::Options& options, uv::Loop& loop,
                                               miner::Console& console) {
  if (options.report_dir.empty()) return nullptr;
  const std::string& username =
      options.solo ? options.solo->address : options.pools.front().username;
  return std::make_unique<miner::Reporter>(
      loop, miner::ReporterSettings{options.report_dir, miner_id(), username},
      [&console](std::string_view why) {
        console.event({miner::ClientEventKind::problem, std::string(why)}, uv::read_clock());
      });
}

int mine(const miner::Options& options, const crypto::CpuFeatures& cpu) {
  const miner::ThreadSplit threads = miner::split_threads(options, miner::usable_cores());
  miner::MinerKernels kernels;
  if (!trust_is_usable(options) || !choose_kernels(options, cpu, threads, kernels)) {
    return exit_usage;
  }

  miner::Console console({options.quiet, options.json, options.progress, options.debug}, stdout,
                         stderr);
  if (!options.quiet) {
    console.notice(fmt::format("phaseminer {}: {}, {}", miner::program_version,
                               who_mines(threads, kernels), where_from(options)),
                   uv::read_clock());
  }
  uv::Loop loop;
  const auto make_source = [&](miner::WorkSourceHost& host) -> std::unique_ptr<miner::WorkSource> {
    if (options.solo) {
      return std::make_unique<miner::SoloSource>(loop, solo_from(options), host);
    }
    return std::make_unique<miner::PoolSource>(loop, pools_from(options, threads), host);
  };
  const std::uint32_t nonce_step = miner::find_nonce_order(options.nonce_order)->step;
  miner::MinerSettings settings{
      {threads.sha256d, threads.coherence, options.nice, options.cpu_affinity, nonce_step},
      options.witness_path,
      nullptr};
  std::unique_ptr<miner::Reporter> reporter = make_reporter(options, loop, console);
  settings.observer = reporter.get();
  std::optional<miner::MinerLoop> mining;
  mining.emplace(loop, settings, kernels, console, make_source);
  // They outlive the miner loop, so that a second Ctrl-C while its threads end does no harm.
  const uv::Signal interrupt(loop, SIGINT, [&mining] { mining->stop(); });
  const uv::Signal terminate(loop, SIGTERM, [&mining] { mining->stop(); });
  std::unique_ptr<miner::ApiServer> api;
  if (options.api && !listen_for_api(loop, *options.api, *mining, api)) return exit_usage;
  uv::Timer time_limit(loop, [&mining] { mining->stop(); });
  if (options.time_limit_seconds > 0) {
    time_limit.start(std::chrono::seconds(options.time_limit_seconds), {});
  }
  mining->start();
  loop.run();
  const int exit_code = mining->exit_code();
  const bool resolving = mining->is_resolving();
  mining.reset();
  reporter.reset();  // what is still to be written
  if (resolving) {
    // The resolver can't be cancelled, and the loop's end would wait for it: many seconds where no
    // name server answers.
    std::fflush(nullptr);
    std::_Exit(exit_code);
  }
  return exit_code;
}

int selftest(const miner::Options& options, const crypto::CpuFeatures& cpu) {
  const auto make_source = [&options](uv::Loop& loop, miner::WorkSourceHost& host) {
    return std::make_unique<miner::PoolSource>(loop, pools_from(options, {1, 0}), host);
  };
  return miner::run_selftest(options, cpu, make_source, stdout);
}

// Of a command that is all output: where that is lost, the answer must not pass for one.
int check_output(const std::function<int()>& command) {
  constexpr int output_lost = 3;
  try {
    const int exit_code = command();
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code;
  } catch (const std::system_error&) {  // as fmt tells it
  }
  std::fputs("phaseminer: the output can't be written\n", stderr);
  return output_lost;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = miner::parse_options(std::vector<std::string>(argv + 1, argv + argc));
  if (!options) {
    fmt::print(options.error().code == 0 ? stdout : stderr, "{}", options.error().text);
    return options.error().code;
  }
  if (options->memory_bytes_max > 0) {
    if (auto why = miner::limit_memory(options->memory_bytes_max, exit_out_of_memory)) {
      fmt::print(stderr, "phaseminer: --max-memory-gb: {}\n", *why);
      return exit_usage;
    }
  }
  const crypto::CpuFeatures cpu = crypto::detect_cpu_features();
  switch (options->command) {
    case miner::Command::mine:
      return mine(*options, cpu);
    case miner::Command::bench:
      return check_output([&] {
        return options->nonce_order.empty() ? miner::run_bench(*options, cpu, stdout)
                                            : miner::run_bench_orders(*options, cpu, stdout);
      });
    case miner::Command::selftest:
      return check_output([&] { return selftest(*options, cpu); });
    case miner::Command::coherence_attempt:
      return check_output([&] { return miner::run_coherence_attempt(*options, stdout); });
  }
  return 0;
}
