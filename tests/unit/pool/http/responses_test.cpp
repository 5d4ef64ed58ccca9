#include "pool/http/responses.h"

#include <doctest/doctest.h>

#include <string>

using namespace pool;

TEST_CASE("an error has a code for programs, and a message and a hint for people") {
  const net::HttpResponse got = error_response(404, "not_found", "no \"such\" thing", "look");
  CHECK_EQ(got.status, 404);
  CHECK_EQ(got.body,
           "{\"error\":{\"code\":\"not_found\",\"message\":\"no \\\"such\\\" thing\",\"hint\":"
           "\"look\"}}\n");
  CHECK_EQ(net::header_value(got.headers, "cache-control"), "no-store");
  CHECK_EQ(net::header_value(got.headers, "content-type"), json_type);
  CHECK_EQ(net::header_value(got.headers, "x-content-type-options"), "nosniff");
}

TEST_CASE("a tag is FNV-1a 64 of the body") {
  // http://www.isthe.com/chongo/tech/comp/fnv/, test vectors of FNV-1a.
  CHECK_EQ(etag_of(""), "\"cbf29ce484222325\"");
  CHECK_EQ(etag_of("a"), "\"af63dc4c8601ec8c\"");
  CHECK_EQ(etag_of("foobar"), "\"85944171f73967e8\"");
}

TEST_CASE("a body that the client has is not sent again") {
  const auto tagged = [](const std::string& seen) {
    return tagged_response({{"if-none-match", seen}}, text_type, "foobar", "no-cache");
  };
  for (const char* seen :
       {"\"85944171f73967e8\"", "*", "W/\"85944171f73967e8\"", "\"x\", \"85944171f73967e8\""}) {
    CAPTURE(seen);
    CHECK_EQ(tagged(seen).status, 304);
    CHECK(tagged(seen).body.empty());
    CHECK_EQ(net::header_value(tagged(seen).headers, "etag"), "\"85944171f73967e8\"");
  }
  for (const char* seen : {"", "\"x\"", "85944171f73967e8"}) {
    CAPTURE(seen);
    CHECK_EQ(tagged(seen).status, 200);
    CHECK_EQ(tagged(seen).body, "foobar");
  }
}

TEST_CASE("a plain request is sent to TLS at the host it names, if that could be one") {
  const auto redirected = [](const char* host, const char* target) {
    net::HttpRequest request{"GET", target, {}, "", true};
    if (host != nullptr) request.headers.emplace_back("host", host);
    return redirect_to_tls(request);
  };
  struct Row {
    const char* why;
    const char* host;
    const char* target;
    const char* location;  // empty: 400
  };
  const std::string long_host(260, 'a');
  const Row rows[] = {
      {"as it is", "pool.example", "/", "https://pool.example/"},
      {"with its port, which is the same", "pool.example:8080", "/a?b=c%20d#",
       "https://pool.example:8080/a?b=c%20d#"},
      {"an address", "[2001:db8::1]:8080", "/", "https://[2001:db8::1]:8080/"},
      {"none named", nullptr, "/", ""},
      {"empty", "", "/", ""},
      {"somebody else's path in it", "evil.example/x", "/", ""},
      {"a user in it", "pool@evil.example", "/", ""},
      {"blanks", "pool example", "/", ""},
      {"too long", long_host.c_str(), "/", ""},
      {"no path", "pool.example", ".evil.example/", ""},
      {"for a proxy", "pool.example", "http://pool.example/", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const net::HttpResponse got = redirected(row.host, row.target);
    CHECK_EQ(net::header_value(got.headers, "location"), row.location);
    CHECK_EQ(got.status, *row.location == '\0' ? 400 : 308);
    CHECK_NE(got.body.find("\"tls_only\""), std::string::npos);
  }
}
