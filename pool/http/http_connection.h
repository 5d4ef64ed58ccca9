// HttpConnection: one web client. Bytes to requests, requests to whoever answers them (Site),
// answers back, in order.
//
// An answer may come later than its request: the requests behind it wait, up to the client's
// deadline and to as many as may wait together and of one client (WaitingPlaces); then it is 503.
//
// A client that watches events (EventHub) asks for nothing more on this connection. One that does
// not read them is closed when limits::http_watcher_unread_bytes_max wait for it. One that is slow
// to read its answers has its deadline anew for every http_read_bytes_min that it takes.
//
// A client that asks faster than it reads is paused: its further requests wait, and the socket is
// not read until the answers have drained. Of those that had come in one read chunk, at most
// limits::http_requests_waiting_max wait: they are answered, and the connection closes. What can't
// be a request is answered with the reason, after the answers before it, and the connection closes.
//
// TLS is HttpStream's; here it makes three differences: a handshake counts as a request of its
// address, a listener for TLS alone sends plain requests there, and answers over it may carry a
// promise that there will always be TLS (HttpTls::strict_transport).
//
// Lifetime: the owner keeps it until on_closed has come, and destroys it later in the turn.
// Thread:   the web loop's.
#pragma once

#include "common/base/time.h"
#include "common/net/http.h"
#include "common/uv/tcp.h"
#include "pool/http/address_meter.h"
#include "pool/http/event_hub.h"
#include "pool/http/http_counts.h"
#include "pool/http/http_stream.h"
#include "pool/http/site.h"
#include "pool/http/waiting_places.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

namespace pool {

struct HttpDeadlines {
  std::chrono::milliseconds idle;
  std::chrono::milliseconds request;
  std::chrono::milliseconds answer;
};

// What all connections of a listener have in common.
struct HttpShared {
  std::function<void(const net::HttpRequest&, const Responder&)> answer;
  EventHub& events;
  std::function<void()> before_watching;  // somebody is about to be told the newest events
  AddressMeter meter = {};
  std::shared_ptr<WaitingPlaces> waiting = std::make_shared<WaitingPlaces>();
  std::size_t watchers_max = limits::http_watchers_max;
  HttpTls tls = {};
  HttpCounts counts = {};
};

class HttpConnection final : private EventStream {
 public:
  // `counted_as`: HttpShared::meter has let it in under this address, until it is destroyed.
  HttpConnection(std::unique_ptr<uv::TcpStream> stream, HttpShared& shared,
                 std::optional<AddressPrefix> counted_as, std::function<void()> on_closed);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  void start();
  // Closes a client that has been idle, or slow with a request or with reading, for too long.
  void check_deadlines(base::MonoTime now, const HttpDeadlines& deadlines);
  // Between two requests, with nothing left to send: may be closed without harm.
  bool is_idle() const;
  base::MonoTime last_progress() const { return last_progress_; }
  void close() { stream_.close(); }
  // Lets what has been written go out, and answers no more.
  void finish();

 private:
  // The one request that waits for its answer; requests behind it are not looked at yet.
  struct Asked {
    Claimant claimant;
    base::MonoTime since;
    std::string last_event_id;
    std::optional<AddressPrefix> client;
  };

  void on_bytes(base::ByteSpan bytes);
  void on_request(net::HttpRequest&& request);
  void answer_waiting();
  void ask_site(net::HttpRequest& request);
  bool has_room_to_watch(const std::optional<AddressPrefix>& client);
  void on_answer(Answer&& answer);
  void end_asked();
  void begin_events(net::HttpResponse&& head, const Asked& asked);
  void on_events(std::string_view text) override;
  void send(net::HttpResponse&& response);
  void refuse(const Responder& responder, HttpRefusal why, net::HttpResponse&& response);
  void promise_tls(net::HttpResponse& response) const;
  HttpStream::Callbacks stream_callbacks();

  HttpShared& shared_;
  const std::optional<AddressPrefix> counted_as_;
  const std::function<void()> on_closed_;
  HttpStream stream_;
  const std::optional<base::IpAddress> peer_;
  net::HttpRequestParser parser_;
  std::deque<net::HttpRequest> waiting_;
  std::optional<Asked> asked_;
  bool answering_ = false;                   // answer_waiting() is running
  bool watching_ = false;                    // events go out; nothing is read any more
  std::optional<AddressPrefix> watches_as_;  // in HttpShared::meter, while watching_
  std::optional<net::HttpError> broken_;     // the parser's end; answered after waiting_
  bool overrun_ = false;                     // more came than may wait: what follows is ignored
  bool finishing_ = false;
  std::uint64_t requests_ = 0;
  bool request_begun_ = false;  // bytes of a request have come, and not all
  base::MonoTime last_progress_;
  std::size_t unread_ = 0;  // bytes that waited to be sent when progress was last seen
};

}  // namespace pool
