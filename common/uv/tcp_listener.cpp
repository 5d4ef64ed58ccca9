// Accepting by hand instead of uv_listen(): libuv 1.44 answers a process that is out of descriptors
// by closing connections through a spare descriptor, and when another thread has taken the spare it
// loops inside the accept callback. Here accepting pauses instead, and the peers wait in the
// backlog.
#include "common/uv/tcp.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>

namespace uv {

namespace {

using namespace std::chrono_literals;

constexpr int accepts_per_turn_max = 64;  // so that a flood of peers leaves time for those we have
constexpr auto accept_pause = 100ms;

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

base::Result<Addresses, UvError> numeric_address(std::string host, std::uint16_t port) {
  if (host == "localhost") host = "127.0.0.1";
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const std::string service = std::to_string(port);
  const int failed =
      getaddrinfo(host.empty() ? nullptr : host.c_str(), service.c_str(), &hints, &list);
  if (failed == EAI_MEMORY) return base::err(UvError{UV_EAI_MEMORY});
  if (failed != 0) return base::err(UvError{UV_EAI_NONAME});
  return Addresses(list);
}

UvError last_error() { return UvError{uv_translate_sys_error(errno)}; }

base::Result<OwnedFd, UvError> bind_and_listen(const addrinfo& where,
                                               const ListenOptions& options) {
  OwnedFd made(::socket(where.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (made.fd() < 0) return base::err(last_error());
  const auto set = [&made](int level, int name, int value) {
    return setsockopt(made.fd(), level, name, &value, sizeof(value)) == 0;
  };
  // Without SO_REUSEADDR a restart has to wait until the old connections have left TIME_WAIT.
  if (!set(SOL_SOCKET, SO_REUSEADDR, 1)) return base::err(last_error());
  if (options.reuse_port && !set(SOL_SOCKET, SO_REUSEPORT, 1)) return base::err(last_error());
  if (where.ai_family == AF_INET6 && !set(IPPROTO_IPV6, IPV6_V6ONLY, 0)) {
    return base::err(last_error());
  }
  if (::bind(made.fd(), where.ai_addr, where.ai_addrlen) != 0) return base::err(last_error());
  if (::listen(made.fd(), options.backlog) != 0) return base::err(last_error());
  return made;
}

std::uint16_t port_of(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return 0;
  if (storage.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

// Errors of one connection, which was gone before we took it (accept(2): treat them like EAGAIN).
bool concerns_the_peer_only(int error) {
  switch (error) {
    case ECONNABORTED:
    case EINTR:
    case EPERM:  // firewall
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

struct TcpListener::State {
  State(Loop& on_loop, OwnedFd listening, const TcpOptions& options, OnAccept accept)
      : loop(on_loop),
        socket(std::move(listening)),
        streams(options),
        on_accept(std::move(accept)),
        resume(on_loop, [this] { poll->start(); }) {
    poll.emplace(on_loop, socket.fd(), [this] { accept_waiting(); });
  }

  void accept_waiting() {
    for (int i = 0; i < accepts_per_turn_max; ++i) {
      OwnedFd accepted(::accept4(socket.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (accepted.fd() >= 0) {
        hand_over(std::move(accepted));
        continue;
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      if (!concerns_the_peer_only(errno)) return pause();
    }
  }

  // The cause is a shortage (EMFILE, ENFILE, ENOBUFS, ENOMEM), and polling would report it without
  // end while it lasts.
  void pause() {
    ++accept_pauses;
    poll->stop();
    resume.start(accept_pause, 0ms);
  }

  void hand_over(OwnedFd accepted) {
    auto stream = TcpStream::adopt(loop, {std::move(accepted), {}}, streams);
    if (stream) on_accept(std::move(*stream));
  }

  Loop& loop;
  OwnedFd socket;  // declared before `poll`, which has to stop watching it first
  TcpOptions streams;
  OnAccept on_accept;
  std::optional<Poll> poll;
  Timer resume;
  std::uint64_t accept_pauses = 0;
};

base::Result<std::unique_ptr<TcpListener>, UvError> TcpListener::listen(Loop& loop,
                                                                        const ListenOptions& where,
                                                                        const TcpOptions& streams,
                                                                        OnAccept on_accept) {
  const auto addresses = numeric_address(where.host, where.port);
  if (!addresses) return base::err(addresses.error());
  auto listening = bind_and_listen(**addresses, where);
  if (!listening) return base::err(listening.error());
  auto state = std::make_unique<State>(loop, std::move(*listening), streams, std::move(on_accept));
  return std::unique_ptr<TcpListener>(new TcpListener(std::move(state)));
}

TcpListener::TcpListener(std::unique_ptr<State> state) : state_(std::move(state)) {}

TcpListener::~TcpListener() = default;

std::uint16_t TcpListener::bound_port() const { return port_of(state_->socket.fd()); }

std::uint64_t TcpListener::accept_pauses() const { return state_->accept_pauses; }

}  // namespace uv
