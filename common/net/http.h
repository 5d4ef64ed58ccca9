// HTTP/1.1 bytes to messages and back, over llhttp; sans IO, bounded.
//
// Errors: a message over its limits or not HTTP: HttpError; the connection is to be closed (a server
//         first answers 400, 413 or 431).
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
};

class HttpRequestParser {
 public:
  explicit HttpRequestParser(HttpLimits limits);
  ~HttpRequestParser();
  // Calls on_message for each whole request in order (pipelining).
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
  [[nodiscard]] base::Result<void, HttpError> push(
      base::ByteSpan bytes, const std::function<void(HttpResponse&&)>& on_message);
  // The peer closed: completes a response whose body runs to the end of the stream.
  [[nodiscard]] base::Result<void, HttpError> finish(
      const std::function<void(HttpResponse&&)>& on_message);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "200 OK"'s second half; empty for a status we do not use.
std::string_view status_text(int status);
// Content-Length and Connection are added here; `body` is left out for HEAD by the caller.
std::string write_response(const HttpResponse& response);
std::string write_request(const HttpRequest& request, std::string_view host);

}  // namespace net
