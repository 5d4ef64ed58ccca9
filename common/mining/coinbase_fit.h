// fit_coinbase: the longest coinbase that a miner can take and that the block has room for.
//
// Firmwares differ in how long a coinbase they can take, and a template leaves room for a coinbase
// of weight, sigops and size that its node thought of. Where ours does not fit, the last outputs
// but the first are left out and their value goes to the first; then the tag is left out. What is
// still too long for the miner is given all the same; what is still too much for the block is an
// error.
//
// Thread: pure.
// Source: BIP22 (sigoplimit, sizelimit), BIP141, BIP145 (weightlimit).
#pragma once

#include "common/base/result.h"
#include "common/bitcoin/coinbase.h"
#include "common/mining/job_builder.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace mining {

[[nodiscard]] base::Result<bitcoin::CoinbaseParts, JobError> fit_coinbase(const JobSpec& spec,
                                                                          std::size_t bytes_max);

// Of a whole block: header, count of transactions, a coinbase in legacy form of `coinbase_bytes`
// (with BIP141's witness where the template commits to one) and the template's transactions.
struct BlockUse {
  std::uint64_t weight = 0;
  std::uint64_t bytes = 0;
  std::uint64_t sigops = 0;  // in the units of the template's sigop_limit
};
BlockUse block_use(const BlockTemplate& block_template, std::size_t coinbase_bytes,
                   std::uint64_t coinbase_legacy_sigops);
// The limit that such a block is over, if it is.
std::optional<JobError> over_limit(const BlockTemplate& block_template, const BlockUse& use);

}  // namespace mining
