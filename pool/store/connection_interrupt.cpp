#include "pool/store/connection_interrupt.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pool {

void ConnectionInterrupt::interrupt() {
  // In this order, as watch() has the other: one of the two sees what the other did.
  interrupted_.store(true);
  const int socket = socket_.exchange(-1);
  if (socket < 0) return;
  ::shutdown(socket, SHUT_RDWR);
  ::close(socket);
}

void ConnectionInterrupt::watch(int socket) {
  unwatch();
  socket_.store(::fcntl(socket, F_DUPFD_CLOEXEC, 0));
  if (interrupted()) interrupt();
}

void ConnectionInterrupt::unwatch() {
  const int socket = socket_.exchange(-1);
  if (socket >= 0) ::close(socket);
}

}  // namespace pool
