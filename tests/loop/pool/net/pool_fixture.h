// A blocking miner's socket, and a ShardLoop in a thread of its own whose journal and node the test
// plays.
#pragma once

#include "pool/net/shard_loop.h"
#include "tests/unit/pool/core/shard_fixture.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace pool_test {

inline constexpr int patience_ms = 20'000;

// A blocking miner's socket. Every read has a deadline.
class Client {
 public:
  explicit Client(std::uint16_t port, bool v6 = false)
      : fd_(socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0)) {
    if (v6) {
      sockaddr_in6 to{};
      to.sin6_family = AF_INET6;
      to.sin6_port = htons(port);
      to.sin6_addr = in6addr_loopback;
      REQUIRE_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
      return;
    }
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
  bool is_readable() const {
    pollfd now{fd_, POLLIN, 0};
    return poll(&now, 1, 0) > 0;
  }
  // What has come, waited for; empty at the end of the stream, or when nothing comes in time.
  std::string bytes() {
    if (!buffer_.empty()) return std::exchange(buffer_, {});
    pollfd wait{fd_, POLLIN, 0};
    if (poll(&wait, 1, patience_ms) <= 0) return {};
    char some[4096];
    const ssize_t got = recv(fd_, some, sizeof some, 0);
    return got <= 0 ? std::string() : std::string(some, static_cast<std::size_t>(got));
  }
  std::string everything() {
    std::string all;
    while (true) {
      const std::string more = bytes();
      if (more.empty()) return all;
      all += more;
    }
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
      const std::string held = std::exchange(buffer_, {});
      const std::string more = bytes();
      if (more.empty()) return {};
      buffer_ = held + more;
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
  explicit Pool(pool::ShardOptions options = test_options(),
                const pool::ShardLoop::Endpoint& where = {"127.0.0.1", 0},
                std::shared_ptr<const net::TlsContext> tls = nullptr)
      : loop_(options, hooks()) {
    loop_.set_tls(std::move(tls));
    const auto bound = loop_.listen(where);
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

  void tell(pool::ShardMessage message) { loop_.mailbox().post_reserved(std::move(message)); }

  // Connections whose session is another shard's go to `other`, from before the first of them.
  void give_moved_to(Pool& other) { other_ = &other; }

  // What became of the next order; each in turn.
  pool::OrderDone wait_for_order() {
    std::unique_lock lock(orders_mutex_);
    const bool there = order_came_.wait_for(lock, std::chrono::milliseconds(patience_ms),
                                            [this] { return !orders_done_.empty(); });
    REQUIRE(there);
    pool::OrderDone done = std::move(orders_done_.front());
    orders_done_.pop_front();
    return done;
  }

  // The next answer about who is connected.
  pool::LiveAnswer wait_for_live() {
    std::unique_lock lock(orders_mutex_);
    const bool there = order_came_.wait_for(lock, std::chrono::milliseconds(patience_ms),
                                            [this] { return !live_.empty(); });
    REQUIRE(there);
    pool::LiveAnswer answer = std::move(live_.front());
    live_.pop_front();
    return answer;
  }

  std::uint16_t port() const { return port_; }
  std::atomic<int> moved_ = 0;
  std::atomic<int> bans_ = 0;
  std::atomic<bool> hold_ = false;  // keep back Durable
  std::atomic<int> appends_ = 0;
  std::atomic<int> blocks_ = 0;

 private:
  pool::ShardLoop::Hooks hooks() {
    pool::ShardLoop::Hooks made;
    made.journal = [this](pool::JournalAppend append) { on_append(std::move(append)); };
    made.found = [this](pool::FoundBlock) { ++blocks_; };
    made.stats = [](pool::ShardStats) {};
    made.order_done = [this](pool::OrderDone done) {
      const std::scoped_lock lock(orders_mutex_);
      orders_done_.push_back(std::move(done));
      order_came_.notify_all();
    };
    made.live = [this](pool::LiveAnswer answer) {
      const std::scoped_lock lock(orders_mutex_);
      live_.push_back(std::move(answer));
      order_came_.notify_all();
    };
    made.ban = [this](const pool::Ban&) { ++bans_; };
    made.moved = [this](pool::ShardIndex, const pool::ConnectionMoved& connection) {
      if (other_ == nullptr) return false;
      ++moved_;
      return other_.load()->loop_.mailbox().post(pool::ShardMessage(connection));
    };
    return made;
  }
  void on_append(pool::JournalAppend append) {
    newest_ = append.id.value;
    ++appends_;
    if (!hold_) loop_.mailbox().post_reserved(pool::Durable{append.id});
  }

  std::mutex orders_mutex_;
  std::condition_variable order_came_;
  std::deque<pool::OrderDone> orders_done_;  // guarded by orders_mutex_
  std::deque<pool::LiveAnswer> live_;
  std::atomic<Pool*> other_ = nullptr;
  std::atomic<std::uint64_t> newest_ = 0;
  pool::ShardLoop loop_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace pool_test
