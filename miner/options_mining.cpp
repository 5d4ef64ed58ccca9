// What the texts of mining's options mean.
#include "common/bloom/bloom.h"
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

constexpr std::string_view nonce_order_names[] = {
    "sequential", "golden",  "lucas",   "families",         "lanes",
    "strides",    "palette", "sandbox", "knuth-sorrellian",
};

Mistake read_nonce_order(const std::string& text, Options& options) {
  if (text.empty()) return std::nullopt;
  options.nonce_order = text;
  if (std::find(std::begin(nonce_order_names), std::end(nonce_order_names), text) !=
      std::end(nonce_order_names)) {
    return std::nullopt;
  }
  return expected("--nonce-order", text,
                  fmt::format("one of {}", fmt::join(nonce_order_names, ", ")));
}

void read_flags(const Texts& texts, Options& options) {
  options.quiet = texts.quiet;
  options.protocol_dump = texts.protocol_dump;
  options.version_rolling = !texts.no_version_rolling;
  options.redirect = !texts.no_redirect;
  options.witness_path = texts.witness;
}

}  // namespace

Mistake read_mining_options(const Texts& texts, Options& options) {
  read_flags(texts, options);
  Mistake mistake = first_of({
      read_number("--threads", texts.threads, 0, threads_max, " (0: one per core)",
                  options.threads),
      read_algorithm(texts.algorithm, options),
      read_kernel(texts.kernel, options),
      read_split(texts.coherence_threads, options),
      check_coherence_only(options),
      read_nonce_order(texts.nonce_order, options),
      read_positive("--suggest-difficulty", texts.suggest_difficulty, suggested_difficulty_max,
                    options.suggest_difficulty),
      read_number("--timeout", texts.timeout, 5, 3600, " (seconds)", options.timeout_seconds),
      read_number("--retry-pause", texts.retry_pause, 1, 3600, " (seconds)",
                  options.retry_pause_seconds),
      read_number("--retries", texts.retries, -1, 1'000'000, " (-1: without end)", options.retries),
      read_number("--max-shares-per-second", texts.shares, 0, 1'000'000, " (0: no cap)",
                  options.shares_per_second_max),
      read_number("--seconds", texts.seconds, 1, 3600, "", options.bench_seconds),
  });
  if (mistake || options.command != Command::mine) return mistake;
  return read_source(texts, options);
}

}  // namespace miner
