#include "pool/http/http_connection.h"

#include "common/uv/clock.h"
#include "pool/core/limits.h"

#include <utility>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr auto last_words_deadline = 2s;
constexpr net::HttpLimits request_limits{limits::http_header_bytes_max,
                                         limits::http_body_bytes_max};

}  // namespace

HttpConnection::HttpConnection(std::unique_ptr<uv::TcpStream> stream, const Site& site,
                               std::function<void()> on_closed)
    : stream_(std::move(stream)),
      site_(site),
      on_closed_(std::move(on_closed)),
      parser_(request_limits),
      last_progress_(uv::read_clock().mono) {
  uv::TcpStream::Callbacks callbacks;
  callbacks.on_bytes = [this](base::ByteSpan bytes) { on_bytes(bytes); };
  callbacks.on_close = [this](uv::CloseCause) { on_closed_(); };
  callbacks.on_drain = [this] {
    last_progress_ = uv::read_clock().mono;
    answer_waiting();
  };
  stream_->set_callbacks(std::move(callbacks));
}

void HttpConnection::start() { stream_->start_reading(); }

void HttpConnection::on_bytes(base::ByteSpan bytes) {
  if (finishing_ || broken_ || overrun_) return;
  const base::MonoTime now = uv::read_clock().mono;
  const std::uint64_t before = requests_;
  const auto pushed =
      parser_.push(bytes, [this](net::HttpRequest&& request) { on_request(std::move(request)); });
  if (!pushed) broken_ = pushed.error();
  if (requests_ > before) {
    request_begun_ = false;
    last_progress_ = now;
  } else if (!std::exchange(request_begun_, true)) {
    last_progress_ = now;
  }
  answer_waiting();
}

// Answered at once where there is room, so that a chunk full of small requests is never kept whole.
void HttpConnection::on_request(net::HttpRequest&& request) {
  ++requests_;
  if (finishing_ || overrun_) return;
  if (waiting_.size() == limits::http_requests_waiting_max) {
    overrun_ = true;
    waiting_.back().keep_alive = false;
    return;
  }
  waiting_.push_back(std::move(request));
  answer_waiting();
}

void HttpConnection::answer_waiting() {
  while (!finishing_ && stream_->is_open()) {
    if (stream_->queued_bytes() > limits::http_write_queue_bytes_high) {
      stream_->stop_reading();
      return;
    }
    if (waiting_.empty()) break;
    const net::HttpRequest request = std::move(waiting_.front());
    waiting_.pop_front();
    send(site_.answer(request));
  }
  if (finishing_ || !stream_->is_open()) return;
  if (broken_) {
    send(Site::answer_error(*broken_));
  } else {
    stream_->start_reading();
  }
}

void HttpConnection::send(const net::HttpResponse& response) {
  stream_->write(net::write_response(response));
  if (!response.keep_alive) finish();
}

void HttpConnection::finish() {
  if (std::exchange(finishing_, true) || !stream_->is_open()) return;
  waiting_.clear();
  stream_->close_after_flush(last_words_deadline);
}

bool HttpConnection::is_idle() const {
  return !request_begun_ && waiting_.empty() && !finishing_ && stream_->queued_bytes() == 0;
}

void HttpConnection::check_deadlines(base::MonoTime now, const HttpDeadlines& deadlines) {
  const auto allowed = is_idle() ? deadlines.idle : deadlines.request;
  if (!finishing_ && now - last_progress_ > allowed) stream_->close();
}

}  // namespace pool
