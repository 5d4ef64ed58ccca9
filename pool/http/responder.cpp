#include "pool/http/responder.h"

#include "pool/http/responses.h"

#include <string>
#include <utility>

namespace pool {
namespace {

// HEAD: the headers of GET, the length of the body included, and no body.
void drop_body(net::HttpResponse& response) {
  const bool framed = response.status == 304 || response.status == 204;
  if (!framed)
    response.headers.emplace_back("content-length", std::to_string(response.body.size()));
  response.body.clear();
}

}  // namespace

struct Responder::Claim {
  Claim(const net::HttpRequest& request, Deliver to, TakePlace take)
      : is_head(request.method == "HEAD"),
        keep_alive(request.keep_alive),
        deliver(std::move(to)),
        take_place(std::move(take)) {}
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  ~Claim() {
    if (!deliver) return;
    settle(
        {error_response(503, "no_answer", "nothing answered this request", "try again in a moment"),
         false});
  }

  void settle(Answer&& answer) {
    if (is_head && !answer.then_events) drop_body(answer.response);
    if (is_head) answer.then_events = false;
    answer.response.keep_alive = answer.response.keep_alive && keep_alive;
    std::exchange(deliver, nullptr)(std::move(answer));
  }

  const bool is_head;
  const bool keep_alive;
  Deliver deliver;       // empty: answered or revoked
  TakePlace take_place;  // empty: needs none, or has asked
  std::shared_ptr<void> place;
};

Responder::Responder(const net::HttpRequest& request, Deliver deliver, TakePlace take_place)
    : claim_(std::make_shared<Claim>(request, std::move(deliver), std::move(take_place))) {}

// A copy of the claim, since delivering may destroy the responder it came from.
void Responder::settle(const std::shared_ptr<Claim>& claim, Answer answer) {
  const std::shared_ptr<Claim> kept = claim;  // NOLINT(performance-unnecessary-copy-initialization)
  if (kept->deliver) kept->settle(std::move(answer));
}

bool Responder::is_answered() const { return !claim_->deliver; }

bool Responder::may_wait() const {
  if (!claim_->take_place) return true;
  claim_->place = std::exchange(claim_->take_place, nullptr)();
  return claim_->place != nullptr;
}

void Claimant::answer(net::HttpResponse response) const {
  if (const auto claim = claim_.lock()) Responder::settle(claim, {std::move(response), false});
}

void Claimant::revoke() const {
  if (const auto claim = claim_.lock()) claim->deliver = nullptr;
}

}  // namespace pool
