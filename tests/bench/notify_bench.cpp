// From a node's announcement to the miners: how long until the first and the last of them has work
// on the new tip. This program is the node and the miners; the pool is a real one, started beside
// it (tests/bench/notify_latency.py does that, and is what to run).
//
//   notify_bench --rpc PORT --zmq ENDPOINT --stratum PORT [--miners 1,1000,5000] [--rounds 30]
//                [--sources rawblock,hashblock,long_poll,poll,together]
//                [--transactions 4000] [--transaction-bytes 1000]
//
// Rows of the table: "new tip" is the first job on the tip, with or without transactions; "full
// work" the first one with them; "after template" the same, counted from when the node had given
// the template's last byte to the kernel. p50 and p99 are over rounds. The spread is from first to
// last miner; the "bare" rows are a loop of send() calls in this program, with the same bytes to as
// many sockets: what the kernel takes for that.
#include "tests/bench/bench_miners.h"
#include "tests/bench/bench_node.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

constexpr std::pair<std::string_view, bench::Source> source_names[] = {
    {"rawblock", bench::Source::rawblock},   {"hashblock", bench::Source::hashblock},
    {"long_poll", bench::Source::long_poll}, {"poll", bench::Source::poll},
    {"together", bench::Source::together},
};
constexpr auto round_limit = 10s;
// Longer than the node keeps back the other ways of hearing of a tip, and long enough for the pool
// not to take the node's long-polls for ones that answer at once without news.
constexpr auto pause_least = 900ms;
constexpr int pause_more_ms = 200;

struct Options {
  bench::BenchNode::Options node;
  std::uint16_t stratum_port = 0;
  std::vector<std::size_t> miners{1, 1000, 5000};
  std::vector<bench::Source> sources;
  std::size_t rounds = 30;
};

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    out.emplace_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return out;
}

bench::Source source_of(std::string_view wanted) {
  for (const auto& [name, source] : source_names) {
    if (name == wanted) return source;
  }
  fmt::print(stderr, "no source \"{}\"\n", wanted);
  std::exit(2);
}

std::string_view name_of(bench::Source wanted) {
  for (const auto& [name, source] : source_names) {
    if (source == wanted) return name;
  }
  return "";
}

Options read_options(int argc, char** argv) {
  Options options;
  for (const auto& [name, source] : source_names) options.sources.push_back(source);
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view key = argv[i];
    const std::string value = argv[i + 1];
    const auto number = std::strtoull(value.c_str(), nullptr, 10);
    if (key == "--rpc") options.node.rpc_port = static_cast<std::uint16_t>(number);
    if (key == "--zmq") options.node.zmq_endpoint = value;
    if (key == "--stratum") options.stratum_port = static_cast<std::uint16_t>(number);
    if (key == "--rounds") options.rounds = number;
    if (key == "--transactions") options.node.transactions = number;
    if (key == "--transaction-bytes") options.node.transaction_bytes = number;
    if (key == "--miners") {
      options.miners.clear();
      for (const auto& n : split(value)) options.miners.push_back(std::stoul(n));
    }
    if (key == "--sources") {
      options.sources.clear();
      for (const auto& name : split(value)) options.sources.push_back(source_of(name));
    }
  }
  return options;
}

// Of one kind of moment, a value a round, in milliseconds.
struct Series {
  std::vector<double> first;
  std::vector<double> last;
  std::vector<double> spread;

  void add(const std::vector<std::int64_t>& times_ns, std::int64_t since_ns) {
    const auto [least, most] = std::minmax_element(times_ns.begin(), times_ns.end());
    first.push_back(1e-6 * static_cast<double>(*least - since_ns));
    last.push_back(1e-6 * static_cast<double>(*most - since_ns));
    spread.push_back(last.back() - first.back());
  }
};

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto at = static_cast<std::size_t>(q * static_cast<double>(values.size() - 1) + 0.5);
  return values[at];
}

void print_row(std::string_view source, std::size_t miners, std::string_view what,
               const Series& series) {
  fmt::print("| {:<9} | {:>5} | {:<14} | {:>8.2f} | {:>8.2f} | {:>8.2f} | {:>8.2f} | {:>8.2f} |\n",
             source, miners, what, quantile(series.first, 0.5), quantile(series.first, 0.99),
             quantile(series.last, 0.5), quantile(series.last, 0.99), quantile(series.spread, 0.5));
  std::fflush(stdout);
}

void print_head() {
  fmt::print("| {:<9} | {:>5} | {:<14} | {:>8} | {:>8} | {:>8} | {:>8} | {:>8} |\n", "source",
             "conns", "ms until", "1st p50", "1st p99", "last p50", "last p99", "spread");
  fmt::print("|---|---:|---|---:|---:|---:|---:|---:|\n");
}

std::vector<std::int64_t> times(
    const bench::BenchMiners& miners,
    const std::function<std::int64_t(const bench::BenchMiners::Heard&)>& which) {
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < miners.size(); ++i) out.push_back(which(miners.heard(i)));
  return out;
}

// One source, one number of miners. Returns the bytes of a job, for the bare loop.
std::string measure(bench::BenchNode& node, bench::BenchMiners& miners, bench::Source source,
                    const Options& options) {
  using Heard = bench::BenchMiners::Heard;
  Series tip;
  Series full;
  Series after_template;
  std::size_t lost = 0;
  for (std::size_t round = 0; round < options.rounds; ++round) {
    const auto block = node.prepare();
    miners.expect(block.hash, options.node.transactions > 0);
    const std::int64_t at_ns = node.announce(block, source);
    if (!miners.wait(round_limit)) {
      ++lost;
      continue;
    }
    tip.add(times(miners, [](const Heard& heard) { return heard.first_ns; }), at_ns);
    const auto full_times = times(miners, [](const Heard& heard) { return heard.full_ns; });
    full.add(full_times, at_ns);
    miners.pause(pause_least + std::chrono::milliseconds{std::rand() % pause_more_ms});
    after_template.add(full_times, node.template_sent_ns());  // its thread has noted it by now
  }
  print_row(name_of(source), miners.size(), "new tip", tip);
  print_row(name_of(source), miners.size(), "full work", full);
  print_row(name_of(source), miners.size(), "after template", after_template);
  if (lost > 0) fmt::print("{} rounds of {} did not reach every miner\n", lost, options.rounds);
  return miners.line();
}

// The same bytes, by nothing but send(): its spread is what the pool's is held against.
void measure_bare(std::size_t count, const std::string& line, const bitcoin::BlockHash& tip,
                  std::size_t rounds) {
  bench::BenchMiners miners;
  std::vector<int> ends;
  for (std::size_t i = 0; i < count; ++i) {
    const auto [pool, miner] = bench::loopback_pair();
    ends.push_back(pool);
    miners.add(miner);
  }
  Series series;
  for (std::size_t round = 0; round < rounds; ++round) {
    miners.expect(tip, false);
    std::int64_t began_ns = 0;
    std::thread sender([&] {
      began_ns = bench::clock_ns();
      for (const int fd : ends) {
        if (send(fd, line.data(), line.size(), MSG_NOSIGNAL) < 0) std::abort();
      }
    });
    const bool all = miners.wait(round_limit);
    sender.join();
    if (!all) continue;
    series.add(times(miners, [](const auto& heard) { return heard.first_ns; }), began_ns);
    miners.pause(20ms);
  }
  for (const int fd : ends) close(fd);
  print_row("bare", count, fmt::format("{} bytes", line.size()), series);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  bench::BenchNode node(options.node);
  fmt::print("ready\n");  // to whoever starts the pool, and says when it is there
  std::fflush(stdout);
  if (std::getchar() == EOF) return 1;

  bench::BenchMiners miners;
  print_head();
  std::string line;
  for (const std::size_t count : options.miners) {
    miners.grow(options.stratum_port, count);
    for (const bench::Source source : options.sources)
      line = measure(node, miners, source, options);
    measure_bare(count, line, node.tip(), options.rounds);
  }
  fmt::print("\nThe template has {} transactions, {:.1f} MB as JSON; {} rounds a row.\n",
             options.node.transactions, 1e-6 * static_cast<double>(node.template_bytes()),
             options.rounds);
  std::fflush(stdout);
  std::_Exit(0);  // the node's threads wait for requests
}
