// VersionMasks: which version bits a connection may roll, across changes of the mask (BIP310).
//
// A miner may still be working on jobs that it got under the mask before, so for those either mask
// counts; jobs sent after the change go by the new one alone.
// Thread: a value.
#pragma once

#include "common/mining/job.h"

#include <cstdint>

namespace pool {

class VersionMasks {
 public:
  // From now on `mask`; `last_job` is the newest job that the miner has been sent (0: none).
  void grant(std::uint32_t mask, mining::JobId last_job) {
    before_ = last_job == changed_after_ ? before_ | mask_ : mask_;
    mask_ = mask;
    changed_after_ = last_job;
  }
  std::uint32_t current() const { return mask_; }
  std::uint32_t for_job(mining::JobId job) const {
    return changed_after_ < job ? mask_ : mask_ | before_;
  }

 private:
  std::uint32_t mask_ = 0;
  std::uint32_t before_ = 0;
  mining::JobId changed_after_{0};
};

}  // namespace pool
