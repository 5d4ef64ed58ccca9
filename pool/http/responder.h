// Responder: a request's claim to one answer, given at once or later.
//
// An endpoint that has to ask somebody else (the database, through the query thread) keeps its
// Responder until the answer is there; copies of it are the same claim. The first answer counts,
// further ones are dropped, as is one that comes after the client has gone or its deadline passed.
// When the last copy goes without an answer, the client gets 503: a forgotten request never hangs.
//
// Thread: the web loop's.
#pragma once

#include "common/net/http.h"

#include <functional>
#include <memory>
#include <utility>

namespace pool {

struct Answer {
  net::HttpResponse response;
  // The response has no end: after its headers come the events of the loop's EventHub.
  bool then_events = false;
};

class Responder {
 public:
  using Deliver = std::function<void(Answer&&)>;
  // A place among those who wait; null: there is none left.
  using TakePlace = std::function<std::shared_ptr<void>()>;
  // `request` says how the answer ends: without a body for HEAD, with the connection where it
  // asked for that. `deliver` is called at most once, never from inside this constructor.
  // `take_place`, if any, is called at most once: before the endpoint, where that may answer later.
  Responder(const net::HttpRequest& request, Deliver deliver, TakePlace take_place = {});

  void answer(net::HttpResponse response) const { settle(claim_, {std::move(response), false}); }
  void answer_with_events(net::HttpResponse head) const { settle(claim_, {std::move(head), true}); }
  bool is_answered() const;
  // Whether the answer may come later; if so, the claim holds a place until its last copy goes.
  [[nodiscard]] bool may_wait() const;

 private:
  friend class Claimant;
  struct Claim;
  static void settle(const std::shared_ptr<Claim>& claim, Answer answer);

  std::shared_ptr<Claim> claim_;
};

// The other end: who waits for the answer. Does not keep the claim alive.
class Claimant {
 public:
  explicit Claimant(const Responder& responder) : claim_(responder.claim_) {}
  // Answers in the endpoint's stead, if that has not.
  void answer(net::HttpResponse response) const;
  // The claim is void: what answers it is dropped.
  void revoke() const;

 private:
  std::weak_ptr<Responder::Claim> claim_;
};

}  // namespace pool
