#include "pool/store/connection_interrupt.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace {

// Two ends of a connection. is_shut(): the far end has nothing more to say.
struct SocketPair {
  std::array<int, 2> ends{};
  SocketPair() { REQUIRE_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0); }
  ~SocketPair() {
    for (const int end : ends) ::close(end);
  }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;
  bool is_shut() const {
    char byte = 0;
    return ::recv(ends[1], &byte, 1, MSG_DONTWAIT) == 0;
  }
};

}  // namespace

TEST_CASE("an interrupt shuts the socket that is watched, also one that comes later") {
  const SocketPair first;
  const SocketPair second;
  const SocketPair third;
  pool::ConnectionInterrupt interrupt;
  interrupt.watch(first.ends[0]);
  interrupt.watch(second.ends[0]);
  CHECK_FALSE(interrupt.interrupted());
  interrupt.interrupt();
  CHECK(interrupt.interrupted());
  CHECK_FALSE(first.is_shut());
  CHECK(second.is_shut());
  interrupt.watch(third.ends[0]);
  CHECK(third.is_shut());
}

TEST_CASE("a socket that is not watched any more is left alone") {
  const SocketPair pair;
  pool::ConnectionInterrupt interrupt;
  interrupt.interrupt();  // nothing yet
  pool::ConnectionInterrupt other;
  other.watch(pair.ends[0]);
  other.unwatch();
  other.unwatch();
  other.interrupt();
  CHECK_FALSE(pair.is_shut());
}
