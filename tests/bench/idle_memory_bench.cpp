// What an idle connection costs the pool in heap: a shard's loop in this process, its miners in
// another, so that only the pool's side counts.
//
//   idle_memory_bench [CONNECTIONS]      default: 2000 (the descriptor limit must allow them)
//
// Prints bytes per connection for those that say nothing, for miners with a job, and for miners
// with a job behind TLS (1.3, ECDSA P-256). The kernel's socket buffers are not in it.
#define DOCTEST_CONFIG_IMPLEMENT  // the fixtures check with it
#include "common/mining/job_builder.h"
#include "pool/net/shard_loop.h"
#include "tests/unit/common/net/tls_fixture.h"
#include "tests/unit/pool/core/shard_fixture.h"

#include <fmt/format.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

enum class Kind { silent, plain, tls };

struct Pipe {
  int ends[2] = {-1, -1};
  Pipe() {
    if (pipe(ends) != 0) std::abort();
  }
  void tell() const {
    const char byte = 1;
    if (write(ends[1], &byte, 1) != 1) std::abort();
  }
  void wait() const {
    char byte = 0;
    if (read(ends[0], &byte, 1) != 1) std::_Exit(1);
  }
};

int connect_to(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    std::perror("connect");
    std::_Exit(1);
  }
  return fd;
}

std::string login() {
  return std::string(R"({"id":1,"method":"mining.subscribe","params":["bench/1"]})") + "\n" +
         R"({"id":2,"method":"mining.authorize","params":[")" + pool_test::address +
         ".rig\",\"x\"]}\n";
}

// Reads until the first job is there.
template <class Read>
void await_job(Read read_some) {
  std::string heard;
  char bytes[4096];
  while (heard.find("\"mining.notify\",\"params\"") == std::string::npos) {
    const auto got = read_some(bytes, sizeof bytes);
    if (got <= 0) std::_Exit(1);
    heard.append(bytes, static_cast<std::size_t>(got));
  }
}

// The other process: all miners, which then sit there until they are told to go.
[[noreturn]] void be_miners(Kind kind, int count, std::uint16_t port, const Pipe& ready,
                            const Pipe& go) {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  for (int i = 0; i < count; ++i) {
    const int fd = connect_to(port);
    const std::string text = login();
    if (kind == Kind::silent) continue;
    if (kind == Kind::plain) {
      if (write(fd, text.data(), text.size()) < 0) std::_Exit(1);
      await_job([&](char* out, std::size_t size) { return read(fd, out, size); });
      continue;
    }
    SSL* const ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    if (SSL_connect(ssl) != 1) std::_Exit(1);
    SSL_write(ssl, text.data(), static_cast<int>(text.size()));
    await_job(
        [&](char* out, std::size_t size) { return SSL_read(ssl, out, static_cast<int>(size)); });
  }
  ready.tell();
  go.wait();
  std::_Exit(0);
}

struct Result {
  std::size_t connections = 0;
  std::size_t heap_bytes = 0;
};

Result measure(Kind kind, int count) {
  const auto certificate = tls_test::make_certificate("pool.test");
  const auto tls = net::TlsContext::from_pem({certificate.chain, "cert"}, {certificate.key, "key"});
  if (!tls) std::abort();
  std::atomic<std::size_t> connections = 0;
  pool::ShardLoop::Hooks hooks;
  hooks.journal = [](pool::JournalAppend) {};
  hooks.found = [](pool::FoundBlock) {};
  hooks.stats = [&](pool::ShardStats stats) { connections = stats.connections; };
  pool::ShardLoop loop(pool_test::test_options(), hooks);
  loop.set_tls(*tls);
  const auto port = loop.listen({"127.0.0.1", 0});
  if (!port) std::abort();
  if (!loop.mailbox().post(pool::NewJob{pool_test::make_job({})})) std::abort();
  const Pipe ready;
  const Pipe go;
  const pid_t miners = fork();
  if (miners == 0) be_miners(kind, count, *port, ready, go);
  close(ready.ends[1]);
  const std::size_t before = mallinfo2().uordblks;
  std::thread thread([&] { loop.run(); });
  ready.wait();
  std::this_thread::sleep_for(std::chrono::seconds(2));  // a tick and a half: all is quiet
  const Result result{connections, mallinfo2().uordblks - before};
  loop.mailbox().post_reserved(pool::Shutdown{});
  thread.join();
  go.tell();
  int status = 0;
  waitpid(miners, &status, 0);
  return result;
}

int connections_wanted = 2000;

}  // namespace

TEST_CASE("idle memory") {
  mallopt(M_ARENA_MAX, 1);  // mallinfo2() sees one arena only
  struct Row {
    Kind kind;
    const char* name;
  };
  for (const Row& row : {Row{Kind::silent, "silent"}, Row{Kind::plain, "mining, plain"},
                         Row{Kind::tls, "mining, TLS"}}) {
    const Result result = measure(row.kind, connections_wanted);
    REQUIRE_GT(result.connections, 0);
    fmt::print("{:<14} {:>6} connections  {:>6} bytes each\n", row.name, result.connections,
               result.heap_bytes / result.connections);
    std::fflush(stdout);
  }
}

int main(int argc, char** argv) {
  if (argc > 1) connections_wanted = std::atoi(argv[1]);
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return doctest::Context().run();
}
