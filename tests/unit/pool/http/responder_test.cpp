#include "pool/http/responder.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>

using namespace pool;

namespace {

net::HttpRequest request_of(const std::string& method, bool keep_alive = true) {
  net::HttpRequest request;
  request.method = method;
  request.target = "/";
  request.keep_alive = keep_alive;
  return request;
}

net::HttpResponse saying(const std::string& body, int status = 200) {
  net::HttpResponse response;
  response.status = status;
  response.body = body;
  return response;
}

struct Client {
  std::optional<Answer> got;
  int times = 0;
  Responder responder(const net::HttpRequest& request) {
    return Responder(request, [this](Answer&& answer) {
      got = std::move(answer);
      ++times;
    });
  }
};

}  // namespace

TEST_CASE("the first answer counts, whichever copy gives it") {
  Client client;
  const Responder responder = client.responder(request_of("GET"));
  const Responder copy = responder;
  CHECK_FALSE(copy.is_answered());
  copy.answer(saying("first"));
  CHECK(responder.is_answered());
  responder.answer(saying("second"));
  CHECK_EQ(client.times, 1);
  CHECK_EQ(client.got->response.body, "first");
  CHECK(client.got->response.keep_alive);
  CHECK_FALSE(client.got->then_events);
}

TEST_CASE("a claim that nobody answers is answered with 503 when it goes") {
  Client client;
  {
    const Responder responder = client.responder(request_of("GET"));
    const Responder copy = responder;
  }
  CHECK_EQ(client.times, 1);
  CHECK_EQ(client.got->response.status, 503);
  CHECK_NE(client.got->response.body.find("\"no_answer\""), std::string::npos);
}

TEST_CASE("a revoked claim delivers nothing, answered or gone") {
  Client client;
  {
    const Responder responder = client.responder(request_of("GET"));
    Claimant(responder).revoke();
    CHECK(responder.is_answered());
    responder.answer(saying("late"));
  }
  CHECK_EQ(client.times, 0);
}

TEST_CASE("who waits may answer itself, and does not keep the claim alive") {
  Client client;
  std::optional<Responder> responder = client.responder(request_of("HEAD"));
  const Claimant claimant(*responder);
  claimant.answer(saying("too late"));
  responder->answer(saying("later still"));
  CHECK_EQ(client.times, 1);
  CHECK_EQ(net::header_value(client.got->response.headers, "content-length"), "8");
  responder = client.responder(request_of("GET"));
  const Claimant other(*responder);
  responder.reset();
  CHECK_EQ(client.times, 2);
  other.revoke();
  other.answer(saying("nobody hears"));
  CHECK_EQ(client.times, 2);
}

TEST_CASE("HEAD gets the length of the body and no body") {
  Client client;
  client.responder(request_of("HEAD")).answer(saying("12345"));
  CHECK(client.got->response.body.empty());
  CHECK_EQ(net::header_value(client.got->response.headers, "content-length"), "5");
  client.responder(request_of("HEAD")).answer(saying("", 304));
  CHECK_EQ(net::header_value(client.got->response.headers, "content-length"), "");
  client.responder(request_of("HEAD")).answer_with_events(saying(""));
  CHECK_FALSE(client.got->then_events);
}

TEST_CASE("the connection ends where either side asked for it") {
  Client client;
  client.responder(request_of("GET", false)).answer(saying("x"));
  CHECK_FALSE(client.got->response.keep_alive);
  net::HttpResponse last = saying("x");
  last.keep_alive = false;
  client.responder(request_of("GET")).answer(last);
  CHECK_FALSE(client.got->response.keep_alive);
}

TEST_CASE("answering may destroy the responder that answers") {
  std::optional<Responder> held;
  int times = 0;
  held.emplace(request_of("GET"), [&](Answer&&) {
    ++times;
    held.reset();
  });
  held->answer(saying("x"));
  CHECK_EQ(times, 1);
  CHECK_FALSE(held);
}

TEST_CASE("a claim that may wait holds its place until the last copy goes, answered or not") {
  std::weak_ptr<int> place;
  int taken = 0;
  const auto take = [&]() -> std::shared_ptr<void> {
    ++taken;
    const auto made = std::make_shared<int>();
    place = made;
    return made;
  };
  std::optional<Responder> kept;
  {
    const Responder responder(
        request_of("GET"), [](Answer&&) {}, take);
    CHECK(responder.may_wait());
    CHECK(responder.may_wait());
    CHECK_EQ(taken, 1);
    kept = responder;
    responder.answer(saying("late"));
  }
  CHECK_FALSE(place.expired());
  kept.reset();
  CHECK(place.expired());
  const Responder free(request_of("GET"), [](Answer&&) {});
  CHECK(free.may_wait());  // needs no place
}
