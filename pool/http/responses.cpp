#include "pool/http/responses.h"

#include "common/base/bytes.h"
#include "pool/http/api.h"

#include <cstdint>

namespace pool {
namespace {

// No inline script or style, nothing from elsewhere, no framing.
constexpr std::string_view content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

constexpr std::size_t host_bytes_max = 253 + 6;  // RFC 1035, 2.3.4; and a port
constexpr std::string_view host_characters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";

}  // namespace

net::HttpResponse response(int status, std::string_view type, std::string body,
                           std::string_view cache_control) {
  net::HttpResponse out;
  out.status = status;
  out.headers = {{"content-type", std::string(type)},
                 {"cache-control", std::string(cache_control)},
                 {"content-security-policy", std::string(content_security_policy)},
                 {"x-content-type-options", "nosniff"},
                 {"referrer-policy", "no-referrer"},
                 {"cross-origin-resource-policy", "same-origin"}};
  out.body = std::move(body);
  return out;
}

net::HttpResponse fresh_response(int status, std::string_view type, std::string body) {
  return response(status, type, std::move(body), "no-store");
}

net::HttpResponse error_response(int status, std::string_view code, std::string_view message,
                                 std::string_view hint) {
  return fresh_response(status, json_type, error_json(code, message, hint) + "\n");
}

net::HttpResponse overloaded_response() {
  net::HttpResponse out = error_response(503, "overloaded", "too many requests wait for an answer",
                                         "try again in a moment");
  out.headers.emplace_back("retry-after", "5");
  return out;
}

net::HttpResponse redirect_to_tls(const net::HttpRequest& request) {
  const std::string_view host = net::header_value(request.headers, "host");
  const bool is_host = !host.empty() && host.size() <= host_bytes_max &&
                       host.find_first_not_of(host_characters) == std::string_view::npos;
  const bool is_path = !request.target.empty() && request.target.front() == '/';
  if (!is_host || !is_path) {
    return error_response(400, "tls_only", "this address serves over TLS alone",
                          "ask for https:// instead of http://");
  }
  net::HttpResponse out = error_response(308, "tls_only", "this address serves over TLS alone",
                                         "ask for https:// instead of http://");
  out.headers.emplace_back("location", "https://" + std::string(host) + request.target);
  out.keep_alive = false;
  return out;
}

std::string etag_of(std::string_view body) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : body) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return "\"" + base::u64_hex(hash) + "\"";
}

bool is_known_to_client(const net::HttpHeaders& request_headers, std::string_view etag) {
  const std::string_view seen = net::header_value(request_headers, "if-none-match");
  return seen == "*" || seen.find(etag) != std::string_view::npos;
}

net::HttpResponse tagged_response(const net::HttpHeaders& request_headers, std::string_view type,
                                  std::string body, std::string_view cache_control) {
  const std::string etag = etag_of(body);
  return tagged_response(request_headers, type, std::move(body), cache_control, etag);
}

net::HttpResponse tagged_response(const net::HttpHeaders& request_headers, std::string_view type,
                                  std::string body, std::string_view cache_control,
                                  std::string_view etag) {
  const bool known = is_known_to_client(request_headers, etag);
  net::HttpResponse out =
      response(known ? 304 : 200, type, known ? std::string{} : std::move(body), cache_control);
  out.headers.emplace_back("etag", etag);
  return out;
}

}  // namespace pool
