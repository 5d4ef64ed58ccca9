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

HttpConnection::HttpConnection(std::unique_ptr<uv::TcpStream> stream, HttpShared& shared,
                               std::optional<AddressPrefix> counted_as,
                               std::function<void()> on_closed)
    : stream_(std::move(stream)),
      peer_(base::IpAddress::parse(stream_->peer_address())),
      shared_(shared),
      counted_as_(counted_as),
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

HttpConnection::~HttpConnection() {
  end_asked();
  if (watching_) shared_.events.remove(*this);
  if (counted_as_) shared_.meter.on_disconnect(*counted_as_);
}

void HttpConnection::start() { stream_->start_reading(); }

void HttpConnection::on_bytes(base::ByteSpan bytes) {
  if (finishing_ || broken_ || overrun_ || watching_) return;
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
  if (finishing_ || overrun_ || watching_) return;
  if (waiting_.size() == limits::http_requests_waiting_max) {
    overrun_ = true;
    waiting_.back().keep_alive = false;
    return;
  }
  waiting_.push_back(std::move(request));
  answer_waiting();
}

void HttpConnection::answer_waiting() {
  if (std::exchange(answering_, true)) return;
  while (!finishing_ && !watching_ && !asked_ && stream_->is_open()) {
    if (waiting_.empty() || stream_->queued_bytes() > limits::http_write_queue_bytes_high) break;
    const net::HttpRequest request = std::move(waiting_.front());
    waiting_.pop_front();
    ask_site(request);
  }
  answering_ = false;
  if (finishing_ || watching_ || !stream_->is_open()) return;
  if (asked_ || !waiting_.empty()) {
    stream_->stop_reading();
  } else if (broken_) {
    send(Site::answer_error(*broken_));
  } else {
    stream_->start_reading();
  }
}

void HttpConnection::ask_site(const net::HttpRequest& request) {
  const Responder responder(request, [this](Answer&& answer) { on_answer(std::move(answer)); });
  asked_ = Asked{Claimant(responder), uv::read_clock().mono,
                 std::string(net::header_value(request.headers, "last-event-id"))};
  const auto client = AddressMeter::client_of(peer_, request.headers);
  if (client && !shared_.meter.on_request(*client, uv::read_clock().mono)) {
    return responder.answer(Site::answer_too_fast());
  }
  shared_.answer(request, responder);
  if (responder.is_answered()) return;
  if (shared_.answers_waited_for == shared_.answers_waited_for_max) {
    return responder.answer(Site::answer_overloaded());
  }
  ++shared_.answers_waited_for;
  asked_->is_counted = true;
}

void HttpConnection::on_answer(Answer&& answer) {
  const std::string last_event_id = std::move(asked_->last_event_id);
  end_asked();
  if (finishing_ || !stream_->is_open()) return;
  last_progress_ = uv::read_clock().mono;
  if (answer.then_events) {
    begin_events(answer.response, last_event_id);
  } else {
    send(answer.response);
    answer_waiting();
  }
}

void HttpConnection::end_asked() {
  if (!asked_) return;
  asked_->claimant.revoke();
  if (asked_->is_counted) --shared_.answers_waited_for;
  asked_.reset();
}

void HttpConnection::begin_events(const net::HttpResponse& head, std::string_view last_event_id) {
  if (shared_.events.watchers() >= shared_.watchers_max) return send(Site::answer_overloaded());
  shared_.before_watching();
  watching_ = true;
  waiting_.clear();
  stream_->write(net::write_endless_response(head));
  shared_.events.add(*this, last_event_id);
  stream_->start_reading();  // what comes is ignored, but for the end
}

void HttpConnection::on_events(std::string_view text) {
  if (stream_->queued_bytes() + text.size() > limits::http_watcher_unread_bytes_max) {
    stream_->close();
  } else if (stream_->is_open()) {
    stream_->write(text);
  }
}

void HttpConnection::send(const net::HttpResponse& response) {
  stream_->write(net::write_response(response));
  if (!response.keep_alive) finish();
}

void HttpConnection::finish() {
  if (std::exchange(finishing_, true) || !stream_->is_open()) return;
  waiting_.clear();
  end_asked();
  stream_->close_after_flush(last_words_deadline);
}

bool HttpConnection::is_idle() const {
  return !request_begun_ && waiting_.empty() && !asked_ && !watching_ && !finishing_ &&
         stream_->queued_bytes() == 0;
}

void HttpConnection::check_deadlines(base::MonoTime now, const HttpDeadlines& deadlines) {
  if (finishing_) return;
  if (asked_) {
    if (now - asked_->since > deadlines.answer) asked_->claimant.answer(Site::answer_late());
    return;
  }
  if (watching_ && stream_->queued_bytes() == 0) return;
  const auto allowed = is_idle() ? deadlines.idle : deadlines.request;
  if (now - last_progress_ > allowed) stream_->close();
}

}  // namespace pool
