// A block template as large as mainnet's, from its node to miners: how long until every shard has
// told its miners, and where the time goes.
//
//   template_bench [RUNS [TRANSACTIONS [TRANSACTION_BYTES [MINERS [SHARDS]]]]]
//                                                          default: 100 4000 1000 40 2
//
// The node (tests/bench/bench_node.h), the pool's node loop and shards, and the miners are threads
// of this process, and speak over loopback. The node answers the pool's long-poll with a template
// for a new tip; "from the first byte" counts from when it was told of the tip and began to write,
// "from the last byte" from when its last send() returned, which is before the pool has read what
// the kernel still holds. Both end when the kernel has the new job for the last miner. Below, each
// step of the pool's by itself, on the same bytes, in CPU time of its thread.
//
// Units: milliseconds.
#include "common/bitcoin/merkle.h"
#include "common/mining/job_builder.h"
#include "common/net/http.h"
#include "common/rpc/rpc_answer.h"
#include "common/rpc/rpc_client.h"
#include "common/rpc/rpc_result.h"
#include "common/uv/loop.h"
#include "pool/net/shard_loop.h"
#include "pool/node/node_loop.h"
#include "tests/bench/bench_miners.h"
#include "tests/bench/bench_node.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

constexpr auto run_limit = 10s;
// Longer than the pool takes a long-poll's answer for one that came at once, without news.
constexpr auto pause_between = 1050ms;
constexpr std::size_t read_bytes = 64 * 1024;  // as the pool reads from a socket

struct Options {
  std::size_t runs = 100;
  std::size_t transactions = 4000;
  std::size_t transaction_bytes = 1000;
  std::size_t miners = 40;
  std::size_t shards = 2;
};

Options read_options(int argc, char** argv) {
  Options options;
  std::size_t* const fields[] = {&options.runs, &options.transactions, &options.transaction_bytes,
                                 &options.miners, &options.shards};
  for (int i = 1; i < argc && i <= 5; ++i) *fields[i - 1] = std::strtoull(argv[i], nullptr, 10);
  return options;
}

std::uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&at), size) != 0) std::exit(1);
  getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
  close(fd);
  return ntohs(at.sin_port);
}

// Milliseconds, of which the median and the slowest of a hundred are shown.
class Series {
 public:
  void add_ns(std::int64_t ns) { values_.push_back(1e-6 * static_cast<double>(ns)); }
  void print(std::string_view what) {
    std::sort(values_.begin(), values_.end());
    const auto quantile = [&](double q) {
      if (values_.empty()) return 0.0;
      return values_[static_cast<std::size_t>(
          std::lround(q * static_cast<double>(values_.size() - 1)))];
    };
    fmt::print("| {:<46} | {:>7.2f} | {:>7.2f} |\n", what, quantile(0.5), quantile(0.99));
  }

 private:
  std::vector<double> values_;
};

std::int64_t thread_cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

std::int64_t nanoseconds_of(const std::function<void()>& work) {
  const std::int64_t began = thread_cpu_ns();
  work();
  return thread_cpu_ns() - began;
}

// The pool's part that templates pass through: its node loop, and shards with their listeners.
class Pool {
 public:
  Pool(std::uint16_t rpc_port, std::size_t shards)
      : folder_(
            (std::filesystem::temp_directory_path() / fmt::format("template_bench.{}", getpid()))
                .string()) {
    std::filesystem::create_directories(folder_);
    for (std::size_t i = 0; i < shards; ++i) add_shard();
    pool::NodeLoop::Options options;
    options.network = bitcoin::Network::regtest;
    options.job_source.payout_script = base::Bytes(22, 7);
    options.job_source.coinbase_tag = "/phasepool/";
    options.data_dir = folder_;
    pool::NodeConfig node;
    node.rpc = fmt::format("http://127.0.0.1:{}", rpc_port);
    node.user = node.password = "bench";
    options.nodes = {node};
    pool::NodeLoop::Hooks hooks;
    hooks.publish = [this](pool::NewJob job) { publish(std::move(job)); };
    hooks.block_vaulted = [](pool::ShardIndex, pool::BlockVaulted) {};
    hooks.no_work = [](pool::NoWork) {};
    hooks.journal = [this](const pool::JournalAppend& append) {
      node_->mailbox().post_reserved(pool::Durable{append.id});
      return true;
    };
    hooks.status = [](const pool::NodeStatus&) {};
    node_ = std::make_unique<pool::NodeLoop>(std::move(options), std::move(hooks));
    for (const auto& shard : shards_) threads_.emplace_back([&shard] { shard->run(); });
    threads_.emplace_back([this] { node_->run(); });
  }
  ~Pool() {
    node_->mailbox().post_reserved(pool::Shutdown{});
    for (const auto& shard : shards_) shard->mailbox().post_reserved(pool::Shutdown{});
    for (std::thread& thread : threads_) thread.join();
    std::filesystem::remove_all(folder_);
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  const std::vector<std::uint16_t>& ports() const { return ports_; }

 private:
  void add_shard() {
    pool::ShardOptions options;
    options.network = bitcoin::Network::regtest;
    auto shard = std::make_unique<pool::ShardLoop>(
        options,
        pool::ShardLoop::Hooks{[](const pool::JournalAppend&) {}, [](const pool::FoundBlock&) {},
                               [](const pool::ShardStats&) {}});
    const auto port = shard->listen({"127.0.0.1", 0});
    if (!port) std::exit(1);
    ports_.push_back(*port);
    shards_.push_back(std::move(shard));
  }
  void publish(pool::NewJob job) {
    for (const auto& shard : shards_) {
      if (!shard->mailbox().post(job)) std::abort();
    }
  }

  const std::string folder_;
  std::vector<std::unique_ptr<pool::ShardLoop>> shards_;
  std::vector<std::uint16_t> ports_;
  std::unique_ptr<pool::NodeLoop> node_;
  std::vector<std::thread> threads_;
};

// The node's answer, as the pool would get it.
std::string ask_template(std::uint16_t port) {
  uv::Loop loop;
  rpc::RpcClient client(loop, {.host = "127.0.0.1",
                               .port = port,
                               .path = "/",
                               .user = "bench",
                               .password = "bench",
                               .cookie_file = {}});
  std::string text;
  client.call("getblocktemplate", R"([{"rules":["segwit"]}])", run_limit,
              [&](const rpc::RpcClient::Answer& answer) {
                if (answer) text = answer->text();
                loop.stop();
              });
  loop.run();
  return text;
}

void measure_whole(bench::BenchNode& node, bench::BenchMiners& miners, const Options& options) {
  Series from_first;
  Series from_last;
  std::size_t lost = 0;
  for (std::size_t run = 0; run < options.runs; ++run) {
    const auto block = node.prepare();
    miners.expect(block.hash, options.transactions > 0);
    const std::int64_t began_ns = node.announce(block, bench::Source::long_poll);
    if (!miners.wait(run_limit)) {
      ++lost;
      continue;
    }
    std::int64_t last_ns = 0;
    for (std::size_t i = 0; i < miners.size(); ++i) {
      last_ns = std::max(last_ns, miners.heard(i).full_ns);
    }
    from_first.add_ns(last_ns - began_ns);
    from_last.add_ns(last_ns - node.template_sent_ns());
    miners.pause(pause_between);
  }
  from_first.print("first byte to the last miner of every shard");
  from_last.print("last byte to the last miner of every shard");
  if (lost > 0) fmt::print("{} runs of {} did not reach every miner\n", lost, options.runs);
}

struct Steps {
  Series gather, delimit, json, merkle, build;
};

// `memory` goes from run to run, as from template to template on the pool's connection.
void measure_steps(const std::string& result, std::string& memory, Steps& steps) {
  const std::string body = R"({"result":)" + result + R"(,"error":null,"id":1})";
  const std::string message =
      fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.size()) + body;
  net::HttpResponseParser parser(
      {.header_bytes_max = 16 * 1024, .body_bytes_max = 64 * 1024 * 1024, .body_spare_bytes = 64});
  parser.reuse(std::move(memory));
  std::string received;
  steps.gather.add_ns(nanoseconds_of([&] {
    for (std::size_t at = 0; at < message.size(); at += read_bytes) {
      const auto piece = base::as_bytes(std::string_view(message).substr(at, read_bytes));
      if (!parser.push(piece, [&](net::HttpResponse&& r) { received = std::move(r.body); })) {
        std::abort();
      }
    }
  }));
  std::optional<rpc::RpcResult> answer;
  steps.delimit.add_ns(nanoseconds_of([&] {
    const auto parsed = rpc::parse_answer(received);
    answer.emplace(std::move(received), parsed->result);
  }));
  auto block_template = std::make_shared<mining::BlockTemplate>();
  steps.json.add_ns(nanoseconds_of([&] {
    *block_template =
        *mining::parse_block_template_in_place(answer->writable(mining::json_padding_bytes));
  }));
  memory = std::move(*answer).release();
  steps.merkle.add_ns(
      nanoseconds_of([&] { (void)bitcoin::coinbase_merkle_branch(block_template->txids); }));
  mining::JobSpec spec;
  spec.id = mining::JobId{mining::job_id_step};
  spec.outputs = {{block_template->coinbase_value, base::Bytes(22, 7)}};
  spec.coinbase_tag = "/phasepool/";
  spec.tier_bytes_max = {255, 1000};
  spec.block_template = block_template;
  steps.build.add_ns(nanoseconds_of([&] {
    if (!mining::build_job(spec)) std::abort();
  }));
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  bench::BenchNode::Options node_options;
  node_options.rpc_port = free_port();
  node_options.zmq_endpoint = "tcp://127.0.0.1:*";
  node_options.transactions = options.transactions;
  node_options.transaction_bytes = options.transaction_bytes;
  bench::BenchNode node(node_options);
  const std::string result = ask_template(node_options.rpc_port);
  if (result.empty()) return 1;

  fmt::print("| {:<46} | {:>7} | {:>7} |\n|---|---:|---:|\n",
             fmt::format("{} transactions, {:.1f} MB of JSON, ms", options.transactions,
                         1e-6 * static_cast<double>(result.size())),
             "p50", "p99");
  {
    Pool pool(node_options.rpc_port, options.shards);
    bench::BenchMiners miners;
    for (std::size_t i = 0; i < options.shards; ++i) {
      miners.grow(pool.ports()[i], options.miners * (i + 1) / options.shards);
    }
    measure_whole(node, miners, options);
  }
  Steps steps;
  std::string memory;
  for (std::size_t run = 0; run < options.runs; ++run) measure_steps(result, memory, steps);
  steps.gather.print("http: the body gathered from 64 KiB reads");
  steps.delimit.print("http: the answer's result found in it");
  steps.json.print("json: parsed, transactions decoded");
  steps.merkle.print("merkle branch");
  steps.build.print("job built (merkle branch, two tiers, notify)");
  std::fflush(stdout);
  std::_Exit(0);  // the node's threads wait for requests
}
