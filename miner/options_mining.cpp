// What the texts of mining's options mean.
#include "common/base/host_port.h"
#include "common/bitcoin/target.h"
#include "common/bloom/bloom.h"
#include "miner/nonce_order.h"
#include "miner/options_table.h"
#include "miner/options_values.h"
#include "miner/scan_kernel.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace miner {
namespace {

constexpr double suggested_difficulty_max = 1e15;

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

// To be measured, an order must be named; "all" is each of them.
Mistake read_nonce_order(const std::string& text, Options& options) {
  const bool bench = options.command == Command::bench;
  if (bench) options.nonce_order.clear();
  if (text.empty()) return std::nullopt;
  options.nonce_order = text;
  if (find_nonce_order(text) != nullptr || (bench && text == "all")) return std::nullopt;
  std::vector<std::string_view> names;
  for (const NonceOrder& order : nonce_orders()) names.push_back(order.name);
  return expected(
      "--nonce-order", text,
      fmt::format("one of {}, knuth-sorrellian{}", fmt::join(names, ", "), bench ? ", all" : ""));
}

Mistake read_affinity(const std::string& text, Options& options) {
  if (text.empty()) return std::nullopt;
  auto cores = parse_cores(text);
  if (!cores) {
    return expected("--cpu-affinity", text,
                    fmt::format("cores from 0 to {} as 0,2-3, or a mask as 0xd", core_number_max));
  }
  options.cpu_affinity = std::move(*cores);
  return std::nullopt;
}

Mistake read_memory(const std::string& text, Options& options) {
  constexpr double bytes_per_gb = 1e9;
  constexpr double gb_max = 1e6;
  double gb = 0;
  if (Mistake mistake = read_positive("--max-memory-gb", text, 0, gb_max, gb)) return mistake;
  options.memory_bytes_max = static_cast<std::uint64_t>(gb * bytes_per_gb);
  constexpr std::uint64_t least = memory_base_bytes + memory_bytes_per_thread;
  if (text.empty() || options.memory_bytes_max >= least) return std::nullopt;
  return expected("--max-memory-gb", text,
                  fmt::format("at least {:.2f}, which one thread takes",
                              static_cast<double>(least) / bytes_per_gb));
}

// HOST:PORT, PORT, or HOST.
Mistake read_api(const std::string& text, Options& options) {
  if (text.empty()) return std::nullopt;
  ApiSettings api;
  const bool is_port = text.find_first_not_of("0123456789") == std::string::npos;
  const auto address = base::parse_host_port(is_port ? api.host + ":" + text : text);
  if (!address || address->port == 0) {
    return expected("--api-bind", text, "PORT or HOST:PORT, with a port from 1 to 65535");
  }
  api.host = address->host;
  api.port = address->port;
  options.api = std::move(api);
  return std::nullopt;
}

Mistake read_machine(const Texts& texts, Options& options) {
  return first_of({
      read_number("--threads", texts.threads, 0, threads_max, " (0: one per core)",
                  options.threads),
      read_number("--reserved-cores", texts.reserved_cores, 0, threads_max, "",
                  options.reserved_cores),
      read_affinity(texts.cpu_affinity, options),
      read_number("--nice", texts.nice, -20, 19, "", options.nice),
      read_memory(texts.max_memory, options),
      read_number("--time-limit", texts.time_limit, 0, 1'000'000'000, " (seconds; 0: none)",
                  options.time_limit_seconds),
      read_api(texts.api_bind, options),
  });
}

void read_flags(const Texts& texts, Options& options) {
  options.quiet = texts.quiet;
  options.protocol_dump = texts.protocol_dump;
  options.version_rolling = !texts.no_version_rolling;
  options.redirect = !texts.no_redirect;
  options.witness_path = texts.witness;
  options.auto_detect = texts.auto_detect;
  options.debug = texts.debug;
  options.report_dir = texts.report_dir;
}

}  // namespace

Mistake read_mining_options(const Texts& texts, Options& options) {
  read_flags(texts, options);
  Mistake mistake = first_of({
      read_machine(texts, options),
      read_algorithm(texts.algorithm, options),
      read_kernel(texts.kernel, options),
      read_split(texts.coherence_threads, options),
      check_coherence_only(options),
      read_nonce_order(texts.nonce_order, options),
      read_positive("--suggest-difficulty", texts.suggest_difficulty, bitcoin::Difficulty::least,
                    suggested_difficulty_max, options.suggest_difficulty),
      read_number("--timeout", texts.timeout, 5, 3600, " (seconds)", options.timeout_seconds),
      read_number("--retry-pause", texts.retry_pause, 1, 3600, " (seconds)",
                  options.retry_pause_seconds),
      read_number("--retries", texts.retries, -1, 1'000'000, " (-1: without end)", options.retries),
      read_number("--max-shares-per-second", texts.shares, 0, 1'000'000, " (0: no cap)",
                  options.shares_per_second_max),
      read_number("--seconds", texts.seconds, 1, 3600, "", options.bench_seconds),
  });
  options.network = texts.network;
  if (mistake || options.command == Command::bench) return mistake;
  return read_source(texts, options);
}

}  // namespace miner
