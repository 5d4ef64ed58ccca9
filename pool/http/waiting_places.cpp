#include "pool/http/waiting_places.h"

#include "common/base/assert.h"

namespace pool {

std::shared_ptr<void> WaitingPlaces::take(const std::optional<AddressPrefix>& client) {
  if (taken_ >= places_max_) return nullptr;
  if (client) {
    std::size_t& own = clients_[*client];
    if (own >= per_client_max_) return nullptr;
    ++own;
  }
  ++taken_;
  return {this, [self = shared_from_this(), client](WaitingPlaces*) { self->release(client); }};
}

void WaitingPlaces::release(const std::optional<AddressPrefix>& client) {
  ASSERT(taken_ > 0);
  --taken_;
  if (!client) return;
  const auto own = clients_.find(*client);
  ASSERT(own != clients_.end());
  if (--own->second == 0) clients_.erase(own);
}

}  // namespace pool
