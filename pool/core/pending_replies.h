// PendingReplies: accepted shares whose answer waits until the share is on disk.
//
// "true" is a promise: it leaves the pool only when the journal has told that the share is durable
// and, for a block candidate, when the block's bytes are in the vault as well. A share that could
// not be written is answered with an error, is not counted, and may be sent again.
// Thread: one shard's.
#pragma once

#include "common/base/u256.h"
#include "common/bitcoin/hash.h"
#include "common/mining/job.h"
#include "common/stratum/client_to_server.h"
#include "pool/core/shard_types.h"

#include <cstddef>
#include <deque>
#include <functional>
#include <vector>

namespace pool {

struct PendingReply {
  AppendId append;
  ConnectionId connection;
  stratum::RequestId request;
  mining::JobId job;
  bitcoin::BlockHash hash;
  base::U256 work;
  double share_difficulty = 0;
  bool waits_for_vault = false;
};

class PendingReplies {
 public:
  using Action = std::function<void(const PendingReply&)>;

  // REQUIRES: appends never fall.
  void add(PendingReply reply);
  // Calls `release` for each reply of an append up to and including `up_to`, oldest first;
  // candidates whose block is not in the vault yet are kept until vaulted().
  void durable(AppendId up_to, const Action& release);
  // Calls `refuse` for each reply of the appends first..last.
  void not_durable(AppendId first, AppendId last, const Action& refuse);
  // The block is in the vault (or can't be: then the node's answer is all there is to wait for).
  void vaulted(const bitcoin::BlockHash& hash, const Action& release);

  std::size_t size() const { return waiting_.size() + waiting_for_vault_.size(); }

 private:
  std::deque<PendingReply> waiting_;             // for the journal, in order
  std::vector<PendingReply> waiting_for_vault_;  // already durable; a handful at most
};

}  // namespace pool
