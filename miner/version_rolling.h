// Version rolling (BIP310, BIP320): the versions that a header may have under the mask that a pool
// granted, numbered, so that they can be shared out like values of extranonce2.
//
// Number 0 is the job's own version. At most 2^16 are counted: of a wider mask the lowest 16 bits.
//
// Thread: pure.
#pragma once

#include <cstdint>

namespace miner {

class RolledVersions {
 public:
  // Mask 0: the job's version alone.
  RolledVersions(std::uint32_t job_version, std::uint32_t mask);

  std::uint32_t count() const { return std::uint32_t{1} << bits_; }  // 1 to 2^16
  // REQUIRES: index < count().
  std::uint32_t operator[](std::uint32_t index) const;

 private:
  std::uint32_t job_version_;
  std::uint32_t counted_mask_ = 0;
  std::uint32_t bits_ = 0;
};

inline constexpr std::uint32_t rolled_bits_counted_max = 16;

}  // namespace miner
