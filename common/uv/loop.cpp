#include "common/uv/loop.h"

#include <csignal>

namespace uv {

namespace {

bool has_open_handle(uv_loop_t* loop) {
  bool found = false;
  uv_walk(
      loop,
      [](uv_handle_t* handle, void* out) {
        if (uv_is_closing(handle) == 0) *static_cast<bool*>(out) = true;
      },
      &found);
  return found;
}

}  // namespace

void ignore_sigpipe() {
  struct sigaction now {};
  if (sigaction(SIGPIPE, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) return;
  now.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &now, nullptr);
}

Loop::Loop() {
  ignore_sigpipe();
  ASSERT(uv_loop_init(&loop_) == 0);
  loop_.data = this;
}

Loop::~Loop() {
  int result = uv_loop_close(&loop_);
  while (result == UV_EBUSY && !has_open_handle(&loop_)) {
    uv_run(&loop_, UV_RUN_ONCE);  // close callbacks; requests that libuv's pool is working on
    result = uv_loop_close(&loop_);
  }
  ASSERT(result == 0);
}

std::span<char> Loop::read_buffer(std::size_t bytes) {
  if (read_buffer_.size() < bytes) read_buffer_.resize(bytes);
  return read_buffer_;
}

Timer::Timer(Loop& loop, std::function<void()> on_fire) {
  auto watch = std::make_unique<Watch<uv_timer_t>>(std::move(on_fire));
  ASSERT(uv_timer_init(loop.get(), &watch->handle) == 0);
  watch_.reset(watch.release());
}

void Timer::start(std::chrono::milliseconds delay, std::chrono::milliseconds period) {
  ASSERT(delay.count() >= 0);
  ASSERT(period.count() >= 0);
  const auto on_timer = [](uv_timer_t* handle) noexcept {
    Watch<uv_timer_t>::of(handle).on_event();
  };
  ASSERT(uv_timer_start(&watch_->handle, on_timer, static_cast<std::uint64_t>(delay.count()),
                        static_cast<std::uint64_t>(period.count())) == 0);
}

bool Timer::is_active() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(&watch_->handle)) != 0;
}

Poll::Poll(Loop& loop, int fd, std::function<void()> on_readable) {
  auto watch = std::make_unique<Watch<uv_poll_t>>(std::move(on_readable));
  ASSERT(uv_poll_init(loop.get(), &watch->handle, fd) == 0);
  watch_.reset(watch.release());
  start();
}

void Poll::start() {
  const auto on_poll = [](uv_poll_t* handle, int /*status*/, int /*events*/) noexcept {
    Watch<uv_poll_t>::of(handle).on_event();
  };
  ASSERT(uv_poll_start(&watch_->handle, UV_READABLE, on_poll) == 0);
}

Signal::Signal(Loop& loop, int signum, std::function<void()> on_signal) {
  auto watch = std::make_unique<Watch<uv_signal_t>>(std::move(on_signal));
  ASSERT(uv_signal_init(loop.get(), &watch->handle) == 0);
  watch_.reset(watch.release());
  const auto on_event = [](uv_signal_t* handle, int /*signum*/) noexcept {
    Watch<uv_signal_t>::of(handle).on_event();
  };
  ASSERT(uv_signal_start(&watch_->handle, on_event, signum) == 0);
}

TurnEnd::TurnEnd(Loop& loop, std::function<void()> on_turn_end) {
  auto watch = std::make_unique<Watch<uv_prepare_t>>(std::move(on_turn_end));
  ASSERT(uv_prepare_init(loop.get(), &watch->handle) == 0);
  watch_.reset(watch.release());
  const auto on_prepare = [](uv_prepare_t* handle) noexcept {
    Watch<uv_prepare_t>::of(handle).on_event();
  };
  ASSERT(uv_prepare_start(&watch_->handle, on_prepare) == 0);
  uv_unref(reinterpret_cast<uv_handle_t*>(&watch_->handle));
}

}  // namespace uv
