// Router: which endpoint a request is for. A table of paths; each endpoint is a line where the
// table is made (site.cpp).
//
// A path may have segments that stand for anything: "/api/v1/miners/{address}". What they stood for
// is decoded (RFC 3986) and handed over; an encoded slash stays inside its segment.
//
// Errors: 400 for a target that is no path, 404, 405 with what is allowed, and 503 where the answer
//         might come later and no more may wait.
// Thread: one owner; the table does not change after it is made.
#pragma once

#include "common/net/http.h"
#include "pool/http/responder.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pool {

// A request as an endpoint sees it; valid during the call only.
struct RoutedRequest {
  const net::HttpRequest& http;
  std::string_view path;
  std::vector<std::string> segments;  // what the path's {…} stood for, decoded, in order

  // A value of the query as forms encode it; the first of that name. nullopt: there is none.
  std::optional<std::string> query(std::string_view name) const;
};

class Router {
 public:
  using AnswerNow = std::function<net::HttpResponse(const RoutedRequest&)>;
  using AnswerLater = std::function<void(const RoutedRequest&, const Responder&)>;

  // GET and HEAD. REQUIRES: the pattern begins with '/' and is not in the table.
  void get(std::string_view pattern, AnswerNow endpoint);
  // The same for an endpoint that may keep the responder, and answer when it can.
  void get_later(std::string_view pattern, AnswerLater endpoint);
  void post(std::string_view pattern, AnswerNow endpoint);
  void post_later(std::string_view pattern, AnswerLater endpoint);
  // Said in a 404: what there is instead.
  void set_hint(std::string hint) { hint_ = std::move(hint); }

  void answer(const net::HttpRequest& request, const Responder& responder) const;

 private:
  enum class Method { get, post };
  struct Route {
    std::vector<std::string> parts;  // of the pattern; "{…}" stands for anything
    Method method;
    bool may_wait;  // for whoever knows the answer
    AnswerLater endpoint;
  };

  void add(Method method, std::string_view pattern, bool may_wait, AnswerLater endpoint);
  const Route* find(std::string_view path, std::vector<std::string>& segments) const;

  std::unordered_map<std::string, Route> exact_;  // by pattern, where it has no {…}
  std::vector<Route> patterns_;
  std::string hint_;
};

}  // namespace pool
