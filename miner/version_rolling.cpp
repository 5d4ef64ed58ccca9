#include "miner/version_rolling.h"

#include "common/base/assert.h"

namespace miner {
namespace {

// The lowest bit that is set; 0 of 0.
std::uint32_t lowest_bit(std::uint32_t value) { return value & (~value + 1); }

}  // namespace

RolledVersions::RolledVersions(std::uint32_t job_version, std::uint32_t mask)
    : job_version_(job_version) {
  while (mask != 0 && bits_ < rolled_bits_counted_max) {
    counted_mask_ |= lowest_bit(mask);
    mask ^= lowest_bit(mask);
    ++bits_;
  }
}

// The index's bits, spread over the mask's, change those of the job.
std::uint32_t RolledVersions::operator[](std::uint32_t index) const {
  ASSERT(index < count());
  std::uint32_t changed = 0;
  for (std::uint32_t left = counted_mask_; index != 0; index >>= 1) {
    if (index % 2 == 1) changed |= lowest_bit(left);
    left ^= lowest_bit(left);
  }
  return job_version_ ^ changed;
}

}  // namespace miner
