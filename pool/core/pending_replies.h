// PendingReplies: accepted shares whose answer waits until the share is on disk.
//
// "true" is a promise: it leaves the pool only when the journal has told that the share is durable
// and, for a block candidate, when the block's bytes are in the vault as well. A share that could
// not be written is answered with an error, is not counted, and may be sent again.
//
// Answers leave in the order of their requests, so whatever else is answered on a connection
// meanwhile waits behind its shares here: some miners give every request the same id.
// Thread: one shard's.
#pragma once

#include "common/base/time.h"
#include "common/base/u256.h"
#include "common/bitcoin/hash.h"
#include "common/mining/job.h"
#include "common/stratum/client_to_server.h"
#include "pool/core/shard_types.h"

#include <cstddef>
#include <deque>
#include <functional>
#include <string>

namespace pool {

struct PendingReply {
  AppendId append;
  ConnectionId connection;
  stratum::RequestId request;
  mining::JobId job;
  bitcoin::BlockHash hash;
  base::U256 work;
  double share_difficulty = 0;
  base::MonoTime received_at{};
  bool waits_for_vault = false;
  bool refused = false;  // could not be stored, and waits for its turn to say so
  std::string line;      // an answer that waits for its turn only; empty: a share's
};

class PendingReplies {
 public:
  using Action = std::function<void(const PendingReply&)>;

  // REQUIRES: appends never fall.
  void add(PendingReply reply);
  // An answer that is ready, behind all that waits on its connection. REQUIRES: something does.
  void add_behind(ConnectionId connection, std::string line);
  // Calls `release` for each reply of an append up to and including `up_to`, oldest first;
  // candidates whose block is not in the vault yet are kept until vaulted().
  void durable(AppendId up_to, const Action& release);
  // Calls `refuse` for each reply of the appends first..last, but for those behind a candidate that
  // waits for the vault: vaulted() hands them to `release`, marked as refused.
  void not_durable(AppendId first, AppendId last, const Action& refuse);
  // The block is in the vault (or can't be: then the node's answer is all there is to wait for).
  void vaulted(const bitcoin::BlockHash& hash, const Action& release);

  std::size_t size() const { return waiting_.size() + held_.size(); }

 private:
  bool is_held(ConnectionId connection) const;

  std::deque<PendingReply> waiting_;  // for the journal, in order
  // Settled already: candidates, and what stands behind them. A handful, except where blocks cost
  // nothing.
  std::deque<PendingReply> held_;
};

}  // namespace pool
