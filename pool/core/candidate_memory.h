// CandidateMemory: which block candidates a shard has sent to the node, so that none is sent twice
// and that a flood of siblings is not sent at all.
//
// Blocks of one height and parent exclude each other: once dozens are on their way, another one
// can't win. Only where a block costs next to nothing (regtest, a testnet at difficulty 1) can
// there be so many; there a miner, by accident or not, would else bury the node, the vault and the
// log.
//
// Memory: bounded by both maxima. Thread: one shard's.
#pragma once

#include "common/bitcoin/hash.h"

#include <cstddef>
#include <deque>
#include <vector>

namespace pool {

class CandidateMemory {
 public:
  // True when this block should be sent; it is then remembered. False: it was sent before, or
  // enough of its siblings were.
  bool should_send(const bitcoin::BlockHash& prev_hash, const bitcoin::BlockHash& hash);

 private:
  struct Tip {
    bitcoin::BlockHash prev_hash;
    std::vector<bitcoin::BlockHash> sent;
  };
  std::deque<Tip> tips_;  // the newest last
};

}  // namespace pool
