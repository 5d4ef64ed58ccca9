#include "miner/options.h"

#include "common/bloom/bloom.h"
#include "miner/options_values.h"
#include "miner/scan_kernel.h"
#include "miner/version.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace miner {
namespace {

constexpr std::size_t username_bytes_max = 256;

// What CLI11 collects; every value is text, so that all complaints read alike.
struct Texts {
  std::string url, user, pass, userpass, threads, kernel, retry_pause, retries, shares, seconds;
  std::string algorithm, coherence_threads;
  AttemptTexts attempt;
};

Mistake read_algorithm(const std::string& text, Options& options) {
  // A measurement without a word about it is of all there is.
  if (text.empty() && options.command == Command::bench) options.algorithm = Algorithm::both;
  if (text.empty()) return std::nullopt;
  constexpr std::pair<std::string_view, Algorithm> algorithms[] = {
      {"sha256d", Algorithm::sha256d},
      {"coherence", Algorithm::coherence},
      {"both", Algorithm::both}};
  for (const auto& [name, algorithm] : algorithms) {
    if (name == text) {
      options.algorithm = algorithm;
      return std::nullopt;
    }
  }
  return expected("--algo", text, "sha256d, coherence or both");
}

std::vector<std::string_view> kernel_names(Algorithm algorithm) {
  std::vector<std::string_view> names;
  if (algorithm != Algorithm::coherence) {
    for (const ScanKernel& kernel : scan_kernels()) names.push_back(kernel.name);
  }
  if (algorithm != Algorithm::sha256d) {
    for (const bloom::Kernel& kernel : bloom::kernels()) {
      // One name may stand for a kernel of each kind.
      if (std::find(names.begin(), names.end(), kernel.name) == names.end()) {
        names.push_back(kernel.name);
      }
    }
  }
  return names;
}

// REQUIRES: options.algorithm has been read.
Mistake read_kernel(const std::string& text, Options& options) {
  options.kernel = text;
  const std::vector<std::string_view> names = kernel_names(options.algorithm);
  if (text.empty() || std::find(names.begin(), names.end(), text) != names.end()) {
    return std::nullopt;
  }
  return expected("--kernel", text, fmt::format("one of {}", fmt::join(names, ", ")));
}

Mistake read_split(const std::string& text, Options& options) {
  if (text.empty()) return std::nullopt;
  if (options.algorithm != Algorithm::both) {
    return expected("--coherence-threads", text,
                    "to be given with --algo both only; --threads says how many otherwise");
  }
  if (Mistake mistake =
          read_number("--coherence-threads", text, 1, threads_max, "", options.coherence_threads)) {
    return mistake;
  }
  if (options.threads == 0 || options.coherence_threads < options.threads) return std::nullopt;
  return expected(
      "--coherence-threads", text,
      fmt::format("fewer than the {} of --threads: sha256d needs one as well", options.threads));
}

// What only says something about coherence work, where none is mined.
Mistake check_coherence_only(const Options& options) {
  if (options.algorithm != Algorithm::sha256d) return std::nullopt;
  constexpr std::string_view where = "to be given with --algo coherence or both";
  if (!options.witness_path.empty()) return expected("--witness", options.witness_path, where);
  if (options.progress) return fmt::format("--progress: expected {}", where);
  return std::nullopt;
}

Mistake read_login(const Texts& texts, Options& options) {
  options.username = texts.user;
  if (!texts.pass.empty()) options.password = texts.pass;
  if (!texts.userpass.empty()) {
    const std::size_t colon = texts.userpass.find(':');
    if (colon == std::string::npos) {
      return expected("--userpass", texts.userpass, "user:password");
    }
    options.username = texts.userpass.substr(0, colon);
    options.password = texts.userpass.substr(colon + 1);
  }
  if (options.username.empty()) {
    return "--user is missing: expected the payout address, and a worker's name after a dot "
           "(-u ADDRESS.WORKER)";
  }
  if (options.username.size() > username_bytes_max) {
    return expected("--user", options.username.substr(0, 40) + "…",
                    fmt::format("at most {} bytes", username_bytes_max));
  }
  return std::nullopt;
}

Mistake read_pool(const Texts& texts, Options& options) {
  if (texts.url.empty()) {
    return "--url is missing: expected the pool's address (-o stratum+tcp://HOST:PORT)";
  }
  auto address = parse_pool_url(texts.url);
  if (!address) return expected("--url", texts.url, address.error());
  options.host = std::move(address->host);
  options.port = address->port;
  return read_login(texts, options);
}

Mistake read_values(const Texts& texts, Options& options) {
  const auto first_of = [](std::initializer_list<Mistake> mistakes) -> Mistake {
    for (const Mistake& mistake : mistakes) {
      if (mistake) return mistake;
    }
    return std::nullopt;
  };
  if (options.command == Command::coherence_attempt) {
    return read_attempt_options(texts.attempt, options);
  }
  Mistake mistake = first_of({
      read_number("--threads", texts.threads, 0, threads_max, " (0: one per core)",
                  options.threads),
      read_algorithm(texts.algorithm, options),
      read_kernel(texts.kernel, options),
      read_split(texts.coherence_threads, options),
      check_coherence_only(options),
      read_number("--retry-pause", texts.retry_pause, 1, 3600, " (seconds)",
                  options.retry_pause_seconds),
      read_number("--retries", texts.retries, -1, 1'000'000, " (-1: without end)", options.retries),
      read_number("--max-shares-per-second", texts.shares, 0, 1'000'000, " (0: no cap)",
                  options.shares_per_second_max),
      read_number("--seconds", texts.seconds, 1, 3600, "", options.bench_seconds),
  });
  if (mistake || options.command != Command::mine) return mistake;
  return read_pool(texts, options);
}

void describe_options(CLI::App& app, Texts& texts, Options& options) {
  app.add_option("-o,--url", texts.url, "The pool: stratum+tcp://HOST:PORT or HOST:PORT");
  app.add_option("-u,--user", texts.user, "User name: payout address, dot, worker name");
  app.add_option("-p,--pass", texts.pass, "Password (default x)");
  app.add_option("-O,--userpass", texts.userpass, "USER:PASSWORD in one");
  app.add_option("-t,--threads", texts.threads, "Threads; 0 (default): one per core")
      ->type_name("N");
  app.add_option("-a,--algo", texts.algorithm,
                 "sha256d (default), coherence, or both at once on one connection");
  app.add_option("--coherence-threads", texts.coherence_threads,
                 "With --algo both: so many of the threads; default: half, at least one each")
      ->type_name("N");
  app.add_option("--kernel", texts.kernel,
                 fmt::format("Mine with this kernel: sha256d {}; coherence {}; default: the "
                             "fastest that works",
                             fmt::join(kernel_names(Algorithm::sha256d), ", "),
                             fmt::join(kernel_names(Algorithm::coherence), ", ")));
  app.add_option("-R,--retry-pause", texts.retry_pause,
                 "Longest pause between connection attempts in seconds (default 30)");
  app.add_option("-r,--retries", texts.retries,
                 "Attempts in a row that may fail before giving up; -1 (default): any number");
  app.add_option(
      "--max-shares-per-second", texts.shares,
      "Submit at most this many shares a second of each kind of work; 0 (default): no cap");
  app.add_flag("-q,--quiet", options.quiet, "Show problems and totals only");
  app.add_option("--witness", options.witness_path,
                 "Append to this file which proof chain block each coherence job builds on");
  app.add_flag("--json", options.json, "One JSON object per second on stdout");
  app.add_flag("--progress", options.progress,
               "JSON lines on stdout: round and r of the most coherent attempt under way");
  app.set_version_flag("-V,--version", std::string(program_version));
}

CLI::App* describe_bench(CLI::App& app, Texts& texts, Options& options) {
  CLI::App* bench = app.add_subcommand("bench", "Measure every kernel that this processor runs");
  bench->add_option("--seconds", texts.seconds, "Time for each measurement (default 3)");
  bench->add_option("-t,--threads", texts.threads, "Threads; 0 (default): one per core")
      ->type_name("N");
  bench->add_option("-a,--algo", texts.algorithm, "sha256d, coherence, or both (default)");
  bench->add_option("--kernel", texts.kernel, "Only this kernel");
  bench->add_flag("--json", options.json, "One JSON object per measurement");
  return bench;
}

CLI::App* describe_attempt(CLI::App& app, Texts& texts, Options& options) {
  CLI::App* attempt = app.add_subcommand(
      "coherence-attempt",
      "Replay one attempt of coherence work; exit code 0 when it blooms, 1 when it doesn't");
  attempt->add_option("--header76", texts.attempt.header76, "The job's header, 152 hex digits");
  attempt->add_option("--extranonce", texts.attempt.extranonce, "16 hex digits, a numeral");
  attempt->add_option("--attempt", texts.attempt.attempt, "16 hex digits, a numeral");
  attempt->add_option("--level", texts.attempt.level, "Coupling level, 0 to 5");
  attempt->add_flag("--json", options.json, "The result as one JSON object");
  attempt->add_flag("--progress", options.progress,
                    "JSON lines with round and r: every hundredth state, and the last");
  return attempt;
}

tl::unexpected<OptionsExit> mistake_exit(std::string_view mistake) {
  return base::err(OptionsExit{2, fmt::format("phaseminer: {}\n", mistake)});
}

std::string unknown_option(const CLI::App& app) {
  const std::vector<std::string> rest = app.remaining(true);
  return rest.empty() ? std::string() : rest.front();
}

}  // namespace

base::Result<Options, OptionsExit> parse_options(std::vector<std::string> arguments) {
  Options options;
  Texts texts;
  CLI::App app("phaseminer: Phasepool's reference miner", "phaseminer");
  app.set_help_flag("-h,--help", "This text");
  describe_options(app, texts, options);
  const CLI::App* bench = describe_bench(app, texts, options);
  const CLI::App* attempt = describe_attempt(app, texts, options);
  const CLI::App* selftest =
      app.add_subcommand("selftest", "Check every kernel against known blocks");

  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them last first
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    return base::err(OptionsExit{0, app.help()});
  } catch (const CLI::CallForVersion&) {
    return base::err(OptionsExit{0, fmt::format("phaseminer {}\n", program_version)});
  } catch (const CLI::ExtrasError&) {
    return mistake_exit(fmt::format(
        "unknown option \"{}\": expected one that phaseminer --help lists", unknown_option(app)));
  } catch (const CLI::ParseError& error) {
    return mistake_exit(fmt::format("{}; phaseminer --help lists the options", error.what()));
  }
  if (bench->parsed()) options.command = Command::bench;
  if (selftest->parsed()) options.command = Command::selftest;
  if (attempt->parsed()) options.command = Command::coherence_attempt;
  if (const Mistake mistake = read_values(texts, options)) {
    return mistake_exit(*mistake);
  }
  return options;
}

ThreadSplit split_threads(const Options& options, std::uint32_t cores) {
  const std::uint32_t all = options.threads > 0 ? options.threads : std::max(1U, cores);
  if (options.algorithm == Algorithm::sha256d) return {all, 0};
  if (options.algorithm == Algorithm::coherence) return {0, all};
  const std::uint32_t coherence =
      options.coherence_threads > 0 ? options.coherence_threads : std::max(1U, all / 2);
  return {std::max(1U, all - std::min(all, coherence)), coherence};
}

}  // namespace miner
