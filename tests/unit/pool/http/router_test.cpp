#include "pool/http/router.h"

#include "pool/http/responses.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>

using namespace pool;

namespace {

net::HttpResponse ask(const Router& router, const std::string& target,
                      const std::string& method = "GET") {
  net::HttpRequest request;
  request.method = method;
  request.target = target;
  std::optional<net::HttpResponse> got;
  router.answer(request,
                Responder(request, [&](Answer&& answer) { got = std::move(answer.response); }));
  REQUIRE(got);
  return *got;
}

Router::AnswerNow says(const std::string& name) {
  return [name](const RoutedRequest& request) {
    std::string body = name;
    for (const std::string& segment : request.segments) body += "|" + segment;
    return fresh_response(200, text_type, body);
  };
}

}  // namespace

TEST_CASE("a path finds its endpoint, exact ones first") {
  Router router;
  router.get("/", says("root"));
  router.get("/miners", says("all"));
  router.get("/miners/{address}", says("one"));
  router.get("/miners/top", says("top"));
  router.get("/miners/{address}/history", says("history"));
  struct Row {
    const char* target;
    const char* body;
  };
  const Row rows[] = {
      {"/", "root"},
      {"/?x=1", "root"},
      {"http://pool.example", "root"},
      {"https://pool.example:8080/miners#top", "all"},
      {"/miners", "all"},
      {"/miners/top", "top"},
      {"/miners/bc1q", "one|bc1q"},
      {"/miners/a%2Fb%20c?page=2", "one|a/b c"},
      {"/miners/%zz%", "one|%zz%"},
      {"/miners/bc1q/history", "history|bc1q"},
      {"/miners/top/history", "history|top"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.target);
    const net::HttpResponse got = ask(router, row.target);
    CHECK_EQ(got.status, 200);
    CHECK_EQ(got.body, row.body);
  }
}

TEST_CASE("what is in no row of the table is 404, 405 or 400, with a code and a hint") {
  Router router;
  router.set_hint("there is /miners");
  router.get("/miners/{address}", says("one"));
  router.post("/drain", says("drained"));
  for (const char* target : {"/", "/miners", "/miners/", "/miners//", "/miners/a/b", "/Miners/a",
                             "//miners/a", "/miners/a/", "/drain/"}) {
    CAPTURE(target);
    const net::HttpResponse got = ask(router, target);
    CHECK_EQ(got.status, 404);
    CHECK_NE(got.body.find("\"code\":\"not_found\""), std::string::npos);
    CHECK_NE(got.body.find("\"hint\":\"there is /miners\""), std::string::npos);
  }
  for (const char* target : {"", "*", "miners/a", "pool.example:443", "ftp://pool/miners/a"}) {
    CAPTURE(target);
    CHECK_EQ(ask(router, target).status, 400);
  }
  CHECK_EQ(ask(router, "/miners/a", "HEAD").status, 200);
  for (const char* method : {"POST", "PUT", "get", "", "OPTIONS"}) {
    CAPTURE(method);
    const net::HttpResponse got = ask(router, "/miners/a", method);
    CHECK_EQ(got.status, 405);
    CHECK_EQ(net::header_value(got.headers, "allow"), "GET, HEAD");
  }
  CHECK_EQ(ask(router, "/drain", "POST").body, "drained");
  for (const char* method : {"GET", "HEAD", "DELETE"}) {
    CAPTURE(method);
    const net::HttpResponse got = ask(router, "/drain", method);
    CHECK_EQ(got.status, 405);
    CHECK_EQ(net::header_value(got.headers, "allow"), "POST");
  }
}

TEST_CASE("values of the query are decoded as forms write them, the first of a name") {
  const auto value = [](const char* target, const char* name) {
    net::HttpRequest request;
    request.target = target;
    return RoutedRequest{request, "/", {}}.query(name);
  };
  CHECK_EQ(value("/?a=1&b=2", "b"), "2");
  CHECK_EQ(value("/?b=1&b=2", "b"), "1");
  CHECK_EQ(value("/?b=", "b"), "");
  CHECK_EQ(value("/?b=a+b%2Bc%26", "b"), "a b+c&");
  CHECK_EQ(value("/?x=1#?b=2", "b"), std::nullopt);
  CHECK_EQ(value("/?bb=1&b", "b"), std::nullopt);
  CHECK_EQ(value("/b=1", "b"), std::nullopt);
  CHECK_EQ(value("/?&&&b=1", "b"), "1");
  CHECK_EQ(value("/?b=1?c=2", "b"), "1?c=2");
}

TEST_CASE("an endpoint may keep the responder and answer later") {
  Router router;
  std::optional<Responder> kept;
  router.get_later("/slow",
                   [&](const RoutedRequest&, const Responder& responder) { kept = responder; });
  net::HttpRequest request;
  request.method = "GET";
  request.target = "/slow";
  std::string got;
  router.answer(request, Responder(request, [&](Answer&& answer) { got = answer.response.body; }));
  CHECK(got.empty());
  REQUIRE(kept);
  kept->answer(fresh_response(200, text_type, "there it is"));
  CHECK_EQ(got, "there it is");
}

TEST_CASE("who may not wait does not reach an endpoint that may answer later") {
  Router router;
  int asked = 0;
  router.get("/now", says("now"));
  router.get_later("/later", [&](const RoutedRequest&, const Responder& responder) {
    ++asked;
    responder.answer(fresh_response(200, text_type, "later"));
  });
  int places = 0;
  const auto get = [&](const std::string& target) {
    net::HttpRequest request;
    request.method = "GET";
    request.target = target;
    std::optional<net::HttpResponse> got;
    const auto take = [&]() -> std::shared_ptr<void> {
      return places-- > 0 ? std::make_shared<int>() : nullptr;
    };
    router.answer(request,
                  Responder(
                      request, [&](Answer&& answer) { got = std::move(answer.response); }, take));
    REQUIRE(got);
    return *got;
  };
  CHECK_EQ(get("/now").status, 200);
  CHECK_EQ(places, 0);  // was not asked for one
  const net::HttpResponse refused = get("/later");
  CHECK_EQ(refused.status, 503);
  CHECK_EQ(net::header_value(refused.headers, "retry-after"), "5");
  CHECK_EQ(asked, 0);
  places = 1;
  CHECK_EQ(get("/later").status, 200);
  CHECK_EQ(asked, 1);
}
