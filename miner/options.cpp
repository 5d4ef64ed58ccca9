#include "miner/options.h"

#include "miner/scan_kernel.h"
#include "miner/version.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace miner {
namespace {

constexpr std::uint16_t default_port = 3333;
constexpr std::size_t username_bytes_max = 256;

// A mistake on the command line, on its way to parse_options.
using Mistake = std::optional<std::string>;

// What CLI11 collects; every value is text, so that all complaints read alike.
struct Texts {
  std::string url, user, pass, userpass, threads, kernel, retry_pause, retries, shares, seconds;
};

Mistake expected(std::string_view option, std::string_view value, std::string_view what) {
  return fmt::format("{} \"{}\": expected {}", option, value, what);
}

template <class T>
Mistake read_number(std::string_view option, const std::string& text, std::int64_t least,
                    std::int64_t most, std::string_view meaning, T& out) {
  if (text.empty()) return std::nullopt;  // not given: the default stays
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    return expected(option, text,
                    fmt::format("a whole number from {} to {}{}", least, most, meaning));
  }
  out = static_cast<T>(value);
  return std::nullopt;
}

std::string kernel_names() {
  std::string names;
  for (const ScanKernel& kernel : scan_kernels()) {
    if (!names.empty()) names += ", ";
    names += kernel.name;
  }
  return names;
}

Mistake read_kernel(const std::string& text, Options& options) {
  options.kernel = text;
  const auto kernels = scan_kernels();
  const bool known =
      text.empty() || std::any_of(kernels.begin(), kernels.end(),
                                  [&](const ScanKernel& kernel) { return kernel.name == text; });
  if (known) return std::nullopt;
  return expected("--kernel", text, fmt::format("one of {}", kernel_names()));
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
  Mistake mistake = first_of({
      read_number("--threads", texts.threads, 0, threads_max, " (0: one per core)",
                  options.threads),
      read_kernel(texts.kernel, options),
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
  app.add_option("--kernel", texts.kernel,
                 "Hash with this kernel (" + kernel_names() + "); default: the fastest that works");
  app.add_option("-R,--retry-pause", texts.retry_pause,
                 "Longest pause between connection attempts in seconds (default 30)");
  app.add_option("-r,--retries", texts.retries,
                 "Attempts in a row that may fail before giving up; -1 (default): any number");
  app.add_option("--max-shares-per-second", texts.shares,
                 "Submit at most this many shares a second; 0 (default): no cap");
  app.add_flag("-q,--quiet", options.quiet, "Show problems and totals only");
  app.add_flag("--json", options.json, "One JSON object per second on stdout");
  app.set_version_flag("-V,--version", std::string(program_version));
}

CLI::App* describe_bench(CLI::App& app, Texts& texts, Options& options) {
  CLI::App* bench = app.add_subcommand("bench", "Measure every kernel that this processor runs");
  bench->add_option("--seconds", texts.seconds, "Time for each measurement (default 3)");
  bench->add_option("-t,--threads", texts.threads, "Threads; 0 (default): one per core")
      ->type_name("N");
  bench->add_option("--kernel", texts.kernel, "Only this kernel");
  bench->add_flag("--json", options.json, "One JSON object per measurement");
  return bench;
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
  if (const Mistake mistake = read_values(texts, options)) {
    return mistake_exit(*mistake);
  }
  return options;
}

base::Result<PoolAddress, std::string> parse_pool_url(std::string_view url) {
  const std::string form = "stratum+tcp://HOST:PORT or HOST:PORT";
  const std::size_t scheme_end = url.find("://");
  if (scheme_end != std::string_view::npos) {
    const std::string_view scheme = url.substr(0, scheme_end);
    if (scheme != "stratum+tcp" && scheme != "tcp" && scheme != "stratum") {
      return base::err(form + fmt::format("; {}:// is not supported", scheme));
    }
    url.remove_prefix(scheme_end + 3);
  }
  while (url.ends_with('/')) url.remove_suffix(1);
  std::size_t port_colon = url.rfind(':');
  std::string_view host = url.substr(0, port_colon);
  if (url.starts_with('[')) {
    const std::size_t close = url.find(']');
    if (close == std::string_view::npos) return base::err(form);
    host = url.substr(1, close - 1);
    if (close + 1 < url.size() && url[close + 1] != ':') return base::err(form);
    port_colon = close + 1 < url.size() ? close + 1 : std::string_view::npos;
  } else if (port_colon != std::string_view::npos && host.find(':') != std::string_view::npos) {
    return base::err(form + ", an IPv6 address in brackets");
  }
  if (host.empty() || host.find_first_of("/@ \t") != std::string_view::npos) return base::err(form);
  PoolAddress address{std::string(host), default_port};
  if (port_colon == std::string_view::npos) return address;
  const std::string port(url.substr(port_colon + 1));
  if (port.empty() || read_number("port", port, 1, 65535, "", address.port)) {
    return base::err(form + " with a port from 1 to 65535");
  }
  return address;
}

}  // namespace miner
