#include "pool/http/http_connection.h"

#include "common/uv/clock.h"
#include "pool/core/limits.h"
#include "pool/http/responses.h"

#include <utility>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr auto last_words_deadline = 2s;
// Longer ones are no tags of ours, and would be kept with each request that waits.
constexpr std::size_t if_none_match_bytes_max = 512;
// What a client reads of its answers within limits::http_request_deadline, at the least.
constexpr std::size_t http_read_bytes_min = 64 * 1024;
constexpr net::HttpLimits request_limits{limits::http_header_bytes_max,
                                         limits::http_body_bytes_max};

HttpRefusal refusal_of(net::HttpError error) {
  switch (error) {
    case net::HttpError::malformed:
      return HttpRefusal::malformed;
    case net::HttpError::headers_too_large:
      return HttpRefusal::headers_too_large;
    case net::HttpError::body_too_large:
      return HttpRefusal::body_too_large;
  }
  return HttpRefusal::malformed;
}

}  // namespace

HttpConnection::HttpConnection(std::unique_ptr<uv::TcpStream> stream, HttpShared& shared,
                               std::optional<AddressPrefix> counted_as,
                               std::function<void()> on_closed)
    : shared_(shared),
      counted_as_(counted_as),
      on_closed_(std::move(on_closed)),
      stream_(std::move(stream), shared.tls, shared.counts, stream_callbacks()),
      peer_(base::IpAddress::parse(stream_.peer_address())),
      parser_(request_limits),
      last_progress_(uv::read_clock().mono) {
  ++shared_.counts.connections_opened;
}

HttpStream::Callbacks HttpConnection::stream_callbacks() {
  HttpStream::Callbacks callbacks;
  callbacks.stream.on_bytes = [this](base::ByteSpan bytes) { on_bytes(bytes); };
  callbacks.stream.on_close = [this](uv::CloseCause) { on_closed_(); };
  callbacks.stream.on_drain = [this] {
    last_progress_ = uv::read_clock().mono;
    unread_ = 0;
    answer_waiting();
  };
  callbacks.may_handshake = [this] {
    return !counted_as_ || shared_.meter.on_request(*counted_as_, uv::read_clock().mono);
  };
  return callbacks;
}

HttpConnection::~HttpConnection() {
  end_asked();
  if (watching_) shared_.events.remove(*this);
  if (watches_as_) shared_.meter.on_unwatch(*watches_as_);
  if (counted_as_) shared_.meter.on_disconnect(*counted_as_);
}

void HttpConnection::start() { stream_.start_reading(); }

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
  while (!finishing_ && !watching_ && !asked_ && stream_.is_open()) {
    if (waiting_.empty() || stream_.queued_bytes() > limits::http_write_queue_bytes_high) break;
    net::HttpRequest request = std::move(waiting_.front());
    waiting_.pop_front();
    ask_site(request);
  }
  answering_ = false;
  if (finishing_ || watching_ || !stream_.is_open()) return;
  if (asked_ || !waiting_.empty()) {
    stream_.stop_reading();
  } else if (broken_) {
    shared_.counts.refused(refusal_of(*broken_));
    send(Site::answer_error(*broken_));
  } else {
    stream_.start_reading();
  }
}

void HttpConnection::ask_site(net::HttpRequest& request) {
  const auto client = shared_.meter.client_of(peer_, request.headers);
  const Responder responder(
      request, [this](Answer&& answer) { on_answer(std::move(answer)); },
      [this, client] {
        auto place = shared_.waiting->take(client);
        if (!place) shared_.counts.refused(HttpRefusal::overloaded);
        return place;
      });
  const base::MonoTime now = uv::read_clock().mono;
  asked_ = Asked{Claimant(responder), now,
                 std::string(net::header_value(request.headers, "last-event-id")), client};
  if (client && !shared_.meter.on_request(*client, now)) {
    return refuse(responder, HttpRefusal::rate_limit, Site::answer_too_fast());
  }
  if (shared_.tls.only && !stream_.is_encrypted()) {
    return refuse(responder, HttpRefusal::not_tls, redirect_to_tls(request));
  }
  std::erase_if(request.headers, [](const auto& header) {
    return header.first == "if-none-match" && header.second.size() > if_none_match_bytes_max;
  });
  shared_.answer(request, responder);
}

void HttpConnection::refuse(const Responder& responder, HttpRefusal why,
                            net::HttpResponse&& response) {
  shared_.counts.refused(why);
  responder.answer(std::move(response));
}

void HttpConnection::on_answer(Answer&& answer) {
  const base::MonoTime now = uv::read_clock().mono;
  const Asked asked = std::move(*asked_);
  end_asked();
  if (finishing_ || !stream_.is_open()) return;
  last_progress_ = now;
  if (answer.then_events) {
    begin_events(std::move(answer.response), asked);
  } else {
    send(std::move(answer.response));
    shared_.counts.answer_times.add(now - asked.since);
  }
  answer_waiting();
}

void HttpConnection::end_asked() {
  if (!asked_) return;
  asked_->claimant.revoke();
  asked_.reset();
}

// Watchers behind a proxy are on its connections: they are counted apart from these.
bool HttpConnection::has_room_to_watch(const std::optional<AddressPrefix>& client) {
  if (shared_.events.watchers() >= shared_.watchers_max) return false;
  if (client && !shared_.meter.on_watch(*client)) return false;
  watches_as_ = client;
  return true;
}

void HttpConnection::begin_events(net::HttpResponse&& head, const Asked& asked) {
  if (!has_room_to_watch(asked.client)) {
    shared_.counts.refused(HttpRefusal::overloaded);
    net::HttpResponse refusal = overloaded_response();
    refusal.keep_alive = head.keep_alive;
    return send(std::move(refusal));
  }
  shared_.before_watching();
  watching_ = true;
  waiting_.clear();
  promise_tls(head);
  shared_.counts.answered(head.status);
  ++shared_.counts.watchers_begun;
  stream_.write(net::write_endless_response(head));
  shared_.events.add(*this, asked.last_event_id);
  stream_.start_reading();  // what comes is ignored, but for the end
}

void HttpConnection::on_events(std::string_view text) {
  if (!stream_.is_open()) return;
  if (stream_.queued_bytes() + text.size() > limits::http_watcher_unread_bytes_max) {
    shared_.counts.closed(HttpClose::unread);
    stream_.close();
  } else {
    stream_.write(text);
  }
}

void HttpConnection::send(net::HttpResponse&& response) {
  promise_tls(response);
  shared_.counts.answered(response.status);
  stream_.write(net::write_response(response));
  if (!response.keep_alive) finish();
}

void HttpConnection::promise_tls(net::HttpResponse& response) const {
  if (shared_.tls.strict_transport.empty() || !stream_.is_encrypted()) return;
  response.headers.emplace_back("strict-transport-security", shared_.tls.strict_transport);
}

void HttpConnection::finish() {
  if (std::exchange(finishing_, true) || !stream_.is_open()) return;
  waiting_.clear();
  end_asked();
  stream_.close_after_flush(last_words_deadline);
}

bool HttpConnection::is_idle() const {
  return !request_begun_ && waiting_.empty() && !asked_ && !watching_ && !finishing_ &&
         !stream_.is_in_handshake() && stream_.queued_bytes() == 0;
}

void HttpConnection::check_deadlines(base::MonoTime now, const HttpDeadlines& deadlines) {
  if (finishing_ || !stream_.is_open()) return;
  if (asked_) {
    if (now - asked_->since <= deadlines.answer) return;
    shared_.counts.refused(HttpRefusal::late);
    return asked_->claimant.answer(Site::answer_late());
  }
  if (watching_) return;  // what it may leave unread bounds it
  const std::size_t unread = stream_.queued_bytes();
  if (unread > unread_) unread_ = unread;
  if (unread_ - unread >= http_read_bytes_min) {
    unread_ = unread;
    last_progress_ = now;
  }
  const bool idle = is_idle();
  if (now - last_progress_ <= (idle ? deadlines.idle : deadlines.request)) return;
  shared_.counts.closed(idle ? HttpClose::idle : HttpClose::slow);
  stream_.close();
}

}  // namespace pool
