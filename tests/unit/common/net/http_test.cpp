#include "common/net/http.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using net::HttpError;
using net::HttpLimits;

namespace {

const std::size_t fragment_sizes[] = {1, 2, 5, 10, 100, 1'000'000};

struct Outcome {
  std::vector<net::HttpRequest> requests;
  bool failed = false;
  HttpError error{};
};

Outcome parse_requests(std::string_view text, std::size_t fragment, HttpLimits limits = {}) {
  Outcome out;
  net::HttpRequestParser parser(limits);
  for (std::size_t at = 0; at < text.size(); at += fragment) {
    const auto pushed = parser.push(
        base::as_bytes(text.substr(at, fragment)),
        [&](net::HttpRequest&& request) { out.requests.push_back(std::move(request)); });
    if (pushed) continue;
    out.failed = true;
    out.error = pushed.error();
    break;
  }
  return out;
}

struct ResponseOutcome {
  std::vector<net::HttpResponse> responses;
  bool failed = false;
  HttpError error{};
};

ResponseOutcome parse_responses(std::string_view text, std::size_t fragment, bool then_closed,
                                HttpLimits limits = {}, bool head = false) {
  ResponseOutcome out;
  net::HttpResponseParser parser(limits);
  if (head) parser.expect_head_response();
  const auto keep = [&](net::HttpResponse&& r) { out.responses.push_back(std::move(r)); };
  const auto note = [&](const base::Result<void, HttpError>& result) {
    if (result) return true;
    out.failed = true;
    out.error = result.error();
    return false;
  };
  for (std::size_t at = 0; at < text.size(); at += fragment) {
    if (!note(parser.push(base::as_bytes(text.substr(at, fragment)), keep))) return out;
  }
  if (then_closed) note(parser.finish(keep));
  return out;
}

}  // namespace

TEST_CASE("a GET request, with what makes it up") {
  for (const std::size_t fragment : fragment_sizes) {
    CAPTURE(fragment);
    const Outcome out = parse_requests(
        "GET /api/v1/stats?window=3600 HTTP/1.1\r\nHost: pool.example\r\nX-Empty:\r\n"
        "Accept:  text/html \t\r\n\r\n",
        fragment);
    REQUIRE_FALSE(out.failed);
    REQUIRE_EQ(out.requests.size(), 1);
    const net::HttpRequest& request = out.requests[0];
    CHECK_EQ(request.method, "GET");
    CHECK_EQ(request.target, "/api/v1/stats?window=3600");
    CHECK_EQ(request.headers.size(), 3);
    CHECK_EQ(net::header_value(request.headers, "host"), "pool.example");
    CHECK_EQ(net::header_value(request.headers, "x-empty"), "");
    CHECK_EQ(net::header_value(request.headers, "accept"), "text/html");
    CHECK_EQ(net::header_value(request.headers, "absent"), "");
    CHECK_EQ(request.body, "");
    CHECK(request.keep_alive);
  }
}

TEST_CASE("pipelined requests come in order, bodies by length and by chunks") {
  const std::string text =
      "POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
      "POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;note=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Trailer: dropped\r\n\r\n"
      "HEAD /c HTTP/1.1\r\n\r\n"
      "POST /d HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
      "GET /e HTTP/1.1\r\nConnection: close\r\n\r\n"
      "GET /ignored HTTP/1.1\r\n\r\n";
  for (const std::size_t fragment : fragment_sizes) {
    CAPTURE(fragment);
    const Outcome out = parse_requests(text, fragment);
    REQUIRE_FALSE(out.failed);
    REQUIRE_EQ(out.requests.size(), 5);
    CHECK_EQ(out.requests[0].body, "hello");
    CHECK_EQ(out.requests[1].target, "/b");
    CHECK_EQ(out.requests[1].body, "abc0123456789");
    CHECK_EQ(out.requests[1].headers.size(), 1);
    CHECK_EQ(out.requests[2].method, "HEAD");
    CHECK_EQ(out.requests[3].body, "");
    CHECK(out.requests[3].keep_alive);
    CHECK_FALSE(out.requests[4].keep_alive);
  }
}

TEST_CASE("keep_alive follows version and Connection") {
  struct Row {
    std::string why;
    const char* text;
    bool keep_alive;
  };
  const Row rows[] = {
      {"1.1 stays open", "GET / HTTP/1.1\r\n\r\n", true},
      {"1.1 with close", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", false},
      {"1.0 closes", "GET / HTTP/1.0\r\n\r\n", false},
      {"1.0 may ask to stay", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const Outcome out = parse_requests(row.text, 1000);
    REQUIRE_EQ(out.requests.size(), 1);
    CHECK_EQ(out.requests[0].keep_alive, row.keep_alive);
  }
}

TEST_CASE("a request to upgrade is an ordinary request") {
  for (const std::size_t fragment : fragment_sizes) {
    CAPTURE(fragment);
    const Outcome out = parse_requests(
        "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        "GET /next HTTP/1.1\r\n\r\n",
        fragment);
    REQUIRE_FALSE(out.failed);
    REQUIRE_EQ(out.requests.size(), 2);
    CHECK_EQ(out.requests[1].target, "/next");
  }
}

TEST_CASE("what is not an HTTP/1 request is malformed") {
  struct Row {
    std::string why;
    std::string text;
  };
  const Row rows[] = {
      {"a Stratum line", "{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[]}\n"},
      {"TLS client hello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 9)},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"a version we do not speak", "GET / HTTP/2.0\r\n\r\n"},
      {"HTTP/0.9 has no headers or status", "GET /\r\n\r\n"},
      {"two ways to frame a body (request smuggling)",
       "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"two content lengths",
       "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"},
      {"content length not a number", "POST / HTTP/1.1\r\nContent-Length: 3x\r\n\r\nabc"},
      {"content length beyond 64 bits",
       "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n"},
      {"space before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n"},
      {"a NUL in a header", std::string("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 29)},
      {"chunk size not hex", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"},
  };
  for (const Row& row : rows) {
    for (const std::size_t fragment : fragment_sizes) {
      CAPTURE(row.why);
      CAPTURE(fragment);
      const Outcome out = parse_requests(row.text, fragment);
      REQUIRE(out.failed);
      CHECK_EQ(out.error, HttpError::malformed);
      CHECK(out.requests.empty());
    }
  }
}

TEST_CASE("the bounds: exactly full passes, one more byte does not") {
  const HttpLimits limits{.header_bytes_max = 200, .body_bytes_max = 50};
  const auto long_header = [](std::size_t value_bytes) {
    // "/" and "X" count one byte each, the header 32 more.
    return "GET / HTTP/1.1\r\nX: " + std::string(value_bytes, 'v') + "\r\n\r\n";
  };
  const auto long_target = [](std::size_t bytes) {
    return "GET /" + std::string(bytes - 1, 't') + " HTTP/1.1\r\n\r\n";
  };
  const auto by_length = [](std::size_t bytes) {
    return "POST / HTTP/1.1\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n" +
           std::string(bytes, 'b');
  };
  const auto by_chunks = [](std::size_t bytes) {
    std::string text = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (std::size_t i = 0; i < bytes; ++i) text += "1\r\nb\r\n";
    return text + "0\r\n\r\n";
  };
  struct Row {
    std::string why;
    std::string fits;
    std::string too_long;
    HttpError error;
  };
  const std::string chunk_head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;";
  const Row rows[] = {
      {"header value", long_header(166), long_header(167), HttpError::headers_too_large},
      {"target", long_target(200), long_target(201), HttpError::headers_too_large},
      {"body by length", by_length(50), by_length(51), HttpError::body_too_large},
      {"body by chunks", by_chunks(50), by_chunks(51), HttpError::body_too_large},
      {"chunk extensions count as headers", chunk_head + "e\r\nb\r\n0\r\n\r\n",
       chunk_head + std::string(200, 'e') + "\r\nb\r\n0\r\n\r\n", HttpError::headers_too_large},
      {"trailers count as headers", chunk_head + "e\r\nb\r\n0\r\nT: v\r\n\r\n",
       chunk_head + "e\r\nb\r\n0\r\nT: " + std::string(200, 'v') + "\r\n\r\n",
       HttpError::headers_too_large},
  };
  for (const Row& row : rows) {
    for (const std::size_t fragment : fragment_sizes) {
      CAPTURE(row.why);
      CAPTURE(fragment);
      const Outcome fits = parse_requests(row.fits, fragment, limits);
      CHECK_FALSE(fits.failed);
      CHECK_EQ(fits.requests.size(), 1);
      const Outcome too_long = parse_requests(row.too_long, fragment, limits);
      REQUIRE(too_long.failed);
      CHECK_EQ(too_long.error, row.error);
    }
  }
}

TEST_CASE("a body announced too large is refused before a byte of it comes") {
  const Outcome out =
      parse_requests("POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 1000);
  REQUIRE(out.failed);
  CHECK_EQ(out.error, HttpError::body_too_large);
}

TEST_CASE("a body of announced length is gathered once, with room behind it for its owner") {
  const HttpLimits limits{.body_bytes_max = 1 << 20, .body_spare_bytes = 64};
  const std::string body(100'000, 'x');
  const std::string head = "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  for (const std::size_t fragment : {std::size_t{1000}, std::size_t{65536}}) {
    const ResponseOutcome out =
        parse_responses("HTTP/1.1 200 OK\r\n" + head + body, fragment, false, limits);
    REQUIRE_EQ(out.responses.size(), 1);
    CHECK(out.responses[0].body == body);
    CHECK_EQ(out.responses[0].body.capacity(), body.size() + 64);  // neither more nor less
  }
}

TEST_CASE("a body that was done with lends its memory to the next") {
  net::HttpResponseParser parser({.body_bytes_max = 1 << 20, .body_spare_bytes = 64});
  std::vector<std::string> bodies;
  const auto get = [&](std::size_t size) {
    const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) +
                             "\r\n\r\n" + std::string(size, static_cast<char>('a' + bodies.size()));
    REQUIRE(parser.push(base::as_bytes(text),
                        [&](net::HttpResponse&& r) { bodies.push_back(std::move(r.body)); }));
  };
  get(100'000);
  const void* const memory = bodies[0].data();
  parser.reuse(std::move(bodies[0]));
  get(90'000);
  CHECK_EQ(static_cast<const void*>(bodies[1].data()), memory);
  CHECK(bodies[1] == std::string(90'000, 'b'));
  parser.reuse(std::move(bodies[1]));
  get(200'000);  // too small for that
  CHECK(bodies[2] == std::string(200'000, 'c'));

  // In the middle of a body there is nothing to lend to.
  const std::string_view half = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab";
  const auto keep = [&](net::HttpResponse&& r) { bodies.push_back(std::move(r.body)); };
  REQUIRE(parser.push(base::as_bytes(half), keep));
  parser.reuse(std::string(100, 'x'));
  REQUIRE(parser.push(base::as_bytes("cd"), keep));
  CHECK_EQ(bodies.back(), "abcd");
}

TEST_CASE("the bounds are per message, and a parser that failed keeps failing") {
  const HttpLimits limits{.header_bytes_max = 60, .body_bytes_max = 5};
  std::string text;
  for (int i = 0; i < 10; ++i) text += "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
  CHECK_EQ(parse_requests(text, 7, limits).requests.size(), 10);

  net::HttpRequestParser parser(limits);
  const auto ignore = [](net::HttpRequest&&) {};
  CHECK_FALSE(parser.push(base::as_bytes("garbage\r\n\r\n"), ignore));
  CHECK_FALSE(parser.push(base::as_bytes("GET / HTTP/1.1\r\n\r\n"), ignore));
}

TEST_CASE("responses: by length, by chunks, without body, in order; interim ones are skipped") {
  const std::string text =
      "HTTP/1.1 100 Continue\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
      "HTTP/1.1 500 Internal Server Error\r\nTransfer-Encoding: "
      "chunked\r\n\r\n4\r\noops\r\n0\r\n\r\n"
      "HTTP/1.1 204 No Content\r\n\r\n"
      "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  for (const std::size_t fragment : fragment_sizes) {
    CAPTURE(fragment);
    const ResponseOutcome out = parse_responses(text, fragment, true);
    REQUIRE_FALSE(out.failed);
    REQUIRE_EQ(out.responses.size(), 4);
    CHECK_EQ(out.responses[0].status, 200);
    CHECK_EQ(out.responses[0].body, "{}");
    CHECK(out.responses[0].keep_alive);
    CHECK_EQ(net::header_value(out.responses[0].headers, "content-type"), "application/json");
    CHECK_EQ(out.responses[1].body, "oops");
    CHECK_EQ(out.responses[2].status, 204);
    CHECK_EQ(out.responses[3].status, 401);
    CHECK_FALSE(out.responses[3].keep_alive);
  }
}

TEST_CASE("a response without a length runs to the end of the stream") {
  for (const std::size_t fragment : fragment_sizes) {
    CAPTURE(fragment);
    const std::string text = "HTTP/1.1 200 OK\r\n\r\nall of it";
    CHECK(parse_responses(text, fragment, false).responses.empty());
    const ResponseOutcome out = parse_responses(text, fragment, true);
    REQUIRE_FALSE(out.failed);
    REQUIRE_EQ(out.responses.size(), 1);
    CHECK_EQ(out.responses[0].body, "all of it");
    CHECK_FALSE(out.responses[0].keep_alive);
  }
}

TEST_CASE("a response cut short by the peer is malformed; closing between two is not") {
  const std::string whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  CHECK_FALSE(parse_responses(whole, 10, true).failed);
  for (std::size_t cut = 1; cut < whole.size(); ++cut) {
    CAPTURE(cut);
    const ResponseOutcome out = parse_responses(whole.substr(0, cut), 10, true);
    CHECK(out.failed);
    CHECK(out.responses.empty());
  }
}

TEST_CASE("the response to HEAD has a length and no body") {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n";
  const std::string next = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno";
  for (const std::size_t fragment : fragment_sizes) {
    const ResponseOutcome out =
        parse_responses(head + next, fragment, true, {.body_bytes_max = 10}, true);
    REQUIRE_FALSE(out.failed);
    REQUIRE_EQ(out.responses.size(), 2);
    CHECK_EQ(out.responses[0].body, "");
    CHECK_EQ(out.responses[1].body, "no");
  }
}

TEST_CASE("what write_response writes is what the parser reads") {
  const net::HttpResponse response{.status = 200,
                                   .headers = {{"content-type", "text/plain"}},
                                   .body = "hello\r\n",
                                   .keep_alive = false};
  const std::string text = net::write_response(response);
  CHECK_EQ(text,
           "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 7\r\n"
           "connection: close\r\n\r\nhello\r\n");
  const ResponseOutcome out = parse_responses(text, 3, false);
  REQUIRE_EQ(out.responses.size(), 1);
  CHECK_EQ(out.responses[0].body, response.body);
}

TEST_CASE("a response without an end promises no length, and ends with its connection") {
  CHECK_EQ(net::write_endless_response({.status = 200,
                                        .headers = {{"content-type", "text/event-stream"}},
                                        .body = "not sent",
                                        .keep_alive = true}),
           "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n");
}

TEST_CASE("write_response leaves framing that is given, or not allowed, alone") {
  CHECK_EQ(net::write_response({.status = 204, .headers = {}, .body = {}, .keep_alive = true}),
           "HTTP/1.1 204 No Content\r\nconnection: keep-alive\r\n\r\n");
  CHECK_EQ(
      net::write_response(
          {.status = 200, .headers = {{"content-length", "12"}}, .body = {}, .keep_alive = true}),
      "HTTP/1.1 200 OK\r\ncontent-length: 12\r\nconnection: keep-alive\r\n\r\n");
}

TEST_CASE("a header value cannot smuggle another line") {
  const std::string text = net::write_response({.status = 302,
                                                .headers = {{"location", "/a\r\nset-cookie: x"}},
                                                .body = {},
                                                .keep_alive = true});
  CHECK_NE(text.find("location: /aset-cookie: x\r\n"), std::string::npos);
}

TEST_CASE("what write_request writes is what the parser reads") {
  const std::string text = net::write_request({.method = "POST",
                                               .target = "/wallet/",
                                               .headers = {{"authorization", "Basic dTpw"}},
                                               .body = "[]",
                                               .keep_alive = true},
                                              "127.0.0.1:18443");
  CHECK_EQ(text,
           "POST /wallet/ HTTP/1.1\r\nhost: 127.0.0.1:18443\r\nauthorization: Basic dTpw\r\n"
           "content-length: 2\r\nconnection: keep-alive\r\n\r\n[]");
  const Outcome out = parse_requests(text, 3);
  REQUIRE_EQ(out.requests.size(), 1);
  CHECK_EQ(out.requests[0].body, "[]");
}
