// A job's block as its node is asked to judge it (getblocktemplate's proposal mode, BIP23):
// complete, with a coinbase such as miners make, and nothing missing but the work.
//
// Thread: pure.
#pragma once

#include "common/mining/job.h"

#include <string>

namespace mining {

// The first tier's block: extranonces of zeros, no version rolled, the template's own time.
// REQUIRES: build_job() or reissue_job() made the job.
std::string proposal_block_hex(const Job& job);

// Equal for jobs of which one's verdict is the other's: version and rules, limits, whether there is
// a commitment, and the coinbase's outputs and tag. The chain's progress (height, times, bits,
// transactions, amounts) makes no difference.
std::string proposal_kind(const Job& job);

}  // namespace mining
