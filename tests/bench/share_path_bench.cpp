// What an accepted share costs the pool, from the socket to the answer, with the journal and its
// fsync: one shard's loop and the journal's loop in this process, miners' sockets on loopback, and
// CPU time read per thread, so that the load's own cost does not count.
//
//   share_path_bench [SHARES [CONNECTIONS [FOLDER]]]      default: 400000 100 .
//
// The journal is made in a new folder under FOLDER: what its disk's fsync costs is part of the
// result. Each share has the least difficulty there is, so that any nonce is one.
#include "common/base/random.h"
#include "common/mining/job_builder.h"
#include "pool/journal/journal_loop.h"
#include "pool/net/shard_loop.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr const char* address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
constexpr std::uint64_t job_number = 5;
constexpr std::size_t window = 64;  // unanswered shares a connection may have
constexpr std::size_t transactions = 3000;

double cpu_seconds(int who) {
  rusage usage{};
  getrusage(who, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint32_t unix_now() { return static_cast<std::uint32_t>(std::time(nullptr)); }

std::shared_ptr<const mining::Job> make_job(std::uint32_t ntime) {
  base::Random random(1);
  auto block_template = std::make_shared<mining::BlockTemplate>();
  block_template->nbits = 0x1705ae3a;  // mainnet's order: no share here is a block
  block_template->network_target = *bitcoin::Target256::from_compact(block_template->nbits);
  block_template->version = 0x20000000;
  block_template->height = 900'000;
  block_template->curtime = ntime;
  block_template->mintime = ntime - 600;
  block_template->coinbase_value = bitcoin::Sats{312'500'000};
  block_template->txids.resize(transactions);
  for (bitcoin::Hash256& txid : block_template->txids) {
    base::write_le64(txid.bytes, random.next());
  }
  mining::JobSpec spec;
  spec.id = mining::JobId{job_number};
  spec.outputs = {{block_template->coinbase_value, base::Bytes(22, 7)}};
  spec.block_template = std::move(block_template);
  spec.coinbase_tag = "/phasepool/";
  spec.ntime = ntime;
  spec.clean_jobs = true;
  return *mining::build_job(spec);
}

// One miner: its socket, and how far it has got.
struct Miner {
  int fd = -1;
  std::string unread;
  std::string unsent;
  std::size_t sent = 0;
  std::size_t answered = 0;
  std::size_t accepted = 0;

  std::string read_line() {
    std::size_t end;
    while ((end = unread.find('\n')) == std::string::npos) {
      char bytes[4096];
      const ssize_t got = recv(fd, bytes, sizeof bytes, 0);
      if (got <= 0) std::exit(1);
      unread.append(bytes, static_cast<std::size_t>(got));
    }
    std::string line = unread.substr(0, end);
    unread.erase(0, end + 1);
    return line;
  }
  void say(std::string_view text) {
    if (send(fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) {
      std::exit(1);
    }
  }
  void handshake() {
    say("{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"bench\"]}\n");
    read_line();
    say(fmt::format("{{\"id\":2,\"method\":\"mining.authorize\",\"params\":[\"{}.rig\",\"x\"]}}\n",
                    address));
    for (int i = 0; i < 3; ++i) read_line();  // true, set_difficulty, notify
  }
  void fill_window(std::size_t shares, std::uint32_t ntime) {
    while (sent < shares && sent - answered < window) {
      fmt::format_to(std::back_inserter(unsent),
                     "{{\"id\":{},\"method\":\"mining.submit\",\"params\":[\"{}.rig\",\"{}\","
                     "\"0000000000000000\",\"{:08x}\",\"{:08x}\"]}}\n",
                     sent + 3, address, mining::job_id_text(mining::JobId{job_number}), ntime,
                     sent);
      ++sent;
    }
    const ssize_t went = send(fd, unsent.data(), unsent.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (went > 0) unsent.erase(0, static_cast<std::size_t>(went));
  }
  void read_answers() {
    char bytes[16384];
    const ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got == 0) std::exit(1);
    for (ssize_t i = 0; i < got; ++i) {
      unread.push_back(bytes[i]);
      if (bytes[i] != '\n') continue;
      ++answered;
      if (unread.find("\"result\":true") != std::string::npos) ++accepted;
      unread.clear();
    }
  }
};

int connect_to(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) std::exit(1);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

// Submits until every share is answered.
void drive(std::vector<Miner>& miners, std::size_t shares_each, std::uint32_t ntime) {
  std::vector<pollfd> polls(miners.size());
  while (true) {
    bool done = true;
    for (std::size_t i = 0; i < miners.size(); ++i) {
      miners[i].fill_window(shares_each, ntime);
      const bool blocked = !miners[i].unsent.empty();
      polls[i] = {miners[i].fd, static_cast<short>(POLLIN | (blocked ? POLLOUT : 0)), 0};
      done = done && miners[i].answered == shares_each;
    }
    if (done) return;
    poll(polls.data(), polls.size(), 1000);
    for (std::size_t i = 0; i < miners.size(); ++i) {
      if ((polls[i].revents & (POLLIN | POLLHUP)) != 0) miners[i].read_answers();
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t shares = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 400'000;
  const std::size_t connections = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 100;
  const std::string folder =
      fmt::format("{}/share_path_bench.{}", argc > 3 ? argv[3] : ".", getpid());

  pool::ShardOptions options;
  options.network = bitcoin::Network::regtest;
  options.ports[0].min = *bitcoin::Difficulty::from_double(bitcoin::Difficulty::least);
  options.ports[0].start = options.ports[0].min;
  options.ports[0].vardiff = false;
  std::unique_ptr<pool::JournalLoop> journal;
  std::uint64_t fsyncs = 0;
  pool::ShardLoop shard(options, {[&](pool::JournalAppend append) {
                                    if (!journal->mailbox().post(std::move(append))) std::abort();
                                  },
                                  [](pool::FoundBlock) {}, [](pool::ShardStats) {}});
  pool::JournalLoop::Options journal_options;
  journal_options.data_dir = folder;
  auto opened = pool::JournalLoop::open(
      journal_options,
      {[&](pool::JournalSource, pool::Durable d) { shard.mailbox().post_reserved(d); },
       [&](pool::JournalSource, pool::NotDurable d) { shard.mailbox().post_reserved(d); },
       [](pool::JournalAdvanced) {}, [&](pool::JournalStatus s) { fsyncs = s.fsyncs; }});
  if (!opened) {
    fmt::print(stderr, "{}\n", opened.error());
    return 1;
  }
  journal = std::move(*opened);
  const std::uint32_t ntime = unix_now();
  const auto port = shard.listen({"127.0.0.1", 0});
  if (!port || !shard.mailbox().post(pool::NewJob{make_job(ntime)})) return 1;
  std::thread journal_thread([&] { journal->run(); });
  std::thread shard_thread([&] { shard.run(); });

  std::vector<Miner> miners(connections);
  for (Miner& miner : miners) {
    miner.fd = connect_to(*port);
    miner.handshake();
  }
  const double cpu_before = cpu_seconds(RUSAGE_SELF) - cpu_seconds(RUSAGE_THREAD);
  const auto began = std::chrono::steady_clock::now();
  drive(miners, shares / connections, ntime);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const double cpu = cpu_seconds(RUSAGE_SELF) - cpu_seconds(RUSAGE_THREAD) - cpu_before;

  std::size_t accepted = 0;
  for (const Miner& miner : miners) accepted += miner.accepted;
  for (const Miner& miner : miners) ::close(miner.fd);
  shard.mailbox().post_reserved(pool::Shutdown{});
  shard_thread.join();
  journal->mailbox().post_reserved(pool::Shutdown{});
  journal_thread.join();
  std::filesystem::remove_all(folder);
  const auto count = static_cast<double>(accepted);
  fmt::print("{} shares accepted of {}, {} connections, {} branches, {} fsyncs\n", accepted,
             shares / connections * connections, connections, 12, fsyncs);
  fmt::print("{:.2f} us of CPU per accepted share (shard and journal), {:.0f} shares/s\n",
             1e6 * cpu / count, count / took.count());
  return 0;
}
