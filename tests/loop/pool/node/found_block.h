// A real proof of work for a job, at regtest's difficulty.
#pragma once

#include "common/bitcoin/coinbase.h"
#include "common/bitcoin/header.h"
#include "common/bitcoin/merkle.h"
#include "common/bitcoin/transaction.h"
#include "common/mining/job.h"
#include "pool/core/shard_types.h"

#include <cstdint>
#include <memory>
#include <utility>

namespace pool::test {

inline FoundBlock find_block(std::shared_ptr<const mining::Job> job, std::uint8_t miner = 4) {
  const base::Bytes extranonce1{1, 2, 3, miner};
  const base::Bytes extranonce2{0, 0, 0, 0, 0, 0, 0, 1};
  FoundBlock found;
  found.coinbase = bitcoin::assemble_coinbase(job->work().coinbase, extranonce1, extranonce2);
  found.shard = ShardIndex{3};
  const auto parsed = bitcoin::Transaction::parse(found.coinbase);
  bitcoin::Header header;
  header.version = job->version;
  header.prev_hash = job->prev_hash();
  header.merkle_root =
      bitcoin::fold_merkle_branch(bitcoin::Hash256{parsed->txid().bytes}, job->merkle_branch);
  header.ntime = job->ntime;
  header.nbits = job->nbits();
  while (!job->network_target().admits(header.hash().bytes)) ++header.nonce;
  found.header = header.serialize();
  found.hash = header.hash();
  found.candidate.address = "bcrt1qfinder";
  found.candidate.height = job->height();
  found.candidate.hash = found.hash;
  found.candidate.header = found.header;
  found.candidate.coinbase = found.coinbase;
  found.job = std::move(job);
  return found;
}

}  // namespace pool::test
