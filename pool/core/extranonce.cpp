#include "pool/core/extranonce.h"

#include "common/base/assert.h"

namespace pool {

ExtranonceAllocator::ExtranonceAllocator(std::uint8_t instance, std::uint8_t shard,
                                         std::uint16_t first_counter)
    : instance_(instance), shard_(shard), next_(first_counter) {}

std::optional<Extranonce1> ExtranonceAllocator::allocate() {
  for (std::size_t tried = 0; tried < used_.size(); ++tried) {
    const std::uint16_t counter = next_++;
    if (used_[counter]) continue;
    used_[counter] = true;
    return Extranonce1{instance_, shard_, static_cast<std::uint8_t>(counter >> 8),
                       static_cast<std::uint8_t>(counter)};
  }
  return std::nullopt;
}

void ExtranonceAllocator::release(const Extranonce1& extranonce1) {
  ASSERT(extranonce1[0] == instance_);
  ASSERT(extranonce1[1] == shard_);
  const auto counter = static_cast<std::size_t>(extranonce1[2] << 8 | extranonce1[3]);
  ASSERT(used_[counter]);
  used_[counter] = false;
}

}  // namespace pool
