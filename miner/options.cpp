#include "miner/options.h"

#include "miner/options_config.h"
#include "miner/options_table.h"
#include "miner/options_values.h"
#include "miner/version.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace miner {
namespace {

// In the table's order.
std::vector<const CLI::Option*> describe_mining(CLI::App& app, Texts& texts) {
  std::vector<const CLI::Option*> options;
  for (const OptionRow& row : option_table()) {
    const auto add = [&](auto member) -> CLI::Option* {
      auto& into = texts.*member;
      const std::string names(row.names);
      const std::string help(row.help);
      if constexpr (std::is_same_v<decltype(member), bool Texts::*>) {
        return app.add_flag(names, into, help);
      } else {
        return app.add_option(names, into, help)
            ->type_name(std::string(row.value))
            ->allow_extra_args(false);
      }
    };
    CLI::Option* const option = std::visit(add, row.member);
    option->group(std::string(row.group));
    options.push_back(option);
  }
  app.set_version_flag("-V,--version", std::string(program_version));
  return options;
}

// An empty value, as of a shell variable that is not set, would count as not given: a proxy or an
// authority that is not there protects nobody. A password may be empty.
Mistake check_empty(const std::vector<const CLI::Option*>& options) {
  for (std::size_t i = 0; i < options.size(); ++i) {
    const OptionRow& row = option_table()[i];
    if (row.value.empty() || row.key() == "pass") continue;
    for (const std::string& text : options[i]->results()) {
      if (text.empty()) return fmt::format("--{}: expected a value, not an empty text", row.key());
    }
  }
  return std::nullopt;
}

CLI::App* describe_bench(CLI::App& app, Texts& texts) {
  CLI::App* bench = app.add_subcommand("bench", "Measure every kernel that this processor runs");
  bench->add_option("--seconds", texts.seconds, "Time for each kernel (default 3)");
  bench->add_option("-t,--threads", texts.threads, "Threads; 0 (default): one per core")
      ->type_name("N");
  bench->add_option("-a,--algo", texts.algorithm, "sha256d, coherence, or both (default)");
  bench->add_option("--kernel", texts.kernel, "Only this kernel");
  bench->add_option("--nonce-order", texts.nonce_order,
                    "Compare this order of nonces with the usual one, or all of them");
  bench->add_flag("--json", texts.json, "One JSON object, of one thread");
  return bench;
}

CLI::App* describe_attempt(CLI::App& app, Texts& texts, AttemptTexts& values) {
  CLI::App* attempt = app.add_subcommand(
      "coherence-attempt",
      "Replay one attempt of coherence work; exit code 0 when it blooms, 1 when it doesn't");
  attempt->add_option("--header76", values.header76, "The job's header, 152 hex digits");
  attempt->add_option("--extranonce", values.extranonce, "16 hex digits, a numeral");
  attempt->add_option("--attempt", values.attempt, "16 hex digits, a numeral");
  attempt->add_option("--level", values.level, "Coupling level, 0 to 5");
  attempt->add_flag("--json", texts.json, "The result as one JSON object");
  attempt->add_flag("--progress", texts.progress,
                    "JSON lines with round and r: every hundredth state, and the last");
  return attempt;
}

CLI::App* describe_selftest(CLI::App& app, Texts& texts) {
  CLI::App* selftest = app.add_subcommand("selftest",
                                          "Check kernels, the division of work, and coherence "
                                          "replay against known answers; with --solo "
                                          "URL the node's RPC too");
  selftest->add_flag("--network", texts.network,
                     "Check the pool as well (-o, -u): mine until it has accepted a share");
  selftest->fallthrough();  // -o, -u, --solo and the like are mining's
  return selftest;
}

// A mistake in a value that the file gave names the file.
std::string with_origin(const std::string& mistake, const std::string& file,
                        const std::set<std::string_view>& keys_of_file) {
  if (!mistake.starts_with("--")) return mistake;
  const std::string_view key = std::string_view(mistake).substr(2, mistake.find_first_of(" :") - 2);
  if (!keys_of_file.contains(key)) return mistake;
  return fmt::format("--config \"{}\": {}", file, mistake);
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
  AttemptTexts attempt_texts;
  CLI::App app("phaseminer: Phasepool's reference miner", "phaseminer");
  app.set_help_flag("-h,--help", "This text");
  const std::vector<const CLI::Option*> mining = describe_mining(app, texts);
  const CLI::App* bench = describe_bench(app, texts);
  const CLI::App* attempt = describe_attempt(app, texts, attempt_texts);
  const CLI::App* selftest = describe_selftest(app, texts);

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
  if (bench->parsed() || texts.benchmark) options.command = Command::bench;
  if (selftest->parsed()) options.command = Command::selftest;
  if (attempt->parsed()) options.command = Command::coherence_attempt;
  if (const Mistake mistake = check_empty(mining)) return mistake_exit(*mistake);
  std::set<std::string_view> keys_of_file;
  if (!texts.config.empty()) {
    auto file = read_config_file(texts.config);
    if (!file) return mistake_exit(file.error());
    keys_of_file = merge_config(std::move(*file), texts);
  }
  options.json = texts.json;
  options.progress = texts.progress;
  const Mistake mistake = options.command == Command::coherence_attempt
                              ? read_attempt_options(attempt_texts, options)
                              : read_mining_options(texts, options);
  if (mistake) return mistake_exit(with_origin(*mistake, texts.config, keys_of_file));
  return options;
}

ThreadSplit split_threads(const Options& options, std::uint32_t cores) {
  const std::uint32_t free_cores = std::max(1U, cores - std::min(cores, options.reserved_cores));
  std::uint32_t all = options.threads > 0 ? options.threads : free_cores;
  if (options.memory_bytes_max > 0) all = threads_within(options.memory_bytes_max, all);
  if (options.algorithm == Algorithm::sha256d) return {all, 0};
  if (options.algorithm == Algorithm::coherence) return {0, all};
  const std::uint32_t coherence =
      options.coherence_threads > 0 ? options.coherence_threads : std::max(1U, all / 2);
  return {std::max(1U, all - std::min(all, coherence)), coherence};
}

}  // namespace miner
