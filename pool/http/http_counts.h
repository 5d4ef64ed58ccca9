// HttpCounts: what has happened on a web listener since the start, for /metrics. Its size is fixed:
// nothing in it is of a client's choosing.
//
// Thread: plain data; the web loop counts.
#pragma once

#include "pool/core/histogram.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pool {

// Why a request got no answer of an endpoint's.
enum class HttpRefusal : std::uint8_t {
  rate_limit,         // 429
  overloaded,         // 503: too many wait for an answer, or watch
  late,               // 503: the answer did not come in time
  malformed,          // 400
  headers_too_large,  // 431
  body_too_large,     // 413
  not_tls,            // 308, or 400 where it does not say to whom it speaks
};
inline constexpr std::size_t http_refusal_count = 7;

// Why a connection ended by our doing, or was not let in.
enum class HttpClose : std::uint8_t {
  idle,       // silent between two requests
  slow,       // with a request, with reading its answer, or with a TLS handshake
  made_room,  // idle longest when all places were taken
  unread,     // watches, and does not read
  address,    // not let in: as many of its address as may be
  full,       // not let in: no place, and nobody idle
};
inline constexpr std::size_t http_close_count = 6;

// "rate_limit"
constexpr std::string_view name_of(HttpRefusal refusal) {
  constexpr std::array<std::string_view, http_refusal_count> names{
      "rate_limit",        "overloaded",     "late",   "malformed",
      "headers_too_large", "body_too_large", "not_tls"};
  return names[static_cast<std::size_t>(refusal)];
}
// "made_room"
constexpr std::string_view name_of(HttpClose close) {
  constexpr std::array<std::string_view, http_close_count> names{"idle",   "slow",    "made_room",
                                                                 "unread", "address", "full"};
  return names[static_cast<std::size_t>(close)];
}

struct HttpCounts {
  static constexpr std::size_t classes = 5;
  // Whole answers by class of their status: 1xx to 5xx.
  std::array<std::uint64_t, classes> answers{};
  std::array<std::uint64_t, http_refusal_count> refusals{};  // of these
  LatencyHistogram answer_times;  // from a request's turn to its answer handed to the system
  std::uint64_t connections = 0;  // now
  std::uint64_t connections_opened = 0;
  std::array<std::uint64_t, http_close_count> closes{};
  std::uint64_t watchers = 0;  // now
  std::uint64_t watchers_begun = 0;
  std::uint64_t tls_done = 0;  // handshakes
  std::uint64_t tls_failed = 0;

  void answered(int status) {
    const auto index = static_cast<std::size_t>(status) / 100 - 1;
    if (index < classes) ++answers[index];
  }
  void refused(HttpRefusal why) { ++refusals[static_cast<std::size_t>(why)]; }
  void closed(HttpClose why) { ++closes[static_cast<std::size_t>(why)]; }
};

}  // namespace pool
