// Answers with the headers that every answer of the page and the API carries: what a browser may do
// with it, and whether it may keep it.
// Thread: pure functions.
#pragma once

#include "common/net/http.h"

#include <string>
#include <string_view>

namespace pool {

inline constexpr std::string_view json_type = "application/json; charset=utf-8";
inline constexpr std::string_view text_type = "text/plain; charset=utf-8";
inline constexpr std::string_view html_type = "text/html; charset=utf-8";

net::HttpResponse response(int status, std::string_view type, std::string body,
                           std::string_view cache_control);
// One that nobody keeps.
net::HttpResponse fresh_response(int status, std::string_view type, std::string body);
// {"error":{"code","message","hint"}}. `code` is stable and for programs, the others for people.
net::HttpResponse error_response(int status, std::string_view code, std::string_view message,
                                 std::string_view hint);

// For a request too many, of those that have to ask somebody else.
net::HttpResponse overloaded_response();
// For a plain request where only TLS is served: the same over TLS, at the host that it names; 400
// when it names none that could be one.
net::HttpResponse redirect_to_tls(const net::HttpRequest& request);

// FNV-1a of the body in quotes: names a version of it, guards nothing.
std::string etag_of(std::string_view body);
// The client has that version already (If-None-Match; RFC 9110, 13.1.2).
bool is_known_to_client(const net::HttpHeaders& request_headers, std::string_view etag);
// A body that is kept by its etag: 304 without the body where the client has it already.
net::HttpResponse tagged_response(const net::HttpHeaders& request_headers, std::string_view type,
                                  std::string body, std::string_view cache_control);
// The same where the tag is known.
net::HttpResponse tagged_response(const net::HttpHeaders& request_headers, std::string_view type,
                                  std::string body, std::string_view cache_control,
                                  std::string_view etag);

}  // namespace pool
