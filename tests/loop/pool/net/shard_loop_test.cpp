// A ShardLoop in a thread of its own, with real sockets on loopback; the test plays the journal,
// the node and the miners.
#include "pool/net/shard_loop.h"

#include "tests/unit/pool/core/shard_fixture.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace pool_test;

namespace {

constexpr int patience_ms = 20'000;

// A blocking miner's socket. Every read has a deadline.
class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // False when the pool has closed the connection.
  bool say(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // The next line, or empty at the end of the stream (or when nothing comes in time).
  std::string line() {
    while (true) {
      const std::size_t end = buffer_.find('\n');
      if (end != std::string::npos) {
        std::string text = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return text;
      }
      pollfd wait{fd_, POLLIN, 0};
      if (poll(&wait, 1, patience_ms) <= 0) return {};
      char bytes[4096];
      const ssize_t got = recv(fd_, bytes, sizeof bytes, 0);
      if (got <= 0) return {};
      buffer_.append(bytes, static_cast<std::size_t>(got));
    }
  }
  // subscribe and authorize; returns extranonce1 in hex. Lines up to the notify are read.
  std::string handshake() {
    say(R"({"id":1,"method":"mining.subscribe","params":["t"]})"
        "\n");
    const std::string subscribed = line();
    say(std::string(R"({"id":2,"method":"mining.authorize","params":[")") + address +
        ".rig\",\"x\"]}\n");
    line();  // true
    line();  // set_difficulty
    line();  // notify
    const std::size_t end = subscribed.rfind("\",8]");
    return end == std::string::npos || end < 8 ? "" : subscribed.substr(end - 8, 8);
  }

 private:
  int fd_;
  std::string buffer_;
};

// The loop, its thread, and a journal that is as fast or as slow as the test says.
class Pool {
 public:
  explicit Pool(pool::ShardOptions options = test_options())
      : loop_(options, {[this](pool::JournalAppend append) { on_append(std::move(append)); },
                        [this](pool::FoundBlock) { ++blocks_; }, [](pool::ShardStats) {}}) {
    const auto bound = loop_.listen({"127.0.0.1", 0});
    REQUIRE(bound);
    port_ = *bound;
    job(5, 1, true);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Pool() { stop(); }
  void stop() {
    if (!thread_.joinable()) return;
    loop_.mailbox().post_reserved(pool::Shutdown{});
    thread_.join();
  }
  void job(std::uint64_t id, std::uint8_t tip, bool clean) {
    CHECK(loop_.mailbox().post(pool::NewJob{make_job({.id = id, .tip = tip, .clean = clean})}));
  }
  void release_held() {
    hold_ = false;
    loop_.mailbox().post_reserved(pool::Durable{pool::AppendId{newest_}});
  }

  std::uint16_t port() const { return port_; }
  std::atomic<bool> hold_ = false;  // keep back Durable
  std::atomic<int> appends_ = 0;
  std::atomic<int> blocks_ = 0;

 private:
  void on_append(pool::JournalAppend append) {
    newest_ = append.id.value;
    ++appends_;
    if (!hold_) loop_.mailbox().post_reserved(pool::Durable{append.id});
  }

  std::atomic<std::uint64_t> newest_ = 0;
  pool::ShardLoop loop_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

pool::Extranonce1 extranonce1_of(const std::string& hex) {
  pool::Extranonce1 extranonce1{};
  REQUIRE(base::decode_hex(hex, extranonce1));
  return extranonce1;
}

// Like World::submit_line, with the time of the real clock's day: ntime is the job's own.
std::string submit_line(const Ground& share, const std::string& id) {
  return R"({"id":)" + id + R"(,"method":"mining.submit","params":[")" + std::string(address) +
         R"(.rig",")" + mining::job_id_text(mining::JobId{5}) + R"(",")" + share.extranonce2 +
         R"(",")" + base::u32_hex(static_cast<std::uint32_t>(start_seconds)) + R"(",")" +
         base::u32_hex(share.nonce) + "\"]}\n";
}

}  // namespace

TEST_CASE("a miner connects, mines, and gets a new job on a new tip") {
  Pool pool;
  Client miner(pool.port());
  const std::string extranonce1 = miner.handshake();
  REQUIRE_EQ(extranonce1.size(), 8);
  const Ground share = grind(*make_job({.id = 5}), extranonce1_of(extranonce1),
                             meets(test_options().difficulty_start));
  miner.say(submit_line(share, "7"));
  CHECK_EQ(miner.line(), R"({"id":7,"result":true,"error":null})");
  CHECK_EQ(pool.appends_, 1);
  pool.job(6, 2, true);
  CHECK(miner.line().find("mining.notify") != std::string::npos);
}

TEST_CASE("no answer leaves before the journal says so, not even at shutdown") {
  Pool pool;
  Client miner(pool.port());
  const std::string extranonce1 = miner.handshake();
  pool.hold_ = true;
  const Ground share = grind(*make_job({.id = 5}), extranonce1_of(extranonce1),
                             meets(test_options().difficulty_start));
  miner.say(submit_line(share, "7"));
  miner.say(R"({"id":8,"method":"mining.ping","params":[]})"
            "\n");
  CHECK(miner.line().find("pong") != std::string::npos);  // 8 is answered, 7 waits
  std::thread stopper([&] { pool.stop(); });
  pool.release_held();
  CHECK_EQ(miner.line(), R"({"id":7,"result":true,"error":null})");
  CHECK_EQ(miner.line(), "");  // then the pool closes
  stopper.join();
}

TEST_CASE("garbage and endless lines cost only their own connection") {
  Pool pool;
  Client good(pool.port());
  good.handshake();
  const std::string garbage[] = {std::string("\x16\x03\x01\x02\x00\x01\n\x00\xff\n{\n", 11),
                                 std::string(64 * 1024, 'x'), "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                 "[]\n[]\n[]\n"};
  for (const std::string& bytes : garbage) {
    Client bad(pool.port());
    bad.say(bytes);
    bad.say("\n\n{}{}\n}{\n]\n");
    while (!bad.line().empty()) {
    }
  }
  good.say(R"({"id":9,"method":"mining.ping","params":[]})"
           "\n");
  CHECK(good.line().find("pong") != std::string::npos);
}

TEST_CASE("hundreds of miners come, get a job, and go") {
  Pool pool;
  std::vector<std::unique_ptr<Client>> miners;
  std::set<std::string> extranonces;
  for (int i = 0; i < 300; ++i) {
    miners.push_back(std::make_unique<Client>(pool.port()));
    extranonces.insert(miners.back()->handshake());
  }
  CHECK_EQ(extranonces.size(), 300);
  pool.job(6, 2, true);
  for (auto& miner : miners) CHECK(miner->line().find("mining.notify") != std::string::npos);
  miners.clear();
  Client late(pool.port());
  CHECK_EQ(late.handshake().size(), 8);
}

TEST_CASE("another pool on the same port is noticed, though the ports are shared") {
  Pool pool;
  const std::string why = pool::ShardLoop::probe({"127.0.0.1", pool.port()});
  CHECK(why.find("EADDRINUSE") != std::string::npos);
  const std::uint16_t port = pool.port();
  pool.stop();
  CHECK_EQ(pool::ShardLoop::probe({"127.0.0.1", port}), "");
}

TEST_CASE("an address that is not ours is an error") {
  pool::ShardLoop loop(test_options(), {[](pool::JournalAppend) {}, [](pool::FoundBlock) {},
                                        [](pool::ShardStats) {}});
  CHECK_FALSE(loop.listen({"203.0.113.1", 3333}));
  CHECK_FALSE(loop.listen({"no such host", 3333}));
}
