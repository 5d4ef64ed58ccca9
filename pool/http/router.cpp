#include "pool/http/router.h"

#include "common/base/assert.h"
#include "common/base/percent.h"
#include "pool/http/responses.h"

#include <algorithm>
#include <utility>

namespace pool {
namespace {

// The path of a request target in origin or absolute form (RFC 9112, 3.2); empty for another form.
std::string_view path_of(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.substr(0, scheme.size()) != scheme) continue;
    const std::size_t slash = target.find('/', scheme.size());
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
    break;
  }
  if (target.empty() || target.front() != '/') return {};
  return target.substr(0, target.find_first_of("?#"));
}

bool is_placeholder(std::string_view part) { return !part.empty() && part.front() == '{'; }

// What stands between the slashes; "/a/b" has two parts.
std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  std::size_t at = 1;
  while (true) {
    const std::size_t slash = path.find('/', at);
    parts.push_back(path.substr(at, slash == std::string_view::npos ? slash : slash - at));
    if (slash == std::string_view::npos) return parts;
    at = slash + 1;
  }
}

Router::AnswerLater at_once(Router::AnswerNow endpoint) {
  return
      [endpoint = std::move(endpoint)](const RoutedRequest& request, const Responder& responder) {
        responder.answer(endpoint(request));
      };
}

}  // namespace

std::optional<std::string> RoutedRequest::query(std::string_view name) const {
  std::string_view target = http.target;
  target = target.substr(0, target.find('#'));
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return std::nullopt;
  std::string_view rest = target.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
    std::string value(pair.substr(equals + 1));
    std::replace(value.begin(), value.end(), '+', ' ');
    return base::percent_decoded(value);
  }
  return std::nullopt;
}

void Router::get(std::string_view pattern, AnswerNow endpoint) {
  add(Method::get, pattern, false, at_once(std::move(endpoint)));
}

void Router::get_later(std::string_view pattern, AnswerLater endpoint) {
  add(Method::get, pattern, true, std::move(endpoint));
}

void Router::post(std::string_view pattern, AnswerNow endpoint) {
  add(Method::post, pattern, false, at_once(std::move(endpoint)));
}

void Router::post_later(std::string_view pattern, AnswerLater endpoint) {
  add(Method::post, pattern, true, std::move(endpoint));
}

void Router::add(Method method, std::string_view pattern, bool may_wait, AnswerLater endpoint) {
  ASSERT(!pattern.empty() && pattern.front() == '/');
  Route route{{}, method, may_wait, std::move(endpoint)};
  for (const std::string_view part : parts_of(pattern)) route.parts.emplace_back(part);
  if (std::any_of(route.parts.begin(), route.parts.end(), is_placeholder)) {
    patterns_.push_back(std::move(route));
  } else {
    ASSERT(exact_.emplace(std::string(pattern), std::move(route)).second);
  }
}

// A path that stands in the table as it is goes before one that a pattern could stand for.
const Router::Route* Router::find(std::string_view path, std::vector<std::string>& segments) const {
  if (const auto found = exact_.find(std::string(path)); found != exact_.end()) {
    return &found->second;
  }
  const std::vector<std::string_view> parts = parts_of(path);
  for (const Route& route : patterns_) {
    const bool matches =
        route.parts.size() == parts.size() &&
        std::equal(route.parts.begin(), route.parts.end(), parts.begin(),
                   [](const std::string& pattern, std::string_view part) {
                     return is_placeholder(pattern) ? !part.empty() : pattern == part;
                   });
    if (!matches) continue;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (is_placeholder(route.parts[i])) segments.push_back(base::percent_decoded(parts[i]));
    }
    return &route;
  }
  return nullptr;
}

void Router::answer(const net::HttpRequest& request, const Responder& responder) const {
  RoutedRequest routed{request, path_of(request.target), {}};
  if (routed.path.empty()) {
    return responder.answer(
        error_response(400, "bad_target", "the request target is not a path", "begin it with /"));
  }
  const Route* route = find(routed.path, routed.segments);
  if (route == nullptr) {
    return responder.answer(
        error_response(404, "not_found", "there is nothing at this path", hint_));
  }
  const bool reads = route->method == Method::get;
  const bool allowed =
      reads ? request.method == "GET" || request.method == "HEAD" : request.method == "POST";
  if (!allowed) {
    net::HttpResponse out = error_response(
        405, "method_not_allowed", reads ? "this path can only be read" : "this path is an order",
        reads ? "use GET or HEAD" : "use POST");
    out.headers.emplace_back("allow", reads ? "GET, HEAD" : "POST");
    return responder.answer(std::move(out));
  }
  // Asked before the endpoint keeps anything for it.
  if (route->may_wait && !responder.may_wait()) return responder.answer(overloaded_response());
  route->endpoint(routed, responder);
}

}  // namespace pool
