// HttpConnection over real sockets: answers that come later, and clients that watch events.
#include "pool/http/http_connection.h"

#include "common/uv/clock.h"
#include "common/uv/loop.h"
#include "common/uv/mailbox.h"
#include "pool/http/responses.h"
#include "tests/loop/pool/http/client.h"
#include "tests/unit/common/net/tls_fixture.h"

#include <doctest/doctest.h>

#include <functional>
#include <future>
#include <map>
#include <thread>
#include <vector>

using namespace pool;

namespace {

// Connections on a thread of their own. "/now" is answered at once; every other request waits until
// answer() is called for it, but "/events", which watches. With a certificate they all count as of
// one address, which may make one request.
class Serving {
 public:
  explicit Serving(std::size_t waited_for_max = 100, HttpDeadlines deadlines = {20s, 20s, 20s},
                   std::shared_ptr<const net::TlsContext> tls = nullptr)
      : deadlines_(deadlines), tls_(std::move(tls)) {
    shared_.tls.context = tls_;
    shared_.waiting = std::make_shared<WaitingPlaces>(waited_for_max);
    shared_.watchers_max = 2;
    uv::ListenOptions where;
    where.host = "127.0.0.1";
    auto listener =
        uv::TcpListener::listen(loop_, where, {}, [this](std::unique_ptr<uv::TcpStream> stream) {
          const int id = next_++;
          std::optional<AddressPrefix> counted_as;
          if (shared_.tls.context) counted_as = AddressPrefix::parse("192.0.2.1");
          if (counted_as) CHECK(shared_.meter.on_connect(*counted_as));
          connections_[id] = std::make_unique<HttpConnection>(
              std::move(stream), shared_, counted_as, [this, id] { closed_.push_back(id); });
          connections_[id]->start();
        });
    REQUIRE(listener);
    listener_ = std::move(*listener);
    tick_.start(20ms, 20ms);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Serving() {
    on_loop([this] {
      kept_.clear();
      connections_.clear();
      listener_.reset();
      loop_.stop();
    });
    thread_.join();
  }

  std::uint16_t port() const { return listener_->bound_port(); }
  // Runs it on the loop's thread and waits until it has.
  void on_loop(std::function<void()> work) {
    std::promise<void> done;
    tasks_.post_reserved([&] {
      work();
      done.set_value();
    });
    done.get_future().get();
  }
  // Waits until `number` requests wait for their answers.
  void wait_for_kept(std::size_t number) {
    wait_until([this, number] { return kept_.size() == number; });
  }
  void wait_until(const std::function<bool()>& holds) {
    const auto until = std::chrono::steady_clock::now() + 20s;
    bool there = false;
    while (!there && std::chrono::steady_clock::now() < until) {
      on_loop([&] { there = holds(); });
      if (!there) std::this_thread::sleep_for(5ms);
    }
    REQUIRE(there);
  }
  void answer(const std::string& target) {
    on_loop([&] {
      kept_.at(target).answer(fresh_response(200, text_type, "answer to " + target));
      kept_.erase(target);
    });
  }
  void forget(const std::string& target) {
    on_loop([&] { kept_.erase(target); });
  }
  void publish(const std::string& name, const std::string& data) {
    on_loop([&] { events_.publish(name, data); });
  }
  // On the loop's thread only, in what wait_until() is given.
  std::size_t watchers() const { return events_.watchers(); }
  std::size_t waited_for() const { return shared_.waiting->taken(); }
  std::size_t connections() const { return connections_.size(); }
  const HttpCounts& counts() const { return shared_.counts; }

  void wait_for_watchers(std::size_t number) {
    wait_until([this, number] { return watchers() == number; });
  }
  void wait_for_waited_for(std::size_t number) {
    wait_until([this, number] { return waited_for() == number; });
  }

 private:
  void answer(const net::HttpRequest& request, const Responder& responder) {
    if (request.target == "/now") return responder.answer(fresh_response(200, text_type, "now"));
    if (request.target == "/events") {
      return responder.answer_with_events(fresh_response(200, "text/event-stream", ""));
    }
    if (request.target == "/tag") {
      const std::string tag(net::header_value(request.headers, "if-none-match"));
      return responder.answer(fresh_response(200, text_type, "tag " + std::to_string(tag.size())));
    }
    if (!responder.may_wait()) return responder.answer(overloaded_response());
    kept_.insert_or_assign(request.target, responder);
  }
  void on_tick() {
    for (const int id : closed_) connections_.erase(id);
    closed_.clear();
    const base::MonoTime now = uv::read_clock().mono;
    for (auto& [id, connection] : connections_) connection->check_deadlines(now, deadlines_);
  }

  const HttpDeadlines deadlines_;
  const std::shared_ptr<const net::TlsContext> tls_;
  uv::Loop loop_;
  EventHub events_{0};
  HttpShared shared_{[this](const net::HttpRequest& request, const Responder& responder) {
                       answer(request, responder);
                     },
                     events_, [] {}, AddressMeter({10, tls_ ? 0.001 : 0, {}})};
  std::map<std::string, Responder> kept_;
  std::map<int, std::unique_ptr<HttpConnection>> connections_;
  std::vector<int> closed_;
  int next_ = 0;
  std::unique_ptr<uv::TcpListener> listener_;
  uv::Mailbox<std::function<void()>> tasks_{loop_, 16,
                                            [](std::function<void()>&& task) { task(); }};
  uv::Timer tick_{loop_, [this] { on_tick(); }};
  std::thread thread_;
};

std::string get(const std::string& target, const std::string& headers = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n";
}

}  // namespace

TEST_CASE("an answer may come later; requests behind it wait, those of others don't") {
  Serving serving;
  Client slow(serving.port());
  REQUIRE(slow.send(get("/a") + get("/now") + get("/b")));
  serving.wait_for_kept(1);
  serving.wait_for_waited_for(1);
  Client other(serving.port());
  REQUIRE(other.send(get("/now")));
  CHECK(starts_with(other.read_response(), "HTTP/1.1 200 "));
  serving.answer("/a");
  serving.wait_for_kept(1);
  serving.answer("/b");
  const std::string got =
      slow.read_until([](const std::string& text) { return text.find("to /b") != text.npos; });
  const std::size_t a = got.find("answer to /a");
  const std::size_t now = got.find("\r\n\r\nnow");
  CHECK_LT(a, now);
  CHECK_LT(now, got.find("answer to /b"));
  serving.wait_for_waited_for(0);
}

TEST_CASE("too many that wait, and one that is late: 503") {
  Serving serving(1, {20s, 20s, 300ms});
  Client late(serving.port());
  REQUIRE(late.send(get("/late")));
  serving.wait_for_kept(1);
  Client surplus(serving.port());
  REQUIRE(surplus.send(get("/surplus")));
  const std::string refused = surplus.read_response();
  CHECK(starts_with(refused, "HTTP/1.1 503 "));
  CHECK_NE(refused.find("\"overloaded\""), std::string::npos);
  CHECK_NE(refused.find("retry-after: 5"), std::string::npos);
  const std::string too_late = late.read_response();
  CHECK(starts_with(too_late, "HTTP/1.1 503 "));
  CHECK_NE(too_late.find("\"answer_late\""), std::string::npos);
  // What the endpoint keeps for the late one counts until the endpoint lets go of it.
  serving.wait_for_waited_for(1);
  CHECK(surplus.send(get("/surplus")));
  CHECK_NE(surplus.read_response().find("\"overloaded\""), std::string::npos);
  serving.answer("/late");  // reaches nobody
  serving.wait_for_waited_for(0);
  serving.wait_for_kept(0);  // nothing was kept of the surplus
}

TEST_CASE("one client has only so many of the places for those who wait") {
  Serving serving;
  std::vector<std::unique_ptr<Client>> clients;
  const std::string forwarded = "X-Forwarded-For: 192.0.2.1\r\n";
  for (std::size_t i = 0; i < limits::http_answers_waited_for_per_client_max; ++i) {
    clients.push_back(std::make_unique<Client>(serving.port()));
    REQUIRE(clients.back()->send(get("/" + std::to_string(i), forwarded)));
    serving.wait_for_kept(i + 1);
  }
  Client surplus(serving.port());
  REQUIRE(surplus.send(get("/surplus", forwarded)));
  CHECK_NE(surplus.read_response().find("\"overloaded\""), std::string::npos);
  Client other(serving.port());
  REQUIRE(other.send(get("/other", "X-Forwarded-For: 192.0.2.2\r\n")));
  serving.wait_for_kept(clients.size() + 1);
}

TEST_CASE("a tag that is none of ours is not carried along") {
  Serving serving;
  for (const std::size_t bytes : {std::size_t{18}, std::size_t{512}, std::size_t{513}}) {
    Client client(serving.port());
    REQUIRE(client.send(get("/tag", "If-None-Match: " + std::string(bytes, 'x') + "\r\n")));
    const std::string wanted = "\r\n\r\ntag " + std::to_string(bytes <= 512 ? bytes : 0);
    CHECK_NE(client.read_response().find(wanted), std::string::npos);
  }
}

TEST_CASE("a request that its endpoint forgets is answered with 503") {
  Serving serving;
  Client client(serving.port());
  REQUIRE(client.send(get("/forgotten") + get("/now")));
  serving.wait_for_kept(1);
  serving.forget("/forgotten");
  const std::string got = client.read_until(
      [](const std::string& text) { return text.find("\r\n\r\nnow") != text.npos; });
  CHECK(starts_with(got, "HTTP/1.1 503 "));
  CHECK_NE(got.find("\"no_answer\""), std::string::npos);
}

TEST_CASE("a client that has gone takes its claim along") {
  Serving serving(100, {20s, 20s, 200ms});
  {
    Client gone(serving.port());
    REQUIRE(gone.send(get("/a")));
    serving.wait_for_kept(1);
  }
  serving.wait_until([&] { return serving.connections() == 0; });
  serving.answer("/a");  // reaches nobody
  serving.wait_for_waited_for(0);
}

TEST_CASE("events go to who watches, until it goes") {
  Serving serving;
  Client a(serving.port());
  REQUIRE(a.send(get("/events")));
  serving.wait_for_watchers(1);
  serving.publish("tip", "7");
  const std::string got =
      a.read_until([](const std::string& text) { return text.find("data: 7\n\n") != text.npos; });
  CHECK(starts_with(got, "HTTP/1.1 200 OK\r\n"));
  CHECK_NE(got.find("content-type: text/event-stream\r\n"), std::string::npos);
  CHECK_NE(got.find("connection: close\r\n"), std::string::npos);
  CHECK_EQ(got.find("content-length"), std::string::npos);
  CHECK_NE(got.find("\r\n\r\nretry: 3000\n\nid: 1\nevent: tip\ndata: 7\n\n"), std::string::npos);
  {
    Client b(serving.port());
    REQUIRE(b.send(get("/events", "Last-Event-ID: 1\r\n")));
    serving.wait_for_watchers(2);
    Client c(serving.port());
    REQUIRE(c.send(get("/events")));  // one more than may watch
    CHECK(starts_with(c.read_response(), "HTTP/1.1 503 "));
    REQUIRE(c.send(get("/events", "Connection: close\r\n")));
    CHECK_NE(c.read_to_end().find("connection: close\r\n"), std::string::npos);
    CHECK(c.ended());
    serving.publish("tip", "8");
    const std::string later =
        b.read_until([](const std::string& text) { return text.find("data: 8") != text.npos; });
    CHECK_EQ(later.find("data: 7"), std::string::npos);
    REQUIRE(b.send(get("/now")));  // not heard any more
  }
  serving.wait_for_watchers(1);
}

TEST_CASE("a client that does not read its events is closed for that, not for its silence") {
  Serving serving(100, {20ms, 20ms, 20s});
  Client deaf(serving.port());
  REQUIRE(deaf.send(get("/events")));
  serving.wait_for_watchers(1);
  const std::string much(16 * 1024, 'x');
  int published = 0;
  std::size_t watchers = 1;
  while (watchers == 1 && published < 10'000) {
    serving.publish("tip", std::to_string(published++) + much);
    serving.on_loop([&] { watchers = serving.watchers(); });
  }
  CHECK_EQ(watchers, 0);
  serving.wait_until([&] { return serving.connections() == 0; });
  serving.on_loop([&] {
    CHECK_EQ(serving.counts().closes[static_cast<std::size_t>(HttpClose::unread)], 1);
    CHECK_EQ(serving.counts().closes[static_cast<std::size_t>(HttpClose::slow)], 0);
  });
}

TEST_CASE("a TLS handshake counts as a request of its address") {
  const auto made = tls_test::make_certificate("web.test");
  const auto context = net::TlsContext::from_pem({made.chain, "chain"}, {made.key, "key"});
  REQUIRE(context);
  Serving serving(100, {20s, 20s, 20s}, *context);
  tls_test::Client hello;
  Client first(serving.port());
  REQUIRE(first.send(hello.take()));
  const std::string answer =
      first.read_until([](const std::string& text) { return !text.empty(); });
  CHECK_EQ(answer.substr(0, 1), "\x16");
  tls_test::Client again;
  Client second(serving.port());
  REQUIRE(second.send(again.take()));
  CHECK_EQ(second.read_to_end(), "");
  CHECK(second.ended());
}
