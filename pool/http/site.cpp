#include "pool/http/site.h"

#include "common/base/percent.h"
#include "pool/http/api.h"
#include "pool/http/api_coherence.h"
#include "pool/http/assets.h"
#include "pool/http/page.h"

#include <algorithm>
#include <array>
#include <optional>

namespace pool {

namespace {

constexpr std::string_view json_type = "application/json; charset=utf-8";
constexpr std::string_view kept_for_ever = "public, max-age=31536000, immutable";
constexpr std::string_view text_type = "text/plain; charset=utf-8";

// No inline script or style, nothing from elsewhere, no framing.
constexpr std::string_view content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

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

net::HttpResponse fresh(int status, std::string_view type, std::string body) {
  return response(status, type, std::move(body), "no-store");
}

net::HttpResponse error(int status, std::string_view code, std::string_view message,
                        std::string_view hint) {
  return fresh(status, json_type, error_json(code, message, hint) + "\n");
}

struct PagePath {
  std::string_view path;
  std::string_view page;
};
constexpr std::array<PagePath, 7> page_paths{{{"/", "overview"},
                                              {"/blocks", "blocks"},
                                              {"/miner", "miner"},
                                              {"/payouts", "payouts"},
                                              {"/coherence", "coherence"},
                                              {"/connect", "connect"},
                                              {"/status", "status"}}};

// The page's template; empty where a path has none.
std::string_view page_template(std::string_view path) {
  const auto found = std::find_if(page_paths.begin(), page_paths.end(),
                                  [&](const PagePath& row) { return row.path == path; });
  if (found == page_paths.end()) return {};
  for (const WebPage& page : web_pages()) {
    if (page.name == found->page) return page.html;
  }
  return {};
}

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

// A value of the query as forms encode it; the first of that name. nullopt: there is none.
std::optional<std::string> query_value(std::string_view target, std::string_view name) {
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

// HEAD: the headers of GET, the length of the body included, and no body.
net::HttpResponse without_body(net::HttpResponse full) {
  full.headers.emplace_back("content-length", std::to_string(full.body.size()));
  full.body.clear();
  return full;
}

}  // namespace

Site::Site(GetSnapshot snapshot, GetRejects rejects)
    : snapshot_(std::move(snapshot)), rejects_(std::move(rejects)) {}

net::HttpResponse Site::answer(const net::HttpRequest& request) const {
  net::HttpResponse out = route(request);
  if (request.method == "HEAD" && out.status != 304) out = without_body(std::move(out));
  out.keep_alive = request.keep_alive;
  return out;
}

net::HttpResponse Site::route(const net::HttpRequest& request) const {
  const std::string_view path = path_of(request.target);
  if (path.empty()) {
    return error(400, "bad_target", "the request target is not a path", "begin it with /");
  }
  const auto assets = web_assets();
  const auto found = std::find_if(assets.begin(), assets.end(),
                                  [&](const WebAsset& asset) { return asset.path == path; });
  const std::string_view html = page_template(path);
  const bool known = found != assets.end() || !html.empty() || path == "/healthz" ||
                     path == "/readyz" || path == "/api/v1/pool" || path == "/api/v1/blocks" ||
                     path == "/api/v1/coherence" || path == "/api/v1/rejects";
  if (!known) {
    return error(404, "not_found", "there is nothing at this path",
                 "the API is /api/v1/pool, /api/v1/blocks, /api/v1/coherence and "
                 "/api/v1/rejects?user=…");
  }
  if (request.method != "GET" && request.method != "HEAD") {
    net::HttpResponse out =
        error(405, "method_not_allowed", "this path can only be read", "use GET or HEAD");
    out.headers.emplace_back("allow", "GET, HEAD");
    return out;
  }
  if (found != assets.end()) return asset(*found, request);
  if (!html.empty()) return page(html, request);
  if (path == "/healthz") return fresh(200, text_type, "ok\n");
  if (path == "/readyz") return ready();
  if (path == "/api/v1/rejects") return rejects(request.target);
  if (path == "/api/v1/coherence") return coherence();
  return path == "/api/v1/pool" ? pool() : blocks();
}

net::HttpResponse Site::page(std::string_view html, const net::HttpRequest& request) const {
  const std::string_view host = net::header_value(request.headers, "host");
  return fresh(200, "text/html; charset=utf-8",
               fill_template(html, page_values(snapshot_(Audience::viewer), host)));
}

net::HttpResponse Site::pool() const {
  return fresh(200, json_type, pool_json(snapshot_(Audience::viewer)) + "\n");
}

net::HttpResponse Site::blocks() const {
  const PoolSnapshot& snapshot = snapshot_(Audience::viewer);
  if (!snapshot.database_connected()) {
    return error(503, "database_away",
                 snapshot.stored ? snapshot.stored->error : "the database was not reached yet",
                 "mining goes on; try again in a moment");
  }
  if (!snapshot.query_error.empty()) {
    return error(503, "query_failed", snapshot.query_error,
                 "mining goes on; try again in a moment");
  }
  if (!snapshot.database_read_us) {
    return error(503, "not_read_yet", "the blocks have not been read yet", "try again in a moment");
  }
  return fresh(200, json_type, blocks_json(snapshot) + "\n");
}

net::HttpResponse Site::coherence() const {
  return fresh(200, json_type, coherence_json(snapshot_(Audience::viewer)) + "\n");
}

net::HttpResponse Site::rejects(std::string_view target) const {
  const auto user = query_value(target, "user");
  if (!user || user->empty()) {
    return error(400, "no_user", "whose refused shares?",
                 "ask for /api/v1/rejects?user=ADDRESS or ?user=ADDRESS.WORKER");
  }
  return fresh(200, json_type, rejects_json(*user, rejects_(*user)) + "\n");
}

net::HttpResponse Site::ready() const {
  const std::vector<std::string> missing = unreadiness(snapshot_(Audience::probe));
  if (missing.empty()) return fresh(200, text_type, "ready\n");
  std::string body;
  for (const std::string& line : missing) body += line + "\n";
  return fresh(503, text_type, body);
}

net::HttpResponse Site::asset(const WebAsset& found, const net::HttpRequest& request) const {
  const std::string_view seen = net::header_value(request.headers, "if-none-match");
  const bool same = seen == "*" || seen.find(found.etag) != std::string_view::npos;
  net::HttpResponse out =
      response(same ? 304 : 200, found.type, same ? std::string{} : std::string(found.raw),
               found.is_immutable ? kept_for_ever : "no-cache");
  out.headers.emplace_back("etag", std::string(found.etag));
  return out;
}

net::HttpResponse Site::answer_error(net::HttpError cause) {
  net::HttpResponse out;
  switch (cause) {
    case net::HttpError::malformed:
      out = error(400, "bad_request", "this is not an HTTP request", "");
      break;
    case net::HttpError::headers_too_large:
      out = error(431, "headers_too_large", "the request's headers are too large", "");
      break;
    case net::HttpError::body_too_large:
      out = error(413, "body_too_large", "the request's body is too large", "");
      break;
  }
  out.keep_alive = false;
  return out;
}

net::HttpResponse Site::answer_busy() {
  net::HttpResponse out =
      error(503, "too_many_connections", "too many connections are open", "try again in a moment");
  out.headers.emplace_back("retry-after", "5");
  out.keep_alive = false;
  return out;
}

}  // namespace pool
