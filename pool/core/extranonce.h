// ExtranonceAllocator: a shard's supply of extranonce1 values.
//
// Four bytes: pool instance u8 | shard u8 | counter u16, big-endian. Instance and shard make the
// values of different loops disjoint without asking anyone; within a shard a value is never held by
// two live connections, and one given back is not issued again until the counter has come round.
// Thread: one shard's.
#pragma once

#include "common/base/bytes.h"

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>

namespace pool {

using Extranonce1 = std::array<std::uint8_t, 4>;

class ExtranonceAllocator {
 public:
  // `first_counter`: where to begin; random at start, so that a restarted pool issues other values.
  ExtranonceAllocator(std::uint8_t instance, std::uint8_t shard, std::uint16_t first_counter);
  // Empty when all 65,536 are in use.
  std::optional<Extranonce1> allocate();
  // REQUIRES: allocated here and not yet released.
  void release(const Extranonce1& extranonce1);
  std::size_t in_use() const { return used_.count(); }

 private:
  const std::uint8_t instance_;
  const std::uint8_t shard_;
  std::uint16_t next_;
  std::bitset<65'536> used_;
};

}  // namespace pool
