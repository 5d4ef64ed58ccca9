// Site: the table of what is served, page, assets and API; a line for each path. Pure: requests and
// a snapshot in, responses out, at once or later (responder.h).
//
// Everything else is 404, 405 or 400 with a JSON error (router.h). Every answer carries the headers
// that keep a browser from doing what the page does not need (responses.h).
// Thread: one owner.
#pragma once

#include "common/net/http.h"
#include "pool/http/pages.h"
#include "pool/http/process_facts.h"
#include "pool/http/router.h"
#include "pool/http/snapshot.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

// Who asks: somebody who looks at the figures, or a probe, which says nothing of interest in them.
enum class Audience { viewer, probe };

// Where endpoints get what they show.
struct SiteSources {
  // Called at most once per request, and only when the answer needs it; what it refers to lives
  // until the next call.
  std::function<const PoolSnapshot&(Audience)> snapshot;
  // The last refused submits of an "address" or "address.worker".
  // Of a user (RejectLog), at most so many.
  std::function<std::vector<RejectedSubmit>(std::string_view, std::size_t)> rejects;
  // For /metrics.
  std::function<ProcessFacts()> process = [] { return ProcessFacts{}; };
  // The endpoints that somebody else answers; empty: there are none.
  std::function<void(Router&)> add_more = {};
  // Does something after a while; empty: never.
  DoLater later = {};
};

class Site {
 public:
  explicit Site(SiteSources sources);
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  void answer(const net::HttpRequest& request, const Responder& responder) const {
    router_.answer(request, responder);
  }
  // For bytes that are not an acceptable request: 400, 413 or 431, and the connection closes.
  static net::HttpResponse answer_error(net::HttpError error);
  // For a connection too many.
  static net::HttpResponse answer_busy();
  // For one too many of its address.
  static net::HttpResponse answer_too_fast();
  // For one whose answer did not come in time.
  static net::HttpResponse answer_late();

 private:
  void add_assets();
  void add_probes();
  void add_api();

  net::HttpResponse rejects(const RoutedRequest& request) const;
  net::HttpResponse shares(const RoutedRequest& request) const;
  net::HttpResponse ready() const;

  const SiteSources sources_;
  Router router_;
};

}  // namespace pool
