// Site: which answer a request gets. Pure: requests and a snapshot in, responses out.
//
// Serves GET and HEAD: the page and its assets, /healthz, /readyz, /api/v1/pool, /api/v1/blocks.
// Everything else is 404, 405 or 400 with a JSON error. Every answer carries the headers that keep
// a browser from doing what the page does not need.
// Thread: one owner.
#pragma once

#include "common/net/http.h"
#include "pool/http/assets.h"
#include "pool/http/snapshot.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

// Who asks: somebody who looks at the figures, or a probe, which says nothing of interest in them.
enum class Audience { viewer, probe };

class Site {
 public:
  // Called at most once per request, and only when the answer needs it; what it refers to lives
  // until the next call.
  using GetSnapshot = std::function<const PoolSnapshot&(Audience)>;
  // The last refused submits of an "address" or "address.worker".
  using GetRejects = std::function<std::vector<RejectedSubmit>(std::string_view)>;
  Site(GetSnapshot snapshot, GetRejects rejects);

  net::HttpResponse answer(const net::HttpRequest& request) const;
  // For bytes that are not an acceptable request: 400, 413 or 431, and the connection closes.
  static net::HttpResponse answer_error(net::HttpError error);
  // For a connection too many.
  static net::HttpResponse answer_busy();

 private:
  net::HttpResponse route(const net::HttpRequest& request) const;
  net::HttpResponse page(std::string_view html, const net::HttpRequest& request) const;
  net::HttpResponse pool() const;
  net::HttpResponse blocks() const;
  net::HttpResponse coherence() const;
  net::HttpResponse rejects(std::string_view target) const;
  net::HttpResponse ready() const;
  net::HttpResponse asset(const WebAsset& found, const net::HttpRequest& request) const;

  const GetSnapshot snapshot_;
  const GetRejects rejects_;
};

}  // namespace pool
