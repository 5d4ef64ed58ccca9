// HeightNotes: when a job says something new of what the network asks and pays at its height.
//
// One record for each height and parent, with the first job there; a second when that job was empty
// work and the first complete one is known to pay fees as well.
// Thread: the node loop's.
#pragma once

#include "common/base/time.h"
#include "common/bitcoin/address.h"
#include "common/mining/job.h"
#include "pool/core/records.h"

#include <optional>

namespace pool {

class HeightNotes {
 public:
  explicit HeightNotes(bitcoin::Network network) : network_(network) {}

  std::optional<HeightRecord> on_job(const mining::Job& job, base::Instant now);

 private:
  const bitcoin::Network network_;
  HeightRecord last_;
};

}  // namespace pool
