// HTTP over llhttp 8 or 9: one reader collects a message of either direction; the two parsers of
// http.h differ in what they make of it. llhttp pauses after each message, so that on_message is
// called from here and never through its C frames.
#include "common/net/http.h"

#include <llhttp.h>

#include <array>
#include <optional>

namespace net {

namespace {

constexpr std::size_t header_overhead_bytes = 32;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

class MessageReader {
 public:
  MessageReader(llhttp_type_t type, HttpLimits limits) : limits_(limits) {
    llhttp_init(&parser_, type, &settings());
    parser_.data = this;
  }
  MessageReader(const MessageReader&) = delete;
  MessageReader& operator=(const MessageReader&) = delete;

  // Calls on_whole() for each message that ends in `bytes`; it takes what it wants from the public
  // members, which are cleared when the next message begins.
  template <class OnWhole>
  base::Result<void, HttpError> push(base::ByteSpan bytes, OnWhole on_whole) {
    if (error_) return base::err(*error_);
    std::string_view rest = base::as_text(bytes);
    while (!rest.empty() && !ended_) {
      const llhttp_errno_t result = llhttp_execute(&parser_, rest.data(), rest.size());
      if (result == HPE_OK) return {};
      if (result != HPE_PAUSED) return fail();
      rest.remove_prefix(static_cast<std::size_t>(llhttp_get_error_pos(&parser_) - rest.data()));
      resume_between_messages();
      on_whole();
    }
    return {};
  }

  template <class OnWhole>
  base::Result<void, HttpError> finish(OnWhole on_whole) {
    if (error_) return base::err(*error_);
    if (between_messages_) return {};
    const llhttp_errno_t result = llhttp_finish(&parser_);
    if (result == HPE_PAUSED) {
      resume_between_messages();
      on_whole();
    } else if (result != HPE_OK) {
      return fail();
    }
    return {};
  }

  bool is_between_messages() const { return between_messages_; }
  bool keep_alive() const { return llhttp_should_keep_alive(&parser_) != 0; }
  int status() const { return parser_.status_code; }
  std::string_view method() {
    return llhttp_method_name(static_cast<llhttp_method_t>(parser_.method));
  }

  std::string target;
  HttpHeaders headers;
  std::string body;
  bool head_response = false;

 private:
  static MessageReader& of(llhttp_t* parser) { return *static_cast<MessageReader*>(parser->data); }
  static const llhttp_settings_t& settings();

  base::Result<void, HttpError> fail() {
    if (!error_) error_ = HttpError::malformed;
    return base::err(*error_);
  }
  void resume_between_messages() {
    ended_ = !keep_alive();
    llhttp_resume(&parser_);
    between_messages_ = true;
  }
  int refuse(HttpError why) {
    error_ = why;
    return HPE_USER;
  }
  int count_header_bytes(std::size_t bytes) {
    header_bytes_ += bytes;
    return header_bytes_ > limits_.header_bytes_max ? refuse(HttpError::headers_too_large) : 0;
  }

  int on_begin();
  int on_target(std::string_view part);
  int on_header_name(std::string_view part);
  int on_header_value(std::string_view part);
  int on_headers_complete();
  int on_body(std::string_view part);

  llhttp_t parser_{};
  const HttpLimits limits_;
  std::size_t header_bytes_ = 0;
  // llhttp itself learns that a message is over only from the first byte after the pause.
  bool between_messages_ = true;
  bool ended_ = false;  // the last message was said to be the connection's last
  bool in_name_ = false;
  bool headers_complete_ = false;  // what comes now are trailers, which are dropped
  std::optional<HttpError> error_;
};

int MessageReader::on_begin() {
  between_messages_ = false;
  target.clear();
  headers.clear();
  body.clear();
  header_bytes_ = 0;
  in_name_ = false;
  headers_complete_ = false;
  return 0;
}

int MessageReader::on_target(std::string_view part) {
  target += part;
  return count_header_bytes(part.size());
}

int MessageReader::on_header_name(std::string_view part) {
  const bool begins = !in_name_;
  in_name_ = true;
  if (!headers_complete_) {
    if (begins) headers.emplace_back();
    for (const char c : part) headers.back().first += lower(c);
  }
  return count_header_bytes(part.size() + (begins ? header_overhead_bytes : 0));
}

int MessageReader::on_header_value(std::string_view part) {
  in_name_ = false;
  if (!headers_complete_) headers.back().second += part;
  return count_header_bytes(part.size());
}

int MessageReader::on_headers_complete() {
  headers_complete_ = true;
  in_name_ = false;
  if (parser_.http_major != 1) return refuse(HttpError::malformed);
  for (auto& [name, value] : headers) {
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.pop_back();
  }
  // We speak nothing but HTTP: a request to upgrade is an ordinary request.
  parser_.upgrade = 0;
  constexpr int no_body = 1;
  if (std::exchange(head_response, false)) return no_body;
  const bool announced = (parser_.flags & F_CONTENT_LENGTH) != 0;
  if (announced && parser_.content_length > limits_.body_bytes_max) {
    return refuse(HttpError::body_too_large);
  }
  if (announced) {
    body.reserve(static_cast<std::size_t>(parser_.content_length) + limits_.body_spare_bytes);
  }
  return 0;
}

int MessageReader::on_body(std::string_view part) {
  if (part.size() > limits_.body_bytes_max - body.size()) return refuse(HttpError::body_too_large);
  body += part;
  return 0;
}

const llhttp_settings_t& MessageReader::settings() {
  static const llhttp_settings_t instance = [] {
    llhttp_settings_t made{};
    llhttp_settings_init(&made);
    made.on_message_begin = [](llhttp_t* p) { return of(p).on_begin(); };
    made.on_url = [](llhttp_t* p, const char* at, std::size_t n) {
      return of(p).on_target({at, n});
    };
    made.on_status = [](llhttp_t* p, const char*, std::size_t n) {
      return of(p).count_header_bytes(n);
    };
    made.on_header_field = [](llhttp_t* p, const char* at, std::size_t n) {
      return of(p).on_header_name({at, n});
    };
    made.on_header_field_complete = [](llhttp_t* p) {
      of(p).in_name_ = false;  // a header with an empty value has no call of its own for it
      return 0;
    };
    made.on_header_value = [](llhttp_t* p, const char* at, std::size_t n) {
      return of(p).on_header_value({at, n});
    };
    made.on_headers_complete = [](llhttp_t* p) { return of(p).on_headers_complete(); };
    made.on_body = [](llhttp_t* p, const char* at, std::size_t n) {
      return of(p).on_body({at, n});
    };
    made.on_chunk_extension_name = made.on_status;
    made.on_chunk_extension_value = made.on_status;
    made.on_message_complete = [](llhttp_t*) { return static_cast<int>(HPE_PAUSED); };
    return made;
  }();
  return instance;
}

bool has_header(const HttpHeaders& headers, std::string_view name) {
  for (const auto& header : headers) {
    if (header.first == name) return true;
  }
  return false;
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) out += c;
  }
  out += "\r\n";
}

struct StatusText {
  int status;
  std::string_view text;
};
constexpr std::array status_texts = {
    StatusText{200, "OK"},
    StatusText{204, "No Content"},
    StatusText{301, "Moved Permanently"},
    StatusText{302, "Found"},
    StatusText{304, "Not Modified"},
    StatusText{308, "Permanent Redirect"},
    StatusText{400, "Bad Request"},
    StatusText{401, "Unauthorized"},
    StatusText{403, "Forbidden"},
    StatusText{404, "Not Found"},
    StatusText{405, "Method Not Allowed"},
    StatusText{408, "Request Timeout"},
    StatusText{409, "Conflict"},
    StatusText{413, "Content Too Large"},
    StatusText{429, "Too Many Requests"},
    StatusText{431, "Request Header Fields Too Large"},
    StatusText{500, "Internal Server Error"},
    StatusText{501, "Not Implemented"},
    StatusText{503, "Service Unavailable"},
    StatusText{504, "Gateway Timeout"},
};

}  // namespace

std::string_view header_value(const HttpHeaders& headers, std::string_view lower_case_name) {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) return value;
  }
  return {};
}

struct HttpRequestParser::State {
  explicit State(HttpLimits limits) : reader(HTTP_REQUEST, limits) {}
  MessageReader reader;
};

HttpRequestParser::HttpRequestParser(HttpLimits limits) : state_(new State(limits)) {}
HttpRequestParser::~HttpRequestParser() = default;
HttpRequestParser::HttpRequestParser(HttpRequestParser&&) noexcept = default;
HttpRequestParser& HttpRequestParser::operator=(HttpRequestParser&&) noexcept = default;

base::Result<void, HttpError> HttpRequestParser::push(
    base::ByteSpan bytes, const std::function<void(HttpRequest&&)>& on_message) {
  MessageReader& reader = state_->reader;
  return reader.push(bytes, [&] {
    on_message(HttpRequest{.method = std::string(reader.method()),
                           .target = std::move(reader.target),
                           .headers = std::move(reader.headers),
                           .body = std::move(reader.body),
                           .keep_alive = reader.keep_alive()});
  });
}

struct HttpResponseParser::State {
  explicit State(HttpLimits limits) : reader(HTTP_RESPONSE, limits) {}

  void deliver(const std::function<void(HttpResponse&&)>& on_message) {
    if (reader.status() < 200) return;  // interim: the answer proper follows
    on_message(HttpResponse{.status = reader.status(),
                            .headers = std::move(reader.headers),
                            .body = std::move(reader.body),
                            .keep_alive = reader.keep_alive()});
  }

  MessageReader reader;
};

HttpResponseParser::HttpResponseParser(HttpLimits limits) : state_(new State(limits)) {}
HttpResponseParser::~HttpResponseParser() = default;
HttpResponseParser::HttpResponseParser(HttpResponseParser&&) noexcept = default;
HttpResponseParser& HttpResponseParser::operator=(HttpResponseParser&&) noexcept = default;

void HttpResponseParser::expect_head_response() { state_->reader.head_response = true; }

void HttpResponseParser::reuse(std::string&& body) {
  if (!state_->reader.is_between_messages()) return;
  state_->reader.body = std::move(body);
  state_->reader.body.clear();
}

base::Result<void, HttpError> HttpResponseParser::push(
    base::ByteSpan bytes, const std::function<void(HttpResponse&&)>& on_message) {
  return state_->reader.push(bytes, [&] { state_->deliver(on_message); });
}

base::Result<void, HttpError> HttpResponseParser::finish(
    const std::function<void(HttpResponse&&)>& on_message) {
  return state_->reader.finish([&] { state_->deliver(on_message); });
}

std::string_view status_text(int status) {
  for (const StatusText& row : status_texts) {
    if (row.status == status) return row.text;
  }
  return {};
}

namespace {

std::string status_and_headers(const HttpResponse& response) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " ";
  out += status_text(response.status);
  out += "\r\n";
  for (const auto& [name, value] : response.headers) append_header(out, name, value);
  return out;
}

}  // namespace

std::string write_response(const HttpResponse& response) {
  std::string out = status_and_headers(response);
  const bool framed = has_header(response.headers, "content-length") ||
                      has_header(response.headers, "transfer-encoding") || response.status < 200 ||
                      response.status == 204 || response.status == 304;
  if (!framed) append_header(out, "content-length", std::to_string(response.body.size()));
  append_header(out, "connection", response.keep_alive ? "keep-alive" : "close");
  out += "\r\n";
  return out + response.body;
}

std::string write_endless_response(const HttpResponse& response) {
  std::string out = status_and_headers(response);
  append_header(out, "connection", "close");
  return out + "\r\n";
}

std::string write_request(const HttpRequest& request, std::string_view host) {
  std::string out = request.method + " " + request.target + " HTTP/1.1\r\n";
  append_header(out, "host", host);
  for (const auto& [name, value] : request.headers) append_header(out, name, value);
  if (!request.body.empty() || request.method == "POST") {
    append_header(out, "content-length", std::to_string(request.body.size()));
  }
  append_header(out, "connection", request.keep_alive ? "keep-alive" : "close");
  out += "\r\n";
  return out + request.body;
}

}  // namespace net
