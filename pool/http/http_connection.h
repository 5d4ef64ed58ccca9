// HttpConnection: one web client. Bytes to requests, requests to Site, answers back, in order.
//
// A client that asks faster than it reads is paused: its further requests wait, and the socket is
// not read until the answers have drained. Of those that had come in one read chunk, at most
// limits::http_requests_waiting_max wait: they are answered, and the connection closes. What can't
// be a request is answered with the reason, after the answers before it, and the connection closes.
//
// Lifetime: the owner keeps it until on_closed has come, and destroys it later in the turn.
// Thread:   the web loop's.
#pragma once

#include "common/base/time.h"
#include "common/net/http.h"
#include "common/uv/tcp.h"
#include "pool/http/site.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

namespace pool {

struct HttpDeadlines {
  std::chrono::milliseconds idle;
  std::chrono::milliseconds request;
};

class HttpConnection {
 public:
  HttpConnection(std::unique_ptr<uv::TcpStream> stream, const Site& site,
                 std::function<void()> on_closed);
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  void start();
  // Closes a client that has been idle, or slow with a request or with reading, for too long.
  void check_deadlines(base::MonoTime now, const HttpDeadlines& deadlines);
  // Between two requests, with nothing left to send: may be closed without harm.
  bool is_idle() const;
  base::MonoTime last_progress() const { return last_progress_; }
  void close() { stream_->close(); }
  // Lets what has been written go out, and answers no more.
  void finish();

 private:
  void on_bytes(base::ByteSpan bytes);
  void on_request(net::HttpRequest&& request);
  void answer_waiting();
  void send(const net::HttpResponse& response);

  const std::unique_ptr<uv::TcpStream> stream_;
  const Site& site_;
  const std::function<void()> on_closed_;
  net::HttpRequestParser parser_;
  std::deque<net::HttpRequest> waiting_;
  std::optional<net::HttpError> broken_;  // the parser's end; answered after waiting_
  bool overrun_ = false;                  // more came than may wait: what follows is ignored
  bool finishing_ = false;
  std::uint64_t requests_ = 0;
  bool request_begun_ = false;  // bytes of a request have come, and not all
  base::MonoTime last_progress_;
};

}  // namespace pool
