#include "tests/bench/bench_miners.h"

#include "common/stratum/codec.h"
#include "tests/bench/bench_node.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::_Exit(1);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

int connect_to(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) give_up("socket");
  const sockaddr_in to = loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) give_up("connect");
  return fd;
}

// When the kernel had these bytes; our own clock where it does not say.
std::int64_t stamp_of(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec at{};
    std::memcpy(&at, CMSG_DATA(part), sizeof at);
    return static_cast<std::int64_t>(at.tv_sec) * 1'000'000'000 + at.tv_nsec;
  }
  return clock_ns();
}

}  // namespace

std::pair<int, int> loopback_pair() {
  static const int listener = [] {
    const int made = socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in at = loopback(0);
    if (bind(made, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
        listen(made, 128) != 0) {
      give_up("listen");
    }
    return made;
  }();
  sockaddr_in at{};
  socklen_t size = sizeof at;
  getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size);
  const int miner = connect_to(ntohs(at.sin_port));
  const int pool = accept(listener, nullptr, nullptr);
  const int on = 1;
  setsockopt(pool, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return {pool, miner};
}

BenchMiners::BenchMiners() : epoll_(epoll_create1(0)) {}

BenchMiners::~BenchMiners() {
  for (const Miner& miner : miners_) close(miner.fd);
  close(epoll_);
}

void BenchMiners::add(int fd) {
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = miners_.size();
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) give_up("epoll_ctl");
  miners_.push_back({fd, {}, false, {}});
  ++jobless_;
}

void BenchMiners::grow(std::uint16_t port, std::size_t count) {
  const std::string login = fmt::format(
      "{{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"bench/1\"]}}\n"
      "{{\"id\":2,\"method\":\"mining.authorize\",\"params\":[\"{}.rig\",\"x\"]}}\n",
      address);
  while (miners_.size() < count) {
    add(connect_to(port));
    const int fd = miners_.back().fd;
    if (send(fd, login.data(), login.size(), MSG_NOSIGNAL) < 0) give_up("send");
    read_for(std::chrono::milliseconds{0});
  }
  const auto until = Clock::now() + std::chrono::seconds{60};
  while (jobless_ > 0 && Clock::now() < until) read_for(std::chrono::milliseconds{50});
  if (jobless_ > 0) {
    fmt::print(stderr, "{} of {} miners got no job\n", jobless_, count);
    std::_Exit(1);
  }
}

void BenchMiners::expect(const bitcoin::BlockHash& tip, bool has_transactions) {
  prevhash_ = stratum::prevhash_to_wire(tip);
  has_transactions_ = has_transactions;
  missing_ = miners_.size();
  for (Miner& miner : miners_) miner.heard = {};
}

bool BenchMiners::wait(std::chrono::milliseconds limit) {
  const auto until = Clock::now() + limit;
  while (missing_ > 0 && Clock::now() < until) read_for(std::chrono::milliseconds{20});
  return missing_ == 0;
}

void BenchMiners::pause(std::chrono::milliseconds length) {
  const auto until = Clock::now() + length;
  while (Clock::now() < until) read_for(std::chrono::milliseconds{5});
}

void BenchMiners::read_for(std::chrono::milliseconds limit) {
  std::array<epoll_event, 256> events{};
  const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                               static_cast<int>(limit.count()));
  for (int i = 0; i < ready; ++i) read(miners_[events[static_cast<std::size_t>(i)].data.u64]);
}

void BenchMiners::read(Miner& miner) {
  static std::array<char, 64 * 1024> bytes;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(timespec))> control{};
  iovec piece{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = recvmsg(miner.fd, &message, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    fmt::print(stderr, "the pool closed a connection\n");
    std::_Exit(1);
  }
  const std::int64_t at_ns = stamp_of(message);
  std::string_view text(bytes.data(), static_cast<std::size_t>(got));
  for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos;) {
    const std::string_view line = text.substr(0, end + 1);
    if (miner.partial.empty()) {
      on_line(miner, line, at_ns);
    } else {
      miner.partial += line;
      on_line(miner, std::exchange(miner.partial, {}), at_ns);
    }
    text.remove_prefix(end + 1);
  }
  miner.partial += text;
}

void BenchMiners::on_line(Miner& miner, std::string_view line, std::int64_t at_ns) {
  if (line.find("\"mining.notify\",\"params\"") == std::string_view::npos) return;
  if (!std::exchange(miner.has_job, true)) --jobless_;
  if (prevhash_.empty() || line.find(prevhash_) == std::string_view::npos) return;
  Heard& heard = miner.heard;
  if (heard.first_ns == 0) heard.first_ns = at_ns;
  if (heard.full_ns != 0) return;
  if (has_transactions_ && line.find(",[],") != std::string_view::npos) return;
  heard.full_ns = at_ns;
  --missing_;
  line_ = line;
}

}  // namespace bench
