#include "pool/http/admin_site.h"

#include "pool/core/limits.h"
#include "pool/http/admin_request.h"
#include "pool/http/responses.h"

#include <algorithm>
#include <array>
#include <utility>

namespace pool {
namespace {

// In a time that does not tell how much of it was right.
bool same_secret(std::string_view given, std::string_view secret) {
  unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto a = static_cast<unsigned char>(given[i]);
    const auto b = static_cast<unsigned char>(secret.empty() ? '\0' : secret[i % secret.size()]);
    difference |= static_cast<unsigned>(a ^ b);
  }
  return difference == 0;
}

bool is_loopback_host(std::string_view host, std::uint16_t port) {
  constexpr std::array<std::string_view, 3> names{"127.0.0.1", "localhost", "[::1]"};
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    return host == name || host == std::string(name) + ":" + std::to_string(port);
  });
}

bool has_one_host(const net::HttpHeaders& headers) {
  return std::count_if(headers.begin(), headers.end(),
                       [](const auto& header) { return header.first == "host"; }) == 1;
}

net::HttpResponse json_answer(const std::string& json) {
  return fresh_response(200, json_type, json + "\n");
}

net::HttpResponse bad_request(const AdminError& error) {
  return error_response(400, "bad_order", error.message, error.hint);
}

net::HttpResponse unauthorized() {
  net::HttpResponse out =
      error_response(401, "unauthorized", "the token is missing or wrong",
                     "send Authorization: Bearer TOKEN, which is in admin.token "
                     "of the pool's data_dir");
  out.headers.emplace_back("www-authenticate", "Bearer");
  return out;
}

}  // namespace

AdminSite::AdminSite(Sources sources) : sources_(std::move(sources)) {
  router_.set_hint(
      "orders are /admin/v1/status, drain, resume, reload, ban, unban and message, all by POST");
  add_orders();
}

void AdminSite::answer(const net::HttpRequest& request, const Responder& responder) {
  const std::string_view host = net::header_value(request.headers, "host");
  if (!has_one_host(request.headers) || !is_loopback_host(host, sources_.port)) {
    return responder.answer(
        error_response(403, "bad_host", "the Host header does not name this machine's loopback",
                       "use http://127.0.0.1:" + std::to_string(sources_.port)));
  }
  if (!net::header_value(request.headers, "origin").empty()) {
    return responder.answer(
        error_response(403, "browser", "orders are not taken from web pages", ""));
  }
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view given = net::header_value(request.headers, "authorization");
  if (given.substr(0, scheme.size()) != scheme ||
      !same_secret(given.substr(scheme.size()), sources_.token)) {
    return responder.answer(unauthorized());
  }
  router_.answer(request, responder);
}

void AdminSite::add_orders() {
  router_.post("/admin/v1/status", [this](const RoutedRequest& request) {
    const auto nothing = parse_nothing(request.http.body);
    if (!nothing) return bad_request(nothing.error());
    return json_answer(admin_status_json(sources_.snapshot()));
  });
  router_.post_later("/admin/v1/drain",
                     [this](const RoutedRequest& request, const Responder& responder) {
                       give("drain", parse_drain(request.http.body), request.http.body, responder);
                     });
  router_.post_later(
      "/admin/v1/resume", [this](const RoutedRequest& request, const Responder& responder) {
        const auto nothing = parse_nothing(request.http.body);
        if (!nothing) return responder.answer(bad_request(nothing.error()));
        give("resume", AdminRequest<OperatorOrder::Resume>(OperatorOrder::Resume{}), {}, responder);
      });
  router_.post_later("/admin/v1/ban",
                     [this](const RoutedRequest& request, const Responder& responder) {
                       give("ban", parse_ban(request.http.body), request.http.body, responder);
                     });
  router_.post_later("/admin/v1/unban",
                     [this](const RoutedRequest& request, const Responder& responder) {
                       give("unban", parse_unban(request.http.body), request.http.body, responder);
                     });
  router_.post_later("/admin/v1/message", [this](const RoutedRequest& request,
                                                 const Responder& responder) {
    give("message", parse_tell(request.http.body, sources_.network), request.http.body, responder);
  });
  router_.post_later("/admin/v1/reload",
                     [this](const RoutedRequest& request, const Responder& responder) {
                       reload(request, responder);
                     });
}

template <class Order>
void AdminSite::give(std::string_view name, const base::Result<Order, AdminError>& parsed,
                     std::string_view detail, const Responder& responder) {
  if (!parsed) return responder.answer(bad_request(parsed.error()));
  if (!may_wait(responder)) return;
  sources_.log(name, detail);
  const OperatorOrder order{next_order_++, *parsed};
  const PostedToShards posted = sources_.order(order);
  Waiting waiting{responder, posted.taken, {}};
  if (posted.taken < posted.shards) {
    waiting.sum.error = std::to_string(posted.shards - posted.taken) + " of " +
                        std::to_string(posted.shards) + " shards were too busy to take the order";
  }
  if (posted.taken == 0) {
    return responder.answer(
        error_response(503, "busy", waiting.sum.error, "try again in a moment"));
  }
  waiting_.emplace(order.number, std::move(waiting));
}

void AdminSite::reload(const RoutedRequest& request, const Responder& responder) {
  const auto nothing = parse_nothing(request.http.body);
  if (!nothing) return responder.answer(bad_request(nothing.error()));
  if (!may_wait(responder)) return;
  sources_.log("reload", {});
  const ReloadOrder order{next_order_++};
  if (!sources_.reload(order)) {
    return responder.answer(
        error_response(503, "busy", "the pool is starting or stopping", "try again in a moment"));
  }
  waiting_.emplace(order.number, Waiting{responder, 1, {}});
}

bool AdminSite::may_wait(const Responder& responder) {
  if (waiting_.size() < limits::admin_orders_waiting_max) return true;
  responder.answer(error_response(503, "busy", "too many orders are being carried out",
                                  "try again in a moment"));
  return false;
}

void AdminSite::on(const OrderDone& done) {
  const auto found = waiting_.find(done.number);
  if (found == waiting_.end()) return;
  Waiting& waiting = found->second;
  waiting.sum.connections += done.connections;
  if (!done.error.empty()) waiting.sum.error = done.error;
  if (!done.note.empty()) waiting.sum.note = done.note;
  if (--waiting.answers_due > 0) return;
  const Responder responder = waiting.responder;
  const OrderDone sum = std::move(waiting.sum);
  waiting_.erase(found);
  if (sum.error.empty()) return responder.answer(json_answer(order_json(sum)));
  responder.answer(error_response(409, "not_done", sum.error, ""));
}

void AdminSite::tick() {
  std::erase_if(waiting_, [](const auto& entry) { return entry.second.responder.is_answered(); });
}

}  // namespace pool
