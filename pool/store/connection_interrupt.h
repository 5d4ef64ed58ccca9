// ConnectionInterrupt: how another thread ends a database call that does not return, when the
// server hangs and the pool is to stop.
//
// The thread that owns the connection lends a duplicate of its socket. Whoever takes that out of
// the atomic, the owner when it closes or the other thread when it interrupts, also closes it: so
// it is never shut down once the number stands for another file.
//
// Thread: interrupt() and interrupted() any; the others the connection's.
#pragma once

#include <atomic>

namespace pool {

class ConnectionInterrupt {
 public:
  ConnectionInterrupt() = default;
  ~ConnectionInterrupt() { unwatch(); }
  ConnectionInterrupt(const ConnectionInterrupt&) = delete;
  ConnectionInterrupt& operator=(const ConnectionInterrupt&) = delete;

  // From now on calls on the connection fail at once, the one under way too. For good. An attempt
  // to connect ends by its connect_timeout (5 s unless the connection string says otherwise).
  void interrupt();
  bool interrupted() const { return interrupted_.load(); }

  void watch(int socket);
  void unwatch();

 private:
  std::atomic<bool> interrupted_{false};
  std::atomic<int> socket_{-1};  // a duplicate; -1: none
};

}  // namespace pool
