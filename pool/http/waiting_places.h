// WaitingPlaces: how many requests may wait for an answer that somebody else has to give: together,
// and of one client.
//
// A place is held until nobody can answer any more, not only until the client has its answer or has
// gone: so it bounds what endpoints keep for those who wait.
// Lifetime: a place keeps what it needs of this alive.
// Thread:   the web loop's. Pure.
#pragma once

#include "pool/core/address_prefix.h"
#include "pool/core/limits.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <unordered_map>

namespace pool {

namespace limits {

// Of one client; a page asks for about ten things at once.
inline constexpr std::size_t http_answers_waited_for_per_client_max = 32;
static_assert(http_answers_waited_for_per_client_max * 4 <= http_answers_waited_for_max);

}  // namespace limits

class WaitingPlaces : public std::enable_shared_from_this<WaitingPlaces> {
 public:
  explicit WaitingPlaces(
      std::size_t places_max = limits::http_answers_waited_for_max,
      std::size_t per_client_max = limits::http_answers_waited_for_per_client_max)
      : places_max_(places_max), per_client_max_(per_client_max) {}

  // Null: none is left, or none for this client. The place is free again when the last copy goes.
  // REQUIRES: a shared_ptr owns this.
  [[nodiscard]] std::shared_ptr<void> take(const std::optional<AddressPrefix>& client);
  std::size_t taken() const { return taken_; }
  std::size_t clients() const { return clients_.size(); }

 private:
  void release(const std::optional<AddressPrefix>& client);

  const std::size_t places_max_;
  const std::size_t per_client_max_;
  std::size_t taken_ = 0;
  std::unordered_map<AddressPrefix, std::size_t> clients_;
};

}  // namespace pool
