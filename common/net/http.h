// HTTP/1.1 bytes to messages and back, over llhttp; sans IO, bounded.
//
// Errors: a message over its limits or not HTTP/1.x: HttpError; the connection is to be closed (a
//         server first answers 400, 431 or 413). A parser that failed keeps failing.
// Limits: header_bytes_max covers start line, headers, trailers and chunk extensions, each header
//         counted with 32 bytes on top; a body announced too large is refused before it comes.
// Thread: one owner, one thread.
#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace net {

enum class HttpError { malformed, headers_too_large, body_too_large };

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;  // names in lower case

// The first header of that (lower-case) name, or empty.
std::string_view header_value(const HttpHeaders& headers, std::string_view lower_case_name);

struct HttpRequest {
  std::string method;  // "GET"
  std::string target;  // path and query as sent
  HttpHeaders headers;
  std::string body;
  bool keep_alive = true;
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;
  std::string body;
  bool keep_alive = true;
};

struct HttpLimits {
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t body_bytes_max = 64 * 1024;
  // Room kept free behind a body whose length is announced, so that its owner can go on without
  // copying it.
  std::size_t body_spare_bytes = 0;
};

class HttpRequestParser {
 public:
  explicit HttpRequestParser(HttpLimits limits);
  ~HttpRequestParser();
  HttpRequestParser(HttpRequestParser&&) noexcept;
  HttpRequestParser& operator=(HttpRequestParser&&) noexcept;
  // Calls on_message for each whole request in order (pipelining). It must not destroy the parser.
  // What follows a request that ends the connection (keep_alive false) is ignored.
  [[nodiscard]] base::Result<void, HttpError> push(
      base::ByteSpan bytes, const std::function<void(HttpRequest&&)>& on_message);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class HttpResponseParser {
 public:
  explicit HttpResponseParser(HttpLimits limits);
  ~HttpResponseParser();
  HttpResponseParser(HttpResponseParser&&) noexcept;
  HttpResponseParser& operator=(HttpResponseParser&&) noexcept;
  // The next response answers a HEAD request: it has no body, whatever its headers say.
  void expect_head_response();
  // The next body is gathered in this one's memory, if that is large enough.
  void reuse(std::string&& body);
  // Calls on_message for each whole response in order; interim ones (1xx) are skipped. It must not
  // destroy the parser.
  [[nodiscard]] base::Result<void, HttpError> push(
      base::ByteSpan bytes, const std::function<void(HttpResponse&&)>& on_message);
  // The peer closed: completes a response whose body runs to the end of the stream. Malformed when
  // it closed in the middle of one; fine when it closed between two.
  [[nodiscard]] base::Result<void, HttpError> finish(
      const std::function<void(HttpResponse&&)>& on_message);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "200 OK"'s second half; empty for a status we do not use.
std::string_view status_text(int status);
// Content-Length and Connection are added here, Content-Length only where the headers do not have
// it (nor Transfer-Encoding) and the status allows a body. To answer HEAD, give the body's length
// as a header and leave the body empty. Control characters in header values are dropped.
std::string write_response(const HttpResponse& response);
// Only the head of it, for a body that goes on until the connection closes.
std::string write_endless_response(const HttpResponse& response);
std::string write_request(const HttpRequest& request, std::string_view host);

}  // namespace net
