// TcpConnector: see tcp.h. Each address gets its part of the deadline, so that one that swallows
// packets does not use up the time of the others.
#include "common/uv/tcp.h"

#include <algorithm>
#include <utility>

namespace uv {

namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { uv_freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

}  // namespace

// Shared with the request that libuv is working on, so that a cancelled connector's memory is there
// until that has come back.
struct TcpConnector::State : std::enable_shared_from_this<TcpConnector::State> {
  struct Resolving {
    uv_getaddrinfo_t request{};
    std::shared_ptr<State> state;
  };
  struct Connecting {
    uv_connect_t request{};
    std::shared_ptr<State> state;
  };

  State(Loop& on_loop, std::chrono::milliseconds within, const TcpOptions& tcp, OnDone done)
      : loop(on_loop), options(tcp), on_done(std::move(done)), time_in_all(within) {}

  void start_timers();
  bool take_literal(const std::string& host, std::uint16_t port);
  void resolve(const std::string& host, std::uint16_t port);
  static void on_resolved(uv_getaddrinfo_t* request, int status, addrinfo* list) noexcept;
  static void on_connected(uv_connect_t* request, int status) noexcept;
  void try_addresses(Addresses found);
  void try_next();
  int connect_to(const addrinfo& address);
  void finish(base::Result<std::unique_ptr<TcpStream>, UvError> result);
  void cancel();

  Loop& loop;
  TcpOptions options;
  OnDone on_done;
  const std::chrono::milliseconds time_in_all;
  std::chrono::milliseconds time_per_address{0};
  std::unique_ptr<Timer> deadline;
  std::unique_ptr<Timer> attempt_deadline;
  Owned<uv_tcp_t> handle;  // the attempt under way
  Addresses addresses;
  const addrinfo* next = nullptr;
  uv_getaddrinfo_t* resolving = nullptr;
  UvError error_at_deadline{UV_ETIMEDOUT};
  UvError last_error{UV_ETIMEDOUT};
  bool finished = false;
};

void TcpConnector::State::start_timers() {
  deadline = std::make_unique<Timer>(loop, [this] { finish(base::err(error_at_deadline)); });
  deadline->start(time_in_all, std::chrono::milliseconds(0));
  attempt_deadline = std::make_unique<Timer>(loop, [this] {
    last_error = UvError{UV_ETIMEDOUT};
    try_next();
  });
}

// A numeric address needs no name server, and so no thread of libuv's pool, which may all be busy
// with a slow disk or a slow lookup.
bool TcpConnector::State::take_literal(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list) != 0) return false;
  addresses.reset(list);
  next = list;
  time_per_address = time_in_all;
  // Not from inside the constructor: the attempt's timer goes to the first address.
  attempt_deadline->start(std::chrono::milliseconds(0), std::chrono::milliseconds(0));
  return true;
}

void TcpConnector::State::resolve(const std::string& host, std::uint16_t port) {
  if (take_literal(host, port)) return;
  auto asked = std::make_unique<Resolving>();
  asked->request.data = asked.get();
  asked->state = weak_from_this().lock();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  const std::string service = std::to_string(port);
  const int failed = uv_getaddrinfo(loop.get(), &asked->request, on_resolved, host.c_str(),
                                    service.c_str(), &hints);
  if (failed == 0) {
    resolving = &asked.release()->request;  // on_resolved has it
    return;
  }
  // Not from inside the constructor: by way of the deadline's timer, brought forward.
  error_at_deadline = UvError{failed};
  deadline->start(std::chrono::milliseconds(0), std::chrono::milliseconds(0));
}

void TcpConnector::State::on_resolved(uv_getaddrinfo_t* request, int status,
                                      addrinfo* list) noexcept {
  const std::unique_ptr<Resolving> asked(static_cast<Resolving*>(request->data));
  Addresses addresses(list);
  State& self = *asked->state;
  self.resolving = nullptr;
  if (self.finished) return;
  if (status != 0) return self.finish(base::err(UvError{status}));
  self.try_addresses(std::move(addresses));
}

void TcpConnector::State::try_addresses(Addresses found) {
  addresses = std::move(found);
  next = addresses.get();
  int count = 0;
  for (const addrinfo* each = next; each != nullptr; each = each->ai_next) ++count;
  time_per_address = time_in_all / std::max(count, 1);
  try_next();
}

void TcpConnector::State::try_next() {
  while (next != nullptr) {
    const addrinfo& address = *std::exchange(next, next->ai_next);
    const int failed = connect_to(address);
    if (failed == 0) {
      attempt_deadline->start(time_per_address, std::chrono::milliseconds(0));
      return;
    }
    last_error = UvError{failed};
  }
  finish(base::err(last_error));
}

int TcpConnector::State::connect_to(const addrinfo& address) {
  auto made = std::make_unique<uv_tcp_t>();
  ASSERT(uv_tcp_init(loop.get(), made.get()) == 0);
  handle.reset(made.release());
  auto asked = std::make_unique<Connecting>();
  asked->request.data = asked.get();
  asked->state = weak_from_this().lock();
  const int failed = uv_tcp_connect(&asked->request, handle.get(), address.ai_addr, on_connected);
  if (failed == 0) static_cast<void>(asked.release());  // on_connected has it
  return failed;
}

void TcpConnector::State::on_connected(uv_connect_t* request, int status) noexcept {
  const std::unique_ptr<Connecting> asked(static_cast<Connecting*>(request->data));
  State& self = *asked->state;
  const bool given_up = request->handle != reinterpret_cast<uv_stream_t*>(self.handle.get());
  if (self.finished || given_up) return;
  if (status == 0) {
    return self.finish(
        std::make_unique<TcpStream>(self.loop, std::move(self.handle), self.options));
  }
  self.last_error = UvError{status};
  self.try_next();
}

void TcpConnector::State::finish(base::Result<std::unique_ptr<TcpStream>, UvError> result) {
  const auto self = weak_from_this().lock();
  const OnDone done = std::move(on_done);
  cancel();
  done(std::move(result));
}

// After this no callback reaches the owner; requests under way come back to a finished state.
void TcpConnector::State::cancel() {
  finished = true;
  deadline.reset();
  attempt_deadline.reset();
  handle.reset();
  if (resolving != nullptr) uv_cancel(reinterpret_cast<uv_req_t*>(resolving));
  on_done = nullptr;
}

TcpConnector::TcpConnector(Loop& loop, const std::string& host, std::uint16_t port,
                           std::chrono::milliseconds deadline, const TcpOptions& options,
                           OnDone on_done)
    : state_(std::make_shared<State>(loop, deadline, options, std::move(on_done))) {
  state_->start_timers();
  state_->resolve(host, port);
}

TcpConnector::~TcpConnector() { state_->cancel(); }

}  // namespace uv
